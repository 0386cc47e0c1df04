"""The archive: what is written is read back, and anything else is refused in one line."""

from __future__ import annotations

import asyncio
import gc
import io
import os
import tarfile
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from console.backup import archive
from console.backup.archive import PART, POSTGRES, REDIS, ArchiveWriter, Manifest, Member, read, verify
from console.backup.restoring import Target, misfit
from console.backup.seal import opening, sealing
from console.backup.taking import Wanted, begun, let_go, parts_of
from console.cli.backup import _fits
from console.cli.output import Output
from console.errors import ConsoleError, UsageError

if TYPE_CHECKING:
    from console.cli.invocation import Invocation
    from console.session import Session

CONTENT = {REDIS: os.urandom(2 * PART + 17), POSTGRES: b"\x00" * PART}
HERE = Target("leads", "15.8", "Redis 7.4.1", 0, 0)


async def bits(data: bytes, step: int = 70_001) -> AsyncIterator[bytes]:
    """The data in pieces."""
    for start in range(0, len(data), step):
        yield data[start : start + step]


def manifest(members: dict[str, Member], **changes: Any) -> Manifest:
    """A manifest that fits HERE."""
    known: dict[str, Any] = {
        "format": 1, "made_by": "0.1.0", "stack": "leads", "runtime": "docker", "began_at": "2026-11-24T12:00:00+00:00",
        "ended_at": "2026-11-24T12:00:05+00:00", "schema": 1, "postgres": "15.8", "redis": "Redis 7.4.1", "leads": 1,
        "accepted": 2, "members": members,
    }  # fmt: skip
    return Manifest(**known | changes)


@pytest.fixture
async def whole() -> bytes:
    """An archive."""
    stream = io.BytesIO()
    await write(stream)
    return stream.getvalue()


async def write(stream: Any) -> None:
    """Write an archive of CONTENT."""
    writer = ArchiveWriter(stream)
    for name, data in CONTENT.items():
        assert [size async for size in writer.add(name, bits(data))][-1] == len(data)
    writer.finish(manifest(writer.members))


def check(data: bytes) -> Manifest:
    """Verify an archive."""
    checking = verify(io.BytesIO(data))
    while True:
        try:
            next(checking)
        except StopIteration as end:
            found: Manifest = end.value
            return found


def test_what_is_written_is_read_back(whole: bytes) -> None:
    assert check(whole).members[REDIS].size == len(CONTENT[REDIS])
    found: dict[str, bytes] = {}
    for name, data in read(io.BytesIO(whole)):
        found[name] = found.get(name, b"") + data
    assert {name: found[name] for name in CONTENT} == CONTENT


def test_tar_and_zstd_alone_open_it(whole: bytes, tmp_path: Path) -> None:
    import zstandard

    with tarfile.open(fileobj=io.BytesIO(whole)) as tar:
        names = [name for name in tar.getnames() if name.startswith("redis/")]
        joined = b"".join(tar.extractfile(name).read() for name in names)  # type: ignore[union-attr]
    reader = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(joined), read_across_frames=True)
    assert reader.read() == CONTENT[REDIS]


async def test_an_empty_member_is_a_member() -> None:
    stream = io.BytesIO()
    writer = ArchiveWriter(stream)
    for name in (REDIS, POSTGRES):
        assert [size async for size in writer.add(name, bits(b""))] == [0]
    writer.finish(manifest(writer.members))
    assert check(stream.getvalue()).members[REDIS].size == 0


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.995])
def test_a_cut_archive_is_refused(whole: bytes, share: float) -> None:
    with pytest.raises(ConsoleError, match="archive"):
        check(whole[: int(len(whole) * share)])


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.8])
def test_a_changed_byte_is_noticed(whole: bytes, share: float) -> None:
    changed = bytearray(whole)
    changed[int(len(whole) * share)] ^= 0x55
    with pytest.raises(ConsoleError, match="damaged"):
        check(bytes(changed))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "no manifest"),
        (b"{", "makes no sense"),
        (b"[]", "makes no sense"),
        (b'{"format": 2}', "format 2 is not known"),
        (b'{"format": 1}', "makes no sense"),
    ],
)
def test_a_manifest_that_makes_no_sense_is_refused(text: bytes, says: str) -> None:
    with pytest.raises(ConsoleError, match=says):
        archive.parse(text)


def test_a_bomb_is_not_opened() -> None:
    import zstandard

    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        data = zstandard.ZstdCompressor().compress(b"\x00" * (PART * 50))
        entry = tarfile.TarInfo(f"{REDIS}/000001.zst")
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
    with pytest.raises(ConsoleError, match="damaged"):
        check(stream.getvalue())


def test_a_link_in_it_is_not_followed() -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        entry = tarfile.TarInfo(f"{REDIS}/000001.zst")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(entry)
    with pytest.raises(ConsoleError, match="not a backup's"):
        check(stream.getvalue())


@pytest.mark.parametrize(
    ("changes", "here", "says"),
    [
        ({}, HERE, ""),
        ({"schema": 10_000}, HERE, "of a newer leadsctl"),
        ({"postgres": "16.1"}, HERE, "of Postgres 16.1"),
        ({"postgres": "14.9"}, HERE, ""),
        ({"redis": "Redis 7.2.5"}, HERE, ""),
        ({"redis": "Redis 8.0.1"}, HERE, "cannot read"),
        ({"redis": "Valkey 8.0.1"}, HERE, "cannot read"),
        ({"redis": "Redis 7.2.5"}, Target("leads", "15.8", "Valkey 8.1.0", 0, 0), ""),
        ({"redis": "Redis 7.4.0"}, Target("leads", "15.8", "Valkey 8.1.0", 0, 0), "cannot read"),
        ({"redis": "Redis 10.0.0"}, Target("leads", "15.8", "Redis 9.1.0", 0, 0), "cannot read"),
    ],
)
def test_what_does_not_fit_is_refused_saying_why(changes: dict[str, Any], here: Target, says: str) -> None:
    reason = misfit(manifest({}, **changes), here)
    assert (says in reason[0] and bool(reason[1])) if reason else not says


async def test_what_a_manifest_says_is_shown_as_plain_text() -> None:
    hostile = "\x1b]0;x\x07\x1b[31mred\u202e" * 3
    found = manifest({}, began_at=hostile, stack=hostile, postgres=f"99 {hostile}")

    class Restorer:
        async def target(self) -> Target:
            return HERE

    session = cast("Session", SimpleNamespace(restorer=Restorer))
    out = io.TextIOWrapper(io.BytesIO(), "utf-8")
    inv = cast("Invocation", SimpleNamespace(json=False, output=Output(out)))
    assert await _fits(inv, session, found) == 1
    out.seek(0)
    shown = out.read()
    assert "red" in shown
    assert all(sign.isprintable() or sign == "\n" for sign in shown)
    assert shown.count("\n") == 2


async def test_an_archive_that_is_given_up_writes_nothing_more(tmp_path: Path) -> None:
    with (tmp_path / "part").open("wb") as file:
        writer = ArchiveWriter(file)
        async for _ in writer.add(REDIS, bits(b"x")):
            pass
        writer.let_go()
    del writer
    gc.collect()


@pytest.mark.parametrize("stack", ["leads", "the leads [prod] *?"])
def test_old_archives_go_and_others_stay(tmp_path: Path, stack: str) -> None:
    mine = [f"{stack}-202611{day:02}T030000Z.leads.tar" for day in range(1, 6)]
    others = ["leads-2-20261101T030000Z.leads.tar", "leads-notes.leads.tar", "leads-20261101.sql"]
    for name in (*mine, *others):
        (tmp_path / name).touch()
    assert let_go(Wanted(tmp_path, stack, keep=2)) == 3
    assert {path.name for path in tmp_path.iterdir()} == {*mine[-2:], *others}
    assert let_go(Wanted(tmp_path, stack)) == 0


async def test_no_backup_of_the_same_second_is_replaced(tmp_path: Path) -> None:
    wanted = Wanted(tmp_path, "leads")
    both = await asyncio.gather(begun(wanted), begun(wanted))
    for _, target, handle in both:
        os.close(handle)
        target.with_name(f".{target.name}.part").rename(target)
    _, third, handle = await begun(wanted)
    os.close(handle)
    assert len({both[0][1], both[1][1], third}) == 3


@pytest.fixture
def identity(tmp_path: Path) -> tuple[str, Path]:
    """An age public key, and the file with its secret."""
    import pyrage

    made = pyrage.x25519.Identity.generate()
    path = tmp_path / "key.txt"
    path.write_text(f"# created by a test\n{made}\n")
    return str(made.to_public()), path


async def test_an_encrypted_archive_opens_with_its_identity_only(identity: tuple[str, Path], tmp_path: Path) -> None:
    recipient, key = identity
    path = tmp_path / "a.leads.tar.age"
    with path.open("wb") as file, sealing(file, recipient) as stream:
        await write(stream)
    assert path.read_bytes().startswith(b"age-encryption.org/v1\n")
    assert b"manifest.json" not in path.read_bytes()
    assert b"".join([data async for data in parts_of(path, key, REDIS)]) == CONTENT[REDIS]
    with pytest.raises(UsageError, match="is encrypted"), opening(path, None):
        pass
    other = tmp_path / "other.txt"
    import pyrage

    other.write_text(str(pyrage.x25519.Identity.generate()))
    with pytest.raises(ConsoleError, match="age failed"), opening(path, other):
        pass
    with pytest.raises(ConsoleError, match="age failed"), opening(path, tmp_path / "none.txt"):
        pass
