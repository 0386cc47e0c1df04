"""The terminal UI from the command line: opens on a terminal, leaves it clean, never shows a traceback."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from console.cli import app, quick, ui
from console.cli.invocation import Invocation
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


def test_it_does_not_open_where_nobody_would_see_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = tmp_path / "errors"
    monkeypatch.setattr(calls, "COMMAND", ("sh", "-c", f'exec "$@" 2>"{told}"', "sh", *calls.COMMAND))
    code, text = on_terminal("--local", "--dir", str(tmp_path / "stack"))
    assert (code, text) == (2, "")
    assert "needs a terminal, on standard error too" in told.read_text()


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


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--local"],
        ["--local", "--docker"],
        ["--docker", "--read-only", "-p", "leads", "--dir", "/srv/leads"],
        ["--project", "leads", "--env-file", "stack.env"],
        ["--dir", "stack", "--local"],
    ],
)
def test_the_quick_reader_reads_as_the_parser_does(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Invocation] = []

    def remember(found: Invocation) -> int:
        opened.append(found)
        return 0

    monkeypatch.setattr(ui, "open_ui", remember)
    assert app.run(arguments) == 0
    quickly = quick.read(arguments)
    assert quickly is not None
    assert quickly.settings == opened[0].settings


@pytest.mark.parametrize(
    "arguments",
    [["ps"], ["--json"], ["--help"], ["--dir"], ["--dir", "--local"], ["--dir=x"], ["-px"], ["--", "ps"], [""]],
)
def test_the_quick_reader_leaves_the_rest_to_the_parser(arguments: list[str]) -> None:
    assert quick.read(arguments) is None
