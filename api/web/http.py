"""Owns HTTP as the handlers see it: request, response, and reading a body within its limits. Knows no server."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol

import msgspec

from api.errors import RejectedError, UnavailableError
from api.ids import new_id
from api.settings import Settings

Headers = list[tuple[str, str]]

JSON_TYPE = ("content-type", "application/json")
NOSNIFF = ("x-content-type-options", "nosniff")

_WHOLE_UP_TO = 65_536
_SAFE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class BusyError(UnavailableError):
    """More is being received than this process may hold at once."""


class Body(Protocol):
    """A request's body on its way in. Both raise ConnectionError when the client goes away."""

    async def whole(self) -> bytes:
        """All of it; only for a body whose length the server has promised to hold to."""
        ...

    def chunks(self) -> AsyncIterator[bytes]:
        """Piece by piece, as it comes."""
        ...


@dataclass(slots=True)
class Request:
    """One request.

    Attributes:
        path: percent-decoded, without the query.
        query: raw.
        header: value of a header by its lower-case name; "" if missing; values joined by ", " if sent repeatedly.
        received_at: when its head was read, epoch seconds.
    """

    method: str
    path: str
    query: str
    header: Callable[[str], str]
    body: Body
    received_at: float


@dataclass(slots=True)
class Response:
    """One answer; `headers` hold all but Content-Length, Date and X-Request-Id."""

    status: int
    body: bytes = b""
    headers: Headers = field(default_factory=list)


def answer(status: int, value: object, headers: Headers | None = None) -> Response:
    """A JSON answer."""
    return Response(status, msgspec.json.encode(value), [JSON_TYPE, NOSNIFF, *(headers or ())])


def problem(status: int, reason: str, request_id: str, headers: Headers | None = None) -> Response:
    """An error's answer: {"error": reason, "request_id": …}."""
    return answer(status, {"error": reason, "request_id": request_id}, headers)


def request_id_of(request: Request) -> str:
    """The client's X-Request-Id if it is harmless (1-64 of A-Z a-z 0-9 . _ -), else a new id."""
    given = request.header("x-request-id")
    return given if given and _SAFE_REQUEST_ID.fullmatch(given) else new_id()


class Patience:
    """A time limit shared by many tasks: `with patience: await …` raises TimeoutError in a task that takes too long.

    `asyncio.timeout` sets and takes back a timer for each request; here one look around serves all, a quarter of the
    limit (at most a second) late. Each object belongs to one event loop.
    """

    def __init__(self, limit_s: float) -> None:
        self.limit_s = limit_s
        self._loop: asyncio.AbstractEventLoop | None = None
        self._until: dict[asyncio.Task[object], float] = {}
        self._late: set[asyncio.Task[object]] = set()
        self._looking = False

    def __enter__(self) -> None:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        task = asyncio.current_task(self._loop)
        assert task is not None
        self._until[task] = time.monotonic() + self.limit_s
        if not self._looking:
            self._look_later()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        task = asyncio.current_task(self._loop)
        assert task is not None
        self._until.pop(task, None)
        if self._late and task in self._late:
            self._late.discard(task)
            if task.uncancel() == 0 and kind is asyncio.CancelledError:
                raise TimeoutError from error

    def _look_later(self) -> None:
        self._looking = True
        assert self._loop is not None
        self._loop.call_later(min(self.limit_s / 4, 1.0), self._look)

    def _look(self) -> None:
        self._looking = False
        now = time.monotonic()
        for task in [task for task, until in self._until.items() if until <= now]:
            del self._until[task]
            self._late.add(task)
            task.cancel()
        if self._until:
            self._look_later()


class Bodies:
    """Reads bodies within limits of size, time and memory. What it gives out counts until it is released."""

    def __init__(self, settings: Settings) -> None:
        self._max_bytes = settings.max_body_bytes
        self._max_held = settings.max_buffered_bytes
        self._patience = Patience(settings.body_timeout)
        self.held = 0
        """Bytes held now, over all requests."""

    async def read(self, request: Request) -> bytes:
        """The whole body; call `release` with its length when it is no longer needed.

        Raises:
            RejectedError: 413 too large (before or while reading), 408 too slow, 400 cut short or a wrong length.
            BusyError: all bodies together take too much memory.
        """
        declared = _declared(request.header("content-length"))
        if declared > self._max_bytes:
            raise RejectedError(413, f"the body is larger than {self._max_bytes} bytes")
        if self.held > self._max_held:
            raise BusyError("too much is being received at once")
        try:
            with self._patience:
                if 0 <= declared <= _WHOLE_UP_TO:
                    body = await request.body.whole()
                    self.held += len(body)
                else:
                    body = await self._gather(request.body)
        except TimeoutError:
            raise RejectedError(408, f"the body took longer than {self._patience.limit_s:g} s") from None
        except ConnectionError:
            raise RejectedError(400, "the connection ended within the body") from None
        if 0 <= declared != len(body):
            self.release(len(body))
            raise RejectedError(400, "the body is not as long as Content-Length says")
        return body

    def release(self, size: int) -> None:
        """Give back what `read` gave out."""
        self.held -= size

    async def _gather(self, body: Body) -> bytes:
        pieces: list[bytes] = []
        size = 0
        complete = False
        try:
            async for piece in body.chunks():
                pieces.append(piece)
                size += len(piece)
                self.held += len(piece)
                if size > self._max_bytes:
                    raise RejectedError(413, f"the body is larger than {self._max_bytes} bytes")
                if self.held > self._max_held:
                    raise BusyError("too much is being received at once")
            complete = True
        finally:
            if not complete:
                self.release(size)
        return b"".join(pieces)


def _declared(header: str) -> int:
    """Content-Length, -1 if there is none (a chunked body)."""
    if not header:
        return -1
    if not header.isascii() or not header.isdigit() or len(header) > 18:
        raise RejectedError(400, "Content-Length is not a number")
    return int(header)
