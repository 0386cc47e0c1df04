"""Owns questions to the engine that are answered at once with JSON: one connection that is kept, and used in turn.

An ssh host costs a login for each connection. Source: https://docs.docker.com/reference/api/engine/
"""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

from console.errors import StackError
from console.stack.docker import wire
from console.stack.docker.address import Address, describe, missing

LIMIT_S = 10.0
MOST_BYTES = 64 * 1024 * 1024

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Asker:
    """Asks the engine at an address. Lives on the stream loop."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._kept: Connection | None = None
        self._turn = asyncio.Lock()

    async def one(self, path: str, **query: str | int) -> dict[str, Any]:
        """GET a JSON object; an empty one for any other JSON.

        Raises:
            UnreachableError: the engine went away. NoSuchThingError, ConflictError, StackError: it refused.
        """
        found = await self._get(path, query)
        return found if isinstance(found, dict) else {}

    async def several(self, path: str, **query: str | int) -> list[dict[str, Any]]:
        """GET a JSON list of objects; what is no object in it is left out.

        Raises:
            UnreachableError: the engine went away. NoSuchThingError, ConflictError, StackError: it refused.
        """
        found = await self._get(path, query)
        return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []

    def close(self) -> None:
        """Drop the connection."""
        if self._kept is not None:
            self._kept[1].transport.abort()
            self._kept = None

    async def _get(self, path: str, query: dict[str, str | int]) -> Any:
        target = f"{path}?{urlencode(query)}" if query else path
        request = f"GET {target} HTTP/1.1\r\nHost: docker\r\n\r\n".encode()
        async with self._turn:
            try:
                status, body = await self._answered(request)
            except (OSError, ValueError, EOFError, TimeoutError) as error:
                raise missing(self.address, error) from None
        if status >= 300 or not status:
            raise wire.refused(status, body)
        try:
            return json.loads(body)
        except ValueError as error:
            raise StackError(f"The engine's answer cannot be read: {describe(error)}") from None

    async def _answered(self, request: bytes) -> tuple[int, bytes]:
        """Status and body. A connection that was kept may have ended since: then it is asked anew."""
        if self._kept is not None:
            try:
                return await self._exchanged(self._kept, request)
            except (OSError, ValueError, EOFError):
                pass
        return await self._exchanged(await wire.connect(self.address), request)

    async def _exchanged(self, connection: Connection, request: bytes) -> tuple[int, bytes]:
        """Ask on that connection, which is kept if it can be used again."""
        self._kept = None
        reader, writer = connection
        keep = False
        try:
            async with asyncio.timeout(LIMIT_S):
                writer.write(request)
                status, headers = wire.parse_head(await reader.readuntil(b"\r\n\r\n"))
                body, keep = await _body(reader, headers)
        finally:
            if keep:
                self._kept = connection
            else:
                writer.transport.abort()
        return status, body


async def _body(reader: asyncio.StreamReader, headers: dict[bytes, bytes]) -> tuple[bytes, bool]:
    """The whole body, and whether the connection goes on after it. ValueError for one that has no end."""
    goes_on = headers.get(b"connection", b"").lower() != b"close"
    length = headers.get(b"content-length", b"")
    if length.isdigit() and int(length) <= MOST_BYTES:
        return await reader.readexactly(int(length)), goes_on
    decoder = wire.ChunkDecoder() if b"chunked" in headers.get(b"transfer-encoding", b"").lower() else None
    found = bytearray()
    while not (decoder and decoder.ended):
        piece = await reader.read(wire.READ_BYTES)
        if not piece:
            break
        found += decoder.feed(piece) if decoder else piece
        if len(found) > MOST_BYTES:
            raise ValueError("it is too long")
    if decoder and not decoder.ended:
        raise EOFError
    return bytes(found), bool(decoder) and goes_on
