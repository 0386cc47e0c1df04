"""Owns raw HTTP to the engine: a stream read as fast as it comes, and an upgraded connection for a relay.

The SDK gives a stream one frame at a time and hides which of stdout and stderr it was. HTTP/1.0 makes the engine send a
body without chunks, to be read in pieces as large as the socket has them. Bodies in chunks are understood too, for an
engine behind a proxy. Source: https://docs.docker.com/reference/api/engine/
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from console.errors import StackError
from console.stack.docker.address import Address, describe, missing

CONNECT_S = 10.0
READ_BYTES = 256 * 1024
HEAD_BYTES = 64 * 1024


class NoSuchThingError(StackError):
    """The engine does not know that container, exec or image (404)."""


class ConflictError(StackError):
    """The engine refuses it in this state (409): a container that does not run."""


@dataclass(slots=True)
class Stream:
    """An open answer of the engine. `body` yields pieces; `upgraded` connections are used by reader and writer."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    chunked: bool = False

    async def body(self) -> AsyncIterator[bytes]:
        """Pieces as they arrive, until the engine ends them or the connection breaks."""
        if not self.chunked:
            while piece := await self.reader.read(READ_BYTES):
                yield piece
            return
        decoder = ChunkDecoder()
        while piece := await self.reader.read(READ_BYTES):
            if data := decoder.feed(piece):
                yield data
            if decoder.ended:
                return

    def close(self) -> None:
        """Drop the connection at once."""
        self.writer.transport.abort()


class ChunkDecoder:
    """Takes the chunked transfer coding off (RFC 9112, 7.1), whatever way the bytes are cut."""

    def __init__(self) -> None:
        self._rest = b""
        self._left = 0
        self.ended = False

    def feed(self, data: bytes) -> bytes:
        """The payload in `data`; what is incomplete waits for the next call."""
        data = self._rest + data
        out: list[bytes] = []
        at = 0
        while not self.ended:
            if self._left:
                take = data[at : at + self._left]
                out.append(take)
                at += len(take)
                self._left -= len(take)
                if self._left:
                    break
            if data.startswith(b"\r\n", at):
                at += 2
            end = data.find(b"\r\n", at)
            if end < 0:
                break
            size = int(data[at:end].split(b";")[0] or b"0", 16)
            at = end + 2
            self._left = size
            self.ended = size == 0
        self._rest = data[at:]
        return b"".join(out)


async def connect(address: Address, limit: int = READ_BYTES) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection to the engine.

    Raises:
        UnreachableError: nothing answers there.
    """
    try:
        async with asyncio.timeout(CONNECT_S):
            if address.socket:
                return await asyncio.open_unix_connection(address.socket, limit=limit)
            context = address.context()
            name = address.host if context else None
            reader, writer = await asyncio.open_connection(
                address.host, address.port, ssl=context, server_hostname=name, limit=limit
            )
            _keep_alive(writer)
            return reader, writer
    except (OSError, ValueError, TimeoutError) as error:
        raise missing(address, error) from None


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    """Notice within a minute that a remote engine vanished: a stream only listens."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 20), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


async def get(address: Address, path: str, **query: str | int) -> Stream:
    """Open a GET whose answer streams.

    Raises:
        UnreachableError: the engine went away. NoSuchThingError, ConflictError, StackError: it refused.
    """
    target = f"{path}?{urlencode(query)}" if query else path
    return await _request(address, f"GET {target} HTTP/1.0\r\nHost: docker\r\n\r\n".encode())


async def upgrade(address: Address, path: str, body: dict[str, Any]) -> Stream:
    """POST and take the connection over: what is written goes in, what is read came out.

    Raises:
        UnreachableError: the engine went away. NoSuchThingError, ConflictError, StackError: it refused.
    """
    data = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: docker\r\nContent-Type: application/json\r\n"
        f"Connection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return await _request(address, head.encode() + data)


async def post(address: Address, path: str, body: dict[str, Any], limit_s: float = CONNECT_S) -> dict[str, Any]:
    """POST a JSON object and return the JSON object that comes back within `limit_s` seconds, an empty one for none.

    Raises:
        UnreachableError: the engine went away. NoSuchThingError, ConflictError, StackError: it refused.
    """
    data = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.0\r\nHost: docker\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    found = await _json(await _request(address, head.encode() + data, limit_s))
    return found if isinstance(found, dict) else {}


async def fetch(address: Address, path: str, limit_s: float = CONNECT_S) -> dict[str, Any]:
    """GET a JSON object that takes the engine up to `limit_s` seconds to make; an empty one for any other JSON.

    Raises:
        UnreachableError: the engine went away. NoSuchThingError, ConflictError, StackError: it refused.
    """
    found = await _json(await _request(address, f"GET {path} HTTP/1.0\r\nHost: docker\r\n\r\n".encode(), limit_s))
    return found if isinstance(found, dict) else {}


def part(text: str) -> str:
    """A name or id as one segment of a path."""
    return quote(text, safe="")


async def _json(stream: Stream) -> Any:
    try:
        async with asyncio.timeout(CONNECT_S):
            text = b"".join([piece async for piece in stream.body()])
        return json.loads(text or b"null")
    except (OSError, ValueError, TimeoutError) as error:
        raise StackError(f"The engine's answer cannot be read: {describe(error)}") from None
    finally:
        stream.close()


async def _request(address: Address, request: bytes, limit_s: float = CONNECT_S) -> Stream:
    reader, writer = await connect(address)
    stream = Stream(reader, writer)
    try:
        writer.write(request)
        async with asyncio.timeout(limit_s):
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError) as error:
        stream.close()
        raise missing(address, error) from None
    except BaseException:
        stream.close()
        raise
    status, headers = parse_head(head)
    stream.chunked = b"chunked" in headers.get(b"transfer-encoding", b"").lower()
    if status >= 300:
        raise await _refusal(stream, status)
    return stream


def parse_head(head: bytes) -> tuple[int, dict[bytes, bytes]]:
    """Status and headers (lower-case names) of an answer's head; status 0 if it is not HTTP."""
    first, *lines = head.rstrip(b"\r\n").split(b"\r\n")
    words = first.split(b" ", 2)
    status = int(words[1]) if len(words) > 1 and words[0].startswith(b"HTTP/") and words[1].isdigit() else 0
    pairs = (line.partition(b":") for line in lines)
    return status, {name.strip().lower(): value.strip() for name, _, value in pairs}


async def _refusal(stream: Stream, status: int) -> StackError:
    """The engine's own words for a refusal, bounded."""
    text = b""
    try:
        async with asyncio.timeout(CONNECT_S):
            async for piece in stream.body():
                text += piece
                if len(text) > HEAD_BYTES:
                    break
    except (OSError, ValueError, TimeoutError):
        text = text or b""
    finally:
        stream.close()
    return refused(status, text)


def refused(status: int, text: bytes) -> StackError:
    """What an answer that is a refusal means."""
    try:
        message = str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        message = text.decode("utf-8", "replace")
    message = message.strip()[:500] or f"status {status}"
    kind = {404: NoSuchThingError, 409: ConflictError}.get(status, StackError)
    return kind(f"The engine refused: {message}")
