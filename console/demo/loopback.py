"""A small HTTP/1.1 server on loopback, for stand-ins of what is not ours: keeps connections, one request at a time."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

_MAX_HEAD = 65_536


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. `query` has every value of a name; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer. `cut`: so many bytes of the body are sent before the connection ends, all of them for -1."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int = -1


class Loopback(ABC):
    """Serves on a free port of 127.0.0.1 while its `async with` block runs."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Base URL while it serves."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    @abstractmethod
    async def answer_to(self, asked: Asked) -> Answered:
        """The answer to a request."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=_MAX_HEAD)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
                while await self._serve_one(reader, writer):
                    pass
        except asyncio.CancelledError:
            pass  # the server is closing; asyncio would report the cancelled task as an error
        finally:
            self._connections.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one request; False when the connection ends."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *rows = head.split("\r\n")
        method, target, _ = line.split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (row.partition(":") for row in rows)}
        await reader.readexactly(int(headers.get("content-length", "0")))
        url = urlsplit(target)
        answer = await self.answer_to(Asked(method, url.path, parse_qs(url.query, keep_blank_values=True), headers))
        kept = headers.get("connection", "").lower() != "close" and answer.cut < 0
        given = {"Content-Type": "application/json; charset=UTF-8", "Content-Length": str(len(answer.body))}
        given |= answer.headers
        given |= {} if kept else {"Connection": "close"}
        top = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        body = answer.body if answer.cut < 0 else answer.body[: answer.cut]
        writer.write(f"HTTP/1.1 {answer.status} -\r\n{top}\r\n".encode("latin-1") + body)
        await writer.drain()
        return kept
