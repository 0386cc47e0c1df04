"""Takes the pictures of a running demo: `python -m tests.screenshots [FOLDER]`, one SVG a screen and size."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from console.demo.session import DemoSession
from console.session import Session
from console.tui.app import LeadsApp

SCREENS = {"1": "overview", "2": "logs", "3": "queue", "4": "leads", "5": "volumes", "6": "activity"}
SIZES = {"80x24": (80, 24), "160x45": (160, 45)}
SETTLE_S = 45.0
LOOK_S = 3.0


async def main(folder: Path) -> None:
    """Run the demo until it has something to show, then go through the screens at each size."""
    folder.mkdir(parents=True, exist_ok=True)
    async with DemoSession(rate=12.0, seed=7) as demo, Session(demo.settings, demo.runtime) as session:
        for name, size in SIZES.items():
            app = LeadsApp(session.sources, session.runner, title="demo", theme="dark")
            app.title = "leadsctl"
            async with app.run_test(size=size) as pilot:
                await pilot.pause(SETTLE_S)
                for key, screen in SCREENS.items():
                    await pilot.press(key)
                    await pilot.pause(LOOK_S)
                    app.save_screenshot(f"{screen}-{name}.svg", str(folder))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".github/screens")))
