"""Takes the pictures of a running demo: `python -m tests.screenshots [FOLDER]`, an SVG and a PNG a screen and size."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from console.demo.session import DemoSession
from console.session import Session
from console.tui.app import LeadsApp

SCREENS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("overview", ("1",)),
    ("logs", ("2",)),
    ("queue", ("3",)),
    ("trace", ("j", "t")),
    ("leads", ("escape", "4")),
    ("volumes", ("5",)),
    ("activity", ("3", "r", "j", "r", "4", "v", "6")),  # what two retries and a look at a lead leave there
)
OPERATOR = "mara@ops"
SIZES = {"80x24": (80, 24), "160x45": (160, 45)}
SETTLE_S = 45.0
LOOK_S = 3.0
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


async def main(folder: Path) -> None:
    """Run the demo until it has something to show, then go through the screens at each size."""
    folder.mkdir(parents=True, exist_ok=True)
    async with (
        DemoSession(rate=12.0, seed=7) as demo,
        Session(replace(demo.settings, operator=OPERATOR), demo.runtime) as session,
    ):
        for name, size in SIZES.items():
            app = LeadsApp(session.sources, session.runner, title="demo", theme="dark")
            app.title = "leadsctl"
            async with app.run_test(size=size) as pilot:
                await pilot.pause(SETTLE_S)
                for screen, keys in SCREENS:
                    await pilot.press(*keys)
                    await pilot.pause(LOOK_S)
                    app.save_screenshot(f"{screen}-{name}.svg", str(folder))


def draw(folder: Path) -> None:
    """A PNG beside each SVG, by the Chromium of this machine: other programs drop the blanks of these pictures."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        print("no PNG was made: there is no Chromium here", file=sys.stderr)
        return
    for svg in sorted(folder.glob("*.svg")):
        size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg.read_text())
        assert size is not None, svg
        width, height = (round(float(each)) for each in size.groups())
        subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--force-device-scale-factor=0.75",
             f"--window-size={width},{height}", "--default-background-color=00000000",
             f"--screenshot={svg.with_suffix('.png')}", svg.resolve().as_uri()],
            check=True, capture_output=True, timeout=60,
        )  # fmt: skip


if __name__ == "__main__":
    where = Path(sys.argv[1] if len(sys.argv) > 1 else ".github/screens")
    asyncio.run(main(where))
    draw(where)
