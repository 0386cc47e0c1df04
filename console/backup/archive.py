"""Owns the archive's format: writes members in parts as their bytes come, reads them back, checks every sum."""

from __future__ import annotations

import hashlib
import io
import tarfile
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

import msgspec
import zstandard

from console.errors import ConsoleError
from console.format import safe

FORMAT = 1
PART = 2 << 20
"""Bytes of a member that go into one part, before compression."""
MANIFEST = "manifest.json"
MAX_MANIFEST = 1_000_000
POSTGRES, REDIS = "postgres", "redis"
MEMBERS = (REDIS, POSTGRES)


class Member(msgspec.Struct, frozen=True):
    """A member as it was before compression: bytes, SHA-256 in hex, and how many parts it has."""

    size: int
    sha256: str
    parts: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What the archive says of itself.

    Attributes:
        made_by: leadsctl's version.
        began_at, ended_at: RFC 3339; all that was acknowledged before `began_at` is inside.
        schema: the last migration of the database.
        postgres, redis: the servers' versions; redis with its kind ("redis 7.4.1", "valkey 9.1.0").
        leads, accepted: counted as it was begun.
        members: by name.
    """

    format: int
    made_by: str
    stack: str
    runtime: str
    began_at: str
    ended_at: str
    schema: int
    postgres: str
    redis: str
    leads: int
    accepted: int
    members: dict[str, Member]


@dataclass
class _Sum:
    sha: hashlib._Hash = field(default_factory=hashlib.sha256)
    size: int = 0
    parts: int = 0

    def add(self, data: bytes) -> None:
        self.sha.update(data)
        self.size += len(data)
        self.parts += 1

    def member(self) -> Member:
        return Member(self.size, self.sha.hexdigest(), self.parts)


class _Sink(io.RawIOBase):
    """Passes on what is written until it is let go: tarfile writes what it still holds whenever it is dropped."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream: IO[bytes] | None = stream

    def write(self, data: Any) -> int:
        if self._stream is not None:
            self._stream.write(data)
        return len(data)

    def let_go(self) -> None:
        self._stream = None


class ArchiveWriter:
    """Writes an archive to a stream that need not be seekable."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._sink = _Sink(stream)
        self._tar = tarfile.open(fileobj=self._sink, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115
        self.members: dict[str, Member] = {}

    async def add(self, name: str, content: AsyncIterator[bytes]) -> AsyncGenerator[int, None]:
        """Write a member; yields how many bytes are written so far, part by part."""
        compressor = zstandard.ZstdCompressor(level=3)
        found, buffer = _Sum(), bytearray()
        async for chunk in content:
            buffer += chunk
            while len(buffer) >= PART:
                self._part(name, found, compressor, bytes(buffer[:PART]))
                del buffer[:PART]
                yield found.size
        if buffer or not found.parts:
            self._part(name, found, compressor, bytes(buffer))
        self.members[name] = found.member()
        yield found.size

    def finish(self, manifest: Manifest) -> None:
        """Write the manifest and the end."""
        self._file(MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=1) + b"\n")
        self._tar.close()

    def let_go(self) -> None:
        """Write nothing more, whether the archive is whole or not."""
        self._sink.let_go()

    def _part(self, name: str, found: _Sum, compressor: zstandard.ZstdCompressor, data: bytes) -> None:
        found.add(data)
        self._file(f"{name}/{found.parts:06}.zst", compressor.compress(data))

    def _file(self, path: str, data: bytes) -> None:
        entry = tarfile.TarInfo(path)
        entry.size, entry.mode = len(data), 0o600
        self._tar.addfile(entry, io.BytesIO(data))


def read(stream: IO[bytes], wanted: str = "") -> Iterator[tuple[str, bytes]]:
    """(member, bytes) in order, those of `wanted` only if it is named; last ("manifest.json", its text).

    Raises:
        ConsoleError: it is no archive of ours, or it is damaged.
    """
    try:
        with tarfile.open(fileobj=stream, mode="r|") as tar:
            for entry in tar:
                name, _, part = entry.name.partition("/")
                file = tar.extractfile(entry) if entry.isreg() else None
                if file is None or entry.size > (MAX_MANIFEST if not part else 2 * PART):
                    raise ConsoleError(f"the archive holds something that is not a backup's: {entry.name[:80]!r}")
                if not part or not wanted or name == wanted:
                    data = file.read()
                    yield name, _opened(data) if part else data
    except (tarfile.TarError, zstandard.ZstdError, EOFError, OSError) as error:
        raise ConsoleError(f"the archive is damaged or is none: {error}", "take another backup") from error


def _opened(data: bytes) -> bytes:
    """A part's bytes; a frame that claims to be larger than a part can be is refused before it is made."""
    size = zstandard.frame_content_size(data)
    if size < 0 or size > PART:
        raise ConsoleError("the archive is damaged: a part has no proper size")
    return zstandard.ZstdDecompressor().decompress(data, max_output_size=PART)


def verify(stream: IO[bytes]) -> Generator[int, None, Manifest]:
    """Read a whole archive and check every sum; yields how many bytes were checked, then ends.

    The manifest is the generator's return value.

    Raises:
        ConsoleError: it is damaged, of a newer format, or not whole.
    """
    found: dict[str, _Sum] = {}
    text, size = b"", 0
    for name, data in read(stream):
        if name == MANIFEST:
            text = data
            continue
        found.setdefault(name, _Sum()).add(data)
        size += len(data)
        yield size
    manifest = parse(text)
    for name in MEMBERS:
        if name not in found or found[name].member() != manifest.members.get(name):
            raise ConsoleError(f"the archive is damaged: {name} is not what the manifest says", "take another backup")
    return manifest


def parse(text: bytes) -> Manifest:
    """The manifest. ConsoleError when there is none, or it is of a format that this version does not know."""
    if not text:
        raise ConsoleError("the archive is not whole: it has no manifest", "take another backup")
    try:
        known = msgspec.json.decode(text, type=dict[str, object]).get("format")
        if known != FORMAT:
            raise ConsoleError(
                f"the archive's format {safe(known, 40)} is not known", "restore it with the leadsctl that made it"
            )
        return msgspec.json.decode(text, type=Manifest)
    except msgspec.MsgspecError as error:
        raise ConsoleError(f"the archive's manifest makes no sense: {error}") from error
