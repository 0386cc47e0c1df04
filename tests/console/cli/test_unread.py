"""Where standard error takes nothing, because the disk is full or nobody reads it, work goes on all the same."""

from __future__ import annotations

import csv
import io
import subprocess
from pathlib import Path

import pytest

from tests.console.cli.calls import COMMAND, Call, environment
from tests.console.cli.conftest import Stack

UNREAD = ("2>&-", "2>/dev/full", "2> >(true)")


def unheard(where: str, stack: Stack, *words: str) -> Call:
    """Run a command whose standard error goes nowhere; its exit code and standard output."""
    done = subprocess.run(
        ["bash", "-c", f'"$@" {where}', "bash", *COMMAND, *stack.where, *words],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environment(), timeout=60, check=False,
    )  # fmt: skip
    return Call(done.returncode, done.stdout, "")


@pytest.mark.parametrize("where", UNREAD)
def test_an_export_is_written(where: str, stack: Stack, stored: int, tmp_path: Path) -> None:
    call = unheard(where, stack, "leads", "export")
    assert call.code == 0
    assert str(stored) in {row["id"] for row in csv.DictReader(io.StringIO(call.text, newline=""))}
    assert unheard(where, stack, "leads", "export", "-o", str(tmp_path / "leads.csv")).code == 0
    assert (tmp_path / "leads.csv").read_bytes() == call.out


@pytest.mark.parametrize("where", UNREAD)
def test_a_backup_is_taken(where: str, stack: Stack, tmp_path: Path) -> None:
    assert unheard(where, stack, "backup", "--to", str(tmp_path)).code == 0
    assert [file.suffix for file in tmp_path.iterdir()] == [".tar"]


@pytest.mark.parametrize("where", UNREAD)
def test_the_doctor_looks_at_everything(where: str, stack: Stack) -> None:
    heard = stack("doctor", "--offline")
    call = unheard(where, stack, "doctor", "--offline")
    assert call.code == heard.code
    assert len(call.text.splitlines()) == len(heard.text.splitlines())


@pytest.mark.parametrize("where", UNREAD)
def test_a_wrong_word_is_one(where: str, stack: Stack) -> None:
    assert unheard(where, stack, "nonsense").code == 2
