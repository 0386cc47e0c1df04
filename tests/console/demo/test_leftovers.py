"""The mark of a demo's directory: nobody finds it without its lock, from its first moment to the directory's last."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.demo import leftovers
from console.demo.leftovers import PREFIX, clear_leftovers, demo_directory
from console.stack.local.places import remove_tree


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only place for temporary directories."""
    monkeypatch.setattr(leftovers, "_bases", lambda: [tmp_path])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def unlocked(base: Path) -> Iterator[Path]:
    """Marks that anybody may lock, and so would take for those of a killed console."""
    for mark in base.glob(f"{PREFIX}*/demo.lock"):
        other = os.open(mark, os.O_RDWR)
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        else:
            yield mark
        finally:
            os.close(other)


def test_a_directory_that_is_being_made_is_nobodys_leftover(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another demo that started at the same moment took it away."""
    found: list[Path] = []
    lock = fcntl.flock

    def late(mark: int, how: int) -> None:
        monkeypatch.setattr(fcntl, "flock", lock)
        found.extend(unlocked(base))
        lock(mark, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with demo_directory():
        found.extend(unlocked(base))
    assert found == []


def test_a_directory_that_is_being_removed_is_nobodys_leftover(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Path] = []

    def removing(folder: Path) -> None:
        found.extend(unlocked(base))
        remove_tree(folder)

    monkeypatch.setattr(leftovers, "remove_tree", removing)
    with demo_directory() as folder:
        assert folder.parent == base
    assert (found, list(base.iterdir())) == ([], [])


async def test_one_in_use_is_left_alone(base: Path) -> None:
    with demo_directory() as folder:
        assert await clear_leftovers() == 0
        assert list(folder.iterdir()) == [folder / "demo.lock"]
