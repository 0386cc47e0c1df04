"""leads export on a real local stack: bytes of the file, its mode, masked or recorded as revealed."""

from __future__ import annotations

import csv
import io
import json
import stat
from pathlib import Path

import pytest

from tests.console.cli.conftest import Stack


def test_standard_output_is_csv_and_masked(stack: Stack, stored: int) -> None:
    call = stack("leads", "export", "--form", "contact")
    assert call.code == 0, call.err
    found = {row["id"]: row for row in csv.DictReader(io.StringIO(call.text, newline=""))}
    assert found[str(stored)]["email"] == "a•••@gmail.com"
    assert "Silva" not in call.text
    assert "--reveal writes it in full" in call.err


def test_a_file_is_whole_and_its_owners_only(stack: Stack, stored: int, tmp_path: Path) -> None:
    target = tmp_path / "leads.jsonl"
    call = stack("leads", "export", "-o", str(target), "--search", "ana@gmail", "--reveal")
    assert (call.code, call.out) == (0, b""), call.err
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    found = [json.loads(line) for line in target.read_text().splitlines()]
    assert stored in [lead["id"] for lead in found]
    assert {lead["full_name"] for lead in found} == {"Ana Silva"}
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_that_is_there_stays(stack: Stack, tmp_path: Path) -> None:
    target = tmp_path / "leads.csv"
    target.write_text("precious")
    call = stack("leads", "export", "-o", str(target))
    assert call.code == 2
    assert "--replace writes over it" in call.err
    assert target.read_text() == "precious"
    assert stack("leads", "export", "-o", str(target), "--replace").code == 0
    assert target.read_text().startswith("id,source,")


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--format", "xls"], 2, "there is no format xls"),
        (["--format", "jsonl", "--answer", "city"], 2, "go with CSV"),
        (["--answer", "\udcff"], 2, "is not UTF-8"),
        (["--since", "soon"], 2, "--since soon is not a time"),
        (["-o", "/proc/none/leads.csv"], 1, "cannot be written: No such file or directory"),
        (["-o", "/proc", "--replace"], 2, "/proc is no file"),
    ],
)
def test_what_is_off_is_said(stack: Stack, arguments: list[str], code: int, says: str) -> None:
    call = stack("leads", "export", *arguments)
    assert (call.code, call.out) == (code, b"")
    assert says in call.err
