"""Owns HTTP as the handlers see it: request, response, and what one exchange of them is. Knows no server."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import msgspec

from api.ids import new_id

Headers = tuple[tuple[str, str], ...]

JSON_TYPE = ("content-type", "application/json")
NOSNIFF = ("x-content-type-options", "nosniff")
NO_STORE = ("cache-control", "no-store")

_JSON_HEADERS = (JSON_TYPE, NOSNIFF)
_SAFE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


@dataclass(slots=True)
class Request:
    """The head of one request.

    Attributes:
        path: percent-decoded, without the query.
        query: raw.
        headers: by lower-case name; the values of one that was sent repeatedly are joined by ", ".
        received_at: when the head was read, epoch seconds.
        request_id: the client's X-Request-Id if it is harmless, else a new id.
    """

    method: str
    path: str
    query: str
    headers: Mapping[bytes, bytes]
    received_at: float
    request_id: str

    def header(self, name: bytes) -> str:
        """The value of a header by its lower-case name, "" if it is missing."""
        return self.headers.get(name, b"").decode("latin-1")


@dataclass(slots=True)
class Response:
    """One answer; `headers` hold all but Content-Length, Date and X-Request-Id."""

    status: int
    body: bytes = b""
    headers: Headers = ()


Send = Callable[[Response], None]


class Exchange(Protocol):
    """A request that is being received and answered. Its server drives it, and calls exactly one of the last two.

    When `early` is set, the answer does not depend on what is still to come of the body, and nothing more is kept of
    it; whoever drives may go on as if it were not.
    """

    request: Request
    early: Response | None

    def add(self, piece: bytes) -> None:
        """A part of the body has come."""
        ...

    def finish(self, send: Send) -> None:
        """The body is complete: have it answered. `send` is called once, perhaps before this returns."""
        ...

    def abandon(self, status: int, reason: str) -> Response:
        """The body will not be complete: what is to be answered, if somebody still listens."""
        ...


class Settled:
    """An exchange whose answer is known."""

    __slots__ = ("early", "request")

    def __init__(self, request: Request, response: Response) -> None:
        self.request = request
        self.early: Response | None = response

    def add(self, piece: bytes) -> None:
        """See Exchange."""

    def finish(self, send: Send) -> None:
        """See Exchange."""
        assert self.early is not None
        send(self.early)

    def abandon(self, status: int, reason: str) -> Response:
        """See Exchange."""
        del status, reason
        assert self.early is not None
        return self.early


def answer(status: int, value: object, headers: Headers = ()) -> Response:
    """A JSON answer."""
    return Response(status, msgspec.json.encode(value), _JSON_HEADERS + headers)


def problem(status: int, reason: str, request_id: str, headers: Headers = (), *, key: str = "error") -> Response:
    """An error's answer: {"error": reason, "request_id": …}; `key` is what a sender expects instead of "error"."""
    return answer(status, {key: reason, "request_id": request_id}, headers)


def request_id_in(headers: Mapping[bytes, bytes]) -> str:
    """The client's X-Request-Id if it is harmless (1-64 of A-Z a-z 0-9 . _ -), else a new id."""
    given = headers.get(b"x-request-id")
    if given is None:
        return new_id()
    text = given.decode("latin-1")
    return text if _SAFE_REQUEST_ID.fullmatch(text) else new_id()
