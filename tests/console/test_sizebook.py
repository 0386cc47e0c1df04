"""Growth of volumes from one command to the next; a file that is damaged or cannot be written is no trouble."""

from __future__ import annotations

from pathlib import Path

from console.sizebook import EVERY_S, KEPT, WITHIN_S, SizeBook
from console.snapshots import Volume, VolumesSnapshot


def reading(at: float, **sizes: int | None) -> VolumesSnapshot:
    return VolumesSnapshot(tuple(Volume(name, "", (), size) for name, size in sizes.items()), at)


def test_growth_is_told_from_the_oldest_reading_on(tmp_path: Path) -> None:
    book = SizeBook(tmp_path / "state" / "volumes.json")
    assert book.growth("s", reading(0.0, data=100)) == {}
    book.note("s", reading(0.0, data=100))
    book.note("s", reading(1_800.0, data=150))
    assert book.growth("s", reading(3_600.0, data=300, other=1)) == {"data": (200.0, 3_600.0)}
    assert book.growth("another stack", reading(3_600.0, data=300)) == {}
    assert book.growth("s", reading(3_600.0, data=None)) == {}


def test_readings_a_moment_apart_tell_nothing_and_are_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "volumes.json"
    book = SizeBook(path)
    book.note("s", reading(0.0, data=100))
    kept = path.read_bytes()
    assert book.growth("s", reading(EVERY_S - 1, data=200)) == {}
    book.note("s", reading(EVERY_S - 1, data=200))
    assert path.read_bytes() == kept
    assert path.stat().st_mode & 0o077 == 0


def test_the_file_stays_small_and_old_readings_go(tmp_path: Path) -> None:
    path = tmp_path / "volumes.json"
    book = SizeBook(path)
    for n in range(5 * KEPT):
        book.note("s", reading(n * EVERY_S, data=n))
    assert path.read_bytes().count(b'"at"') <= KEPT
    book.note("s", reading(1e9, data=1))
    assert path.read_bytes().count(b'"at"') == 1


def test_a_stack_that_nobody_looks_at_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "volumes.json"
    SizeBook(path).note("old", reading(0.0, data=1))
    SizeBook(path).note("new", reading(WITHIN_S, data=1))
    assert b'"old"' in path.read_bytes()
    SizeBook(path).note("new", reading(WITHIN_S + EVERY_S, data=1))
    assert b'"old"' not in path.read_bytes()


def test_a_damaged_file_and_a_folder_that_takes_nothing_are_let_be(tmp_path: Path) -> None:
    path = tmp_path / "volumes.json"
    path.write_bytes(b"\xff{")
    book = SizeBook(path)
    assert book.growth("s", reading(0.0, data=1)) == {}
    book.note("s", reading(0.0, data=1))
    assert book.growth("s", reading(7_200.0, data=1)) == {"data": (0.0, 7_200.0)}
    blocked = SizeBook(path / "below" / "volumes.json")
    blocked.note("s", reading(0.0, data=1))
    assert blocked.growth("s", reading(7_200.0, data=1)) == {}
