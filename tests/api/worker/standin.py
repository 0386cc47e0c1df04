"""A Graph API on loopback that answers what a test tells it to."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Call:
    """A request: the ids it asks for, its query (one value a name), and whether it asks for names."""

    ids: list[str]
    query: dict[str, str]

    @property
    def names(self) -> bool:
        """Whether it asks for names of forms and pages rather than for leads."""
        return self.query.get("fields") == "id,name"


@dataclass(frozen=True)
class Reply:
    """An answer. `body` is JSON-encoded unless it is text."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def lead(lead_id: str, **more: Any) -> dict[str, Any]:
    """A sound lead."""
    values = {"full_name": f"Person {lead_id}", "email": f"{lead_id}@example.com", "phone_number": "+5511912345678"}
    answers = [{"name": name, "values": [value]} for name, value in values.items()]
    return {"id": lead_id, "created_time": "2026-09-28T20:10:00+0000", "form_id": "77", "field_data": answers} | more


def leads(ids: list[str]) -> Any:
    """A sound answer to a call for these ids."""
    return lead(ids[0]) if len(ids) == 1 else {lead_id: lead(lead_id) for lead_id in ids}


def error(code: int, message: str = "no", subcode: int = 0, status: int = 400) -> Reply:
    """A Graph error."""
    return Reply({"error": {"message": message, "code": code, "error_subcode": subcode}}, status)


class StandIn:
    """Serves while its `async with` block runs. `answer` may be replaced at any time; `calls` are those for leads."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.answer: Callable[[Call], Awaitable[Reply] | Reply] = lambda call: Reply(leads(call.ids))
        self.names: dict[str, str] = {"77": "Imóveis SP", "1029": "Casa & Co"}
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Its base URL."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while True:
                    await self._serve(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        url = urlsplit(head.split(" ", 2)[1])
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        ids = query["ids"].split(",") if "ids" in query else [url.path.rsplit("/", 1)[-1]]
        call = Call(ids, query)
        if call.names:
            reply = Reply({i: {"id": i, "name": self.names[i]} for i in ids if i in self.names})
        else:
            self.calls.append(call)
            given = self.answer(call)
            reply = given if isinstance(given, Reply) else await given
        body = (reply.body if isinstance(reply.body, str) else json.dumps(reply.body)).encode()
        extra = "".join(f"{name}: {value}\r\n" for name, value in reply.headers.items())
        writer.write(f"HTTP/1.1 {reply.status} -\r\nContent-Length: {len(body)}\r\n{extra}\r\n".encode() + body)
        await writer.drain()
