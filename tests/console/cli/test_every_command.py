"""Every command of the local runtime: documented JSON, a silent standard error, exit codes; wrong words, no stack."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import typer

from console.__main__ import run
from console.cli import shapes
from console.cli.app import COMMANDS, app
from console.ports import Verb
from tests.console.cli import every
from tests.console.cli.calls import inside
from tests.console.cli.conftest import Stack

REFUSED = (
    "up", "down --yes", "start app", "stop app --yes", "restart app", "queue retry x", "queue retry --all dead",
    "queue discard x --yes", "queue discard --all dead --yes", "queue undo x", "queue undo --all",
    "queue edit x --payload {}", "queue pause", "queue resume", "send", "leads forget 1 --yes", "leads replay 1",
    "backup", "init NEW",
)  # fmt: skip
UNREACHABLE = (
    "queue", "queue list", "queue show x", "queue pause", "leads", "leads search ana", "leads show 1", "leads export",
    "leads replay 1", "trace 1", "check", "activity", "send", "leads list --reveal", "queue retry x",
    "queue discard --all dead --yes", "leads forget 1 --yes",
)  # fmt: skip


@pytest.mark.timeout(400)
def test_every_command_prints_its_documented_json(stack: Stack, stored: int, dead: str, tmp_path: Path) -> None:
    every.run_all(partial(inside, *stack.where), tmp_path / "backups", lead=str(stored), dead=dead)


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which no stack is, nor any configuration."""
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def leaves() -> Iterator[tuple[list[str], Any]]:
    """The words of every command there is, and the command."""
    group: Any = typer.main.get_command(app)
    for name in COMMANDS:
        command = group.commands[name]
        yield [name], command
        for inner, one in getattr(command, "commands", {}).items():
            yield [name, inner], one


def test_every_command_takes_json_and_quiet_and_is_documented() -> None:
    own_terminal = {"shell", "psql", "redis-cli"}  # what a program writes on the operator's terminal is no document
    documented = shapes.__doc__ or ""
    for words, command in leaves():
        if words[0] in own_terminal:
            continue
        flags = {flag for param in command.params for flag in param.opts}
        assert {"--json", "--quiet"} <= flags, words
        assert words[-1] in documented, f"console.cli.shapes does not say what {words} prints"


@pytest.mark.parametrize("words", [words for words, _ in leaves()], ids=" ".join)
def test_an_unknown_option_ends_with_2(words: list[str], alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    del alone
    # A monitoring system takes 2 for critical.
    assert run([*words, "--no-such-option"]) == (3 if words == ["check"] else 2)
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("leadsctl: ")
    assert len(told.err.splitlines()) <= 2


@pytest.mark.parametrize("words", UNREACHABLE)
def test_without_a_stack_it_ends_with_3_and_prints_nothing(
    words: str, alone: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("META_APP_SECRET", "s3cret")
    assert run(["--local", "--dir", str(alone / "none"), "--quiet", *words.split()]) == 3
    told = capsys.readouterr()
    assert told.out == ""
    first, *rest = told.err.splitlines()
    assert first.startswith("leadsctl: ")
    assert len(rest) <= 1, told.err


@pytest.mark.parametrize("words", REFUSED)
def test_read_only_refuses_every_changing_command(words: str, alone: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--local", "--dir", str(alone / "none"), "--read-only", *words.split()]) == 2
    told = capsys.readouterr()
    assert "read-only" in told.err
    assert list(alone.iterdir()) == []


def test_every_verb_has_a_command_that_read_only_refuses() -> None:
    """A new verb cannot be forgotten: it is refused here, or it is said why not."""
    without_own_command = {Verb.REVEAL, Verb.RESTORE}  # a flag of reading commands; refused once its archive was read
    named = {words.split(" --")[0].replace("queue ", "").replace("leads ", "").split()[0] for words in REFUSED}
    matching = {verb for verb in Verb if verb.value.endswith("-matching")}
    elsewhere = {verb for verb in Verb if verb.value in COMMANDS}  # refused by the runner, which all of them go through
    assert {verb for verb in Verb if verb.value not in named} - without_own_command - matching - elsewhere == set()
