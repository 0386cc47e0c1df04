"""Reads a snapshot of Redis over the wire, as a replica does; the server forks and goes on serving meanwhile.

Protocol: https://redis.io/docs/latest/operate/oss_and_stack/management/replication/ - SYNC is answered by line ends
while the snapshot is made, then "$<length>" and the RDB file, or "$EOF:<40 bytes>" and the file ending in these.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator
from urllib.parse import unquote, urlsplit

from console.errors import UnreachableError

CHUNK = 1 << 20
CONNECT_S = 10.0
SILENCE_S = 120.0
"""How long the server may say nothing; while it works on a snapshot it sends line ends."""
MARK = 40


async def snapshot(url: str) -> AsyncGenerator[bytes, None]:
    """The RDB file of the server at `url`, of one instant after the first step of the generator.

    Raises:
        UnreachableError: it does not answer, refuses, or breaks off.
    """
    try:
        reader, writer = await _connect(url)
    except (OSError, TimeoutError) as error:
        raise UnreachableError(f"Redis cannot be read: {error}", "the command ps shows whether redis runs") from error
    try:
        async for chunk in _read(reader, writer, url):
            yield chunk
    except (OSError, EOFError, TimeoutError, ValueError) as error:
        raise UnreachableError(
            f"Redis broke off its snapshot: {str(error) or type(error).__name__}", "try again"
        ) from error
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _connect(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    parts = urlsplit(url)
    secure = ssl.create_default_context() if parts.scheme == "rediss" else None
    async with asyncio.timeout(CONNECT_S):
        return await asyncio.open_connection(parts.hostname or "127.0.0.1", parts.port or 6379, ssl=secure, limit=CHUNK)


async def _read(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, url: str) -> AsyncGenerator[bytes, None]:
    parts = urlsplit(url)
    if parts.password is not None:
        words = [unquote(word) for word in (parts.username, parts.password) if word]
        writer.write(_command("AUTH", *words))
        _demand_ok(await _line(reader), "the password")
    writer.write(_command("SYNC"))
    head = await _line(reader)
    while not head:
        head = await _line(reader)
    if head.startswith(b"$EOF:"):
        async for chunk in _until(reader, head[5:]):
            yield chunk
    elif head.startswith(b"$"):
        left = int(head[1:])
        while left:
            chunk = await _some(reader, min(left, CHUNK))
            left -= len(chunk)
            yield chunk
    else:
        _demand_ok(head, "a snapshot")


async def _until(reader: asyncio.StreamReader, mark: bytes) -> AsyncGenerator[bytes, None]:
    """Bytes up to the mark that ends the stream."""
    if len(mark) != MARK:
        raise ValueError("an end mark of a strange length")
    kept = b""
    while True:
        kept += await _some(reader, CHUNK)
        if kept.endswith(mark):
            yield kept[:-MARK]
            return
        kept, ready = kept[-MARK:], kept[:-MARK]
        if ready:
            yield ready


async def _line(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(SILENCE_S):
        line = await reader.readline()
    if not line:
        raise EOFError("the connection was closed")
    return line.rstrip(b"\r\n")


async def _some(reader: asyncio.StreamReader, count: int) -> bytes:
    async with asyncio.timeout(SILENCE_S):
        chunk = await reader.read(count)
    if not chunk:
        raise EOFError("the connection was closed")
    return chunk


def _demand_ok(line: bytes, what: str) -> None:
    if not line.startswith(b"+"):
        raise UnreachableError(f"Redis refuses {what}: {line[1:200].decode('utf-8', 'replace')}")


def _command(*words: str) -> bytes:
    encoded = [word.encode() for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in encoded)
