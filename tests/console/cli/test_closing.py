"""A terminal that goes away while the UI is closing: the process ends, and does not read nothing for ever."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

CLOSING = """
import asyncio, os, sys
from textual.app import App
from console.cli.ending import in_order
from console.tui.closing import until_closed

class Closing(App[object]):
    def on_ready(self):
        self.exit()

    async def on_unmount(self):
        open(sys.argv[1], "w").write("closing")
        await asyncio.Event().wait()

async def main():
    with in_order():
        await until_closed(Closing())

os.login_tty(os.dup(0))
asyncio.run(main())
"""


@pytest.mark.timeout(60)
def test_a_terminal_that_goes_away_while_the_ui_closes(tmp_path: Path) -> None:
    said = tmp_path / "said"
    os.mkfifo(said)
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", CLOSING, str(said)],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        cwd=Path(__file__).parents[3],
        env=os.environ | {"TERM": "xterm-256color"},
    )
    os.close(terminal)
    try:
        with said.open() as words:
            assert words.read() == "closing"
        os.close(controller)
        process.wait(20)
    finally:
        process.kill()
        process.wait()
