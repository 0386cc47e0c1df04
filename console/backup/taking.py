"""Takes a backup of a running stack, verifies it, and lets old ones go."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from glob import escape
from importlib.metadata import version
from pathlib import Path
from typing import IO

from console import parts
from console.backup.archive import MEMBERS, POSTGRES, REDIS, ArchiveWriter, Manifest, verify
from console.backup.seal import opening, sealing
from console.backup.snapshot import snapshot
from console.errors import ConsoleError, StackError
from console.format import number, size
from console.links import Links
from console.ports import Result, Runtime
from console.snapshots import Progress
from console.wording import counted

DUMP = ("pg_dump", "--format=custom", "--compress=0")
DONE = "backed up:"
"""How the text of a result begins; by this the store knows when the last backup was (Reader.last_backup)."""
SUFFIX = ".leads.tar"
SEALED = ".age"
_STAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What backup is wanted.

    Attributes:
        directory: where it is written; it is made if need be.
        stack: the stack's name, a part of the file's.
        keep: how many of this stack stay there; 0 keeps all.
        recipient: age public key, "" for none.
    """

    directory: Path
    stack: str
    keep: int = 0
    recipient: str = ""


class Taker:
    """Takes backups of one stack."""

    def __init__(self, runtime: Runtime, links: Links) -> None:
        self._runtime = runtime
        self._links = links

    async def take(self, wanted: Wanted) -> AsyncIterator[Progress | Result]:
        """Write an archive and read it back; steps, then a result whose text begins with DONE.

        All that was acknowledged before the first step is in it. The file appears in its place once it is verified.

        Raises:
            ConsoleError: it cannot be taken; nothing is left of it.
        """
        try:
            wanted.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            swept(wanted)
            began, target, handle = await begun(wanted)
        except FileExistsError:
            raise ConsoleError(f"{wanted.directory} is no folder", "give --to one, or the path of a new one") from None
        except OSError as error:
            raise ConsoleError(f"{wanted.directory} cannot be written: {error.strerror}") from error
        part = _part(target)
        # Open to the end, and so locked: what is read back is still under way.
        held = os.dup(handle)
        try:
            with _on_disk(handle) as file, sealing(file, wanted.recipient) as stream:
                writer = ArchiveWriter(stream)
                try:
                    async for step in self._write(writer):
                        yield step
                    manifest = await self._manifest(wanted.stack, began, writer)
                    writer.finish(manifest)
                finally:
                    writer.let_go()
            if not wanted.recipient:
                async for step in self._verify(part):
                    yield step
            part.replace(target)
            gone = let_go(wanted)
        except OSError as error:
            raise ConsoleError(f"{target} cannot be written: {error.strerror}") from error
        finally:
            part.unlink(missing_ok=True)
            os.close(held)
        kept = f"; {number(gone)} older removed" if gone else ""
        how = "encrypted; restore --dry-run checks it" if wanted.recipient else "read back and verified"
        text = f"{DONE} {target}, {size(target.stat().st_size)}, {counted(manifest.leads, 'lead')}, {how}{kept}"
        yield Result(ok=True, text=text, changed=1)

    async def _write(self, writer: ArchiveWriter) -> AsyncGenerator[Progress, None]:
        """Redis first: what is stored meanwhile is in Postgres' later snapshot too."""
        url = await self._links.redis_url()
        for member, content in (
            (REDIS, snapshot(url)),
            (POSTGRES, self._runtime.execute("db", DUMP)),
        ):
            async with aclosing(content) as chunks, aclosing(writer.add(member, chunks)) as sizes:
                async for written in sizes:
                    yield Progress(f"{size(written)} read", service=member)
                    await asyncio.sleep(0)
            yield Progress(f"{size(writer.members[member].size)} read", service=member, ok=True)
            if not writer.members[member].size:
                raise StackError(f"{member} gave nothing to back up", f"leadsctl logs {member} may say why")

    async def _manifest(self, stack: str, began: datetime, writer: ArchiveWriter) -> Manifest:
        queue = await self._links.inspect(lambda inspector: inspector.snapshot())
        store = await self._links.read(lambda reader: reader.snapshot(began, latest=0))
        schema = await self._links.read(lambda reader: reader.schema())
        return Manifest(
            format=1,
            made_by=version("leadsctl"),
            stack=stack,
            runtime=self._runtime.name,
            began_at=began.isoformat(),
            ended_at=datetime.now(UTC).isoformat(),
            schema=schema,
            postgres=store.version,
            redis=queue.server,
            leads=store.total,
            accepted=queue.accepted,
            members=writer.members,
        )

    async def _verify(self, path: Path) -> AsyncIterator[Progress]:
        """Every sum, and whether pg_restore can read the dump's table of contents."""
        manifest = None
        with opening(path, None) as stream:
            checking = verify(stream)
            total = 0
            while manifest is None:
                try:
                    total = next(checking)
                except StopIteration as end:
                    manifest = end.value
                else:
                    yield Progress(f"{size(total)} checked", service="archive")
                    await asyncio.sleep(0)
        listing = self._runtime.execute("db", ("pg_restore", "--list"), parts_of(path, None, POSTGRES))
        async with aclosing(listing) as chunks:
            listed = b"".join([chunk async for chunk in chunks])
        if b" TABLE DATA " not in listed:
            raise ConsoleError("the dump holds no tables", "take another backup")
        yield Progress(f"{size(total)} checked", service="archive", ok=True)


async def parts_of(path: Path, identity: Path | None, member: str) -> AsyncIterator[bytes]:
    """A member's bytes, part by part."""
    from console.backup.archive import read

    with opening(path, identity) as stream:
        for name, data in read(stream, member):
            if name == member:
                yield data
            elif name not in MEMBERS:
                return


def let_go(wanted: Wanted) -> int:
    """Remove this stack's oldest archives beyond `keep`; how many. A name says when its archive was taken."""
    if not wanted.keep:
        return 0
    mine = sorted(
        path for path in wanted.directory.glob(f"{escape(wanted.stack)}-*{SUFFIX}*") if _stamped(path, wanted.stack)
    )
    old = mine[: -wanted.keep]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def swept(wanted: Wanted) -> None:
    """Remove what backups of this stack that were killed have left there; one that is under way stays."""
    for part in wanted.directory.glob(f".{escape(wanted.stack)}-*{SUFFIX}*.part"):
        if _stamped(part.with_name(part.name[1:].removesuffix(".part")), wanted.stack):
            parts.sweep(part)


def _stamped(path: Path, stack: str) -> bool:
    stamp = path.name.removeprefix(f"{stack}-").removesuffix(SEALED).removesuffix(SUFFIX)
    try:
        datetime.strptime(stamp, _STAMP)  # noqa: DTZ007 - it is only whether it is one
    except ValueError:
        return False
    return True


async def begun(wanted: Wanted) -> tuple[datetime, Path, int]:
    """When a backup begins, what it is called, and a new file beside that, open, that only its owner may read.

    A name says the second: one that is there, or under way, is never replaced, the next second is awaited instead.

    Raises:
        OSError: no file can be made there.
    """
    while True:
        began = datetime.now(UTC)
        name = f"{wanted.stack}-{began:{_STAMP}}{SUFFIX}{SEALED if wanted.recipient else ''}"
        target = wanted.directory / name
        try:
            handle = parts.begin(_part(target))
        except BlockingIOError:
            pass
        else:
            if not target.exists():
                return began, target, handle
            _part(target).unlink()
            os.close(handle)
        await asyncio.sleep(1 - began.microsecond / 1e6)


def _part(target: Path) -> Path:
    return target.with_name(f".{target.name}.part")


@contextmanager
def _on_disk(handle: int) -> Iterator[IO[bytes]]:
    """The file, on disk when this ends."""
    with os.fdopen(handle, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
