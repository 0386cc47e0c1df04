"""The terminal UI from the command line: opens on a terminal, leaves it clean, never shows a traceback."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.console.cli import calls
from tests.console.cli.calls import on_terminal, plain

CRASH = """
import sys
from console.__main__ import run
from console.tui.app import LeadsApp

def on_mount(self):
    email = "ana" + "@gmail.com"
    raise RuntimeError("boom")

LeadsApp.on_mount = on_mount
sys.exit(run(sys.argv[1:]))
"""


def test_it_opens_and_q_leaves_it(tmp_path: Path) -> None:
    code, text = on_terminal("--local", "--dir", str(tmp_path / "stack"), typed="q")
    assert code == 0
    assert "Overview" in text
    assert text.rstrip().endswith("\x1b[?1049l") or "\x1b[?1049l" in text
    assert "Traceback" not in text


def test_a_crash_is_two_lines_without_what_the_program_knew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "COMMAND", (sys.executable, "-c", CRASH))
    env = {"LEADSCTL_DEBUG": "1", "XDG_STATE_HOME": str(tmp_path), "HOME": str(tmp_path)}
    code, text = on_terminal("--local", "--dir", str(tmp_path / "stack"), env=env)
    assert code == 1
    after = plain(text.rpartition("\x1b[?1049l")[2])
    assert "leadsctl: unexpected RuntimeError: boom" in after
    assert "Traceback" not in text
    assert "ana@gmail.com" not in text
    (report,) = tmp_path.rglob("debug-*.log")
    assert "boom" in report.read_text()
