"""A file that is written beside its place: whole or not there, one writer at a time, nothing left of a killed one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from console.backup.taking import Wanted, begun, swept
from console.errors import ConsoleError
from console.parts import part_of, placed

WRITE = """
import sys
from pathlib import Path
from console.parts import placed
with placed(Path(sys.argv[1])) as stream:
    stream.write(b"of another process")
    stream.flush()
    print("writing", flush=True)
    sys.stdin.read()
"""
BACK_UP = """
import asyncio, sys
from pathlib import Path
from console.backup.taking import Wanted, begun
asyncio.run(begun(Wanted(Path(sys.argv[1]), "leads")))
print("writing", flush=True)
sys.stdin.read()
"""
NAMES = ["leads.csv", "leads" * 50]


@contextmanager
def another(script: str, path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has begun to write, and writes until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        yield process


def killed(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize("name", NAMES)
def test_what_a_killed_process_left_goes_with_the_next_run(tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    with another(WRITE, target) as process:
        killed(process)
    assert len(list(tmp_path.iterdir())) == 1
    with placed(target) as stream:
        stream.write(b"whole")
    assert target.read_bytes() == b"whole"
    assert target.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("name", NAMES)
def test_two_at_once_to_one_file_are_one_too_many(tmp_path: Path, name: str) -> None:
    target = tmp_path / name
    with another(WRITE, target) as process:
        for replace in (False, True):
            with pytest.raises(ConsoleError, match="is being written already"), placed(target, replace=replace):
                pass
        process.communicate()
    assert target.read_bytes() == b"of another process"
    assert list(tmp_path.iterdir()) == [target]


def test_two_long_names_that_begin_alike_do_not_meet(tmp_path: Path) -> None:
    one, two = tmp_path / ("leads" * 50 + "1"), tmp_path / ("leads" * 50 + "2")
    with placed(one) as first, placed(two) as second:
        first.write(b"1")
        second.write(b"2")
    assert (one.read_bytes(), two.read_bytes()) == (b"1", b"2")


def test_a_file_that_was_made_meanwhile_stays(tmp_path: Path) -> None:
    target = tmp_path / "leads.csv"
    with pytest.raises(ConsoleError, match="is there already"), placed(target):
        target.write_bytes(b"precious")
    assert target.read_bytes() == b"precious"
    with placed(target, replace=True) as stream:
        stream.write(b"leads")
    assert target.read_bytes() == b"leads"
    assert list(tmp_path.iterdir()) == [target]


def test_a_file_whose_second_name_was_left_stays_as_it_is_until_the_next_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "leads.csv"
    target.write_bytes(b"whole")
    part_of(target).hardlink_to(target)
    with placed(target, replace=True) as stream:
        stream.write(b"next")
        stream.flush()
        assert target.read_bytes() == b"whole"
    assert target.read_bytes() == b"next"


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    target, precious = tmp_path / "leads.csv", tmp_path / "precious"
    precious.write_bytes(b"precious")
    part_of(target).symlink_to(precious)
    with pytest.raises(ConsoleError, match="cannot be written"), placed(target):
        pass
    assert precious.read_bytes() == b"precious"


def test_nothing_stays_of_what_fails(tmp_path: Path) -> None:
    with pytest.raises(ConsoleError, match="cannot be written: No space"), placed(tmp_path / "leads.csv"):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_a_place_where_nothing_can_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConsoleError, match="cannot be written: No such file"), placed(tmp_path / "none" / "leads.csv"):
        pass


def test_what_a_killed_backup_left_goes_and_all_else_stays(tmp_path: Path) -> None:
    wanted = Wanted(tmp_path, "leads")
    others = {
        ".leads-2-20261101T030000Z.leads.tar.part",
        ".leads-notes.leads.tar.part",
        "leads-20261101T030000Z.leads.tar",
    }
    for name in others:
        (tmp_path / name).touch()
    with another(BACK_UP, tmp_path) as process:
        swept(wanted)
        (part,) = {path.name for path in tmp_path.iterdir()} - others
        killed(process)
    swept(wanted)
    assert part not in {path.name for path in tmp_path.iterdir()}
    assert {path.name for path in tmp_path.iterdir()} == others


async def test_a_backup_that_has_begun_is_its_own(tmp_path: Path) -> None:
    _, target, handle = await begun(Wanted(tmp_path, "leads"))
    swept(Wanted(tmp_path, "leads"))
    assert target.with_name(f".{target.name}.part").exists()
    os.close(handle)
