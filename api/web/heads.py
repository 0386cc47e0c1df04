"""Owns the first lines of requests and answers as bytes: what a target names, and an answer's head."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

from api.web.http import Headers, Response

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
CLOSE = b"connection: close\r\n"
KEEP_ALIVE = b"connection: keep-alive\r\n"

MAX_HEAD_BYTES = 65_536
"""Of a head, beyond what the read in which it begins brings: so it may be up to twice as long."""
MAX_TARGET_BYTES = 16_384
MAX_HEADERS = 100

_CACHED_UP_TO = 128
_SHORT_DIGITS = 5


def target_of(target: bytes) -> tuple[str, str]:
    """(path, query) of a request's target: the path percent-decoded, the query raw.

    A whole URL is taken by its path (RFC 9112, 3.2.2); bytes that are no UTF-8 become U+FFFD.
    """
    return _short_target(target) if len(target) <= _CACHED_UP_TO else _split(target)


def trouble_in(headers: Mapping[bytes, bytes], version: str, target: int, repeated: int) -> tuple[int, str] | None:
    """What is wrong with a head that the parser took, as an answer's status and reason (RFC 9112, 3.2; 9110, 10.1.1).

    `target` is the length of the request's target, `repeated` how many headers had been there before.
    """
    host = headers.get(b"host")
    if b"," in host if host is not None else version == "1.1":
        return 400, "Host is missing or not one name"
    if version not in ("1.1", "1.0"):
        return 505, "use HTTP/1.1"
    if len(headers) + repeated > MAX_HEADERS or target > MAX_TARGET_BYTES:
        return 431, "the head is too large"
    if b"expect" in headers and headers[b"expect"].lower() != b"100-continue":
        return 417, "Expect is not 100-continue"
    return None


def is_short(headers: Mapping[bytes, bytes]) -> bool:
    """Whether a body that nobody wants is so short that it is read to its end, for the connection to go on."""
    return b"transfer-encoding" not in headers and len(headers.get(b"content-length", b"")) <= _SHORT_DIGITS


def packed(response: Response, request_id: str, date: bytes, connection: bytes, *, bodiless: bool) -> bytes:
    """An answer as it goes over the wire; `connection` is a header line or nothing. `bodiless`: it answers a HEAD."""
    body = response.body
    return b"%b%bx-request-id: %b\r\ncontent-length: %d\r\n%b\r\n%b" % (
        _start(response.status, response.headers),
        date,
        request_id.encode(),
        len(body),
        connection,
        b"" if bodiless else body,
    )


@lru_cache(maxsize=256)
def _start(status: int, headers: Headers) -> bytes:
    """Status line and headers: the service has few different ones."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    lines = [f"HTTP/1.1 {status} {phrase}", *(f"{name}: {value}" for name, value in headers), ""]
    return "\r\n".join(lines).encode("latin-1")


def _split(target: bytes) -> tuple[str, str]:
    text = target.decode("latin-1")
    if not text.startswith("/"):
        try:
            parts = urlsplit(text)
        except ValueError:
            return text, ""
        return _decoded(parts.path or "/"), parts.query
    path, _, query = text.partition("?")
    return _decoded(path), query


def _decoded(path: str) -> str:
    return unquote(path) if "%" in path else path


_short_target = lru_cache(maxsize=256)(_split)
