"""Owns the way from granian's RSGI interface to the app and back."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from granian.rsgi import (  # type: ignore[attr-defined]
    ProtocolClosed,
    ProtocolError,
)

from api.web.app import App
from api.web.http import Request


class RsgiBody:
    """A body that granian receives."""

    __slots__ = ("_protocol",)

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol

    async def whole(self) -> bytes:
        """See api.web.http.Body."""
        try:
            body: bytes = await self._protocol()
        except (ProtocolClosed, ProtocolError):
            raise ConnectionError from None
        return body

    async def chunks(self) -> AsyncIterator[bytes]:
        """See api.web.http.Body. A body cut short ends like a complete one here: its length tells."""
        try:
            async for piece in self._protocol:
                yield piece
        except (ProtocolClosed, ProtocolError):
            raise ConnectionError from None


def adapt(app: App) -> Callable[[Any, Any], Awaitable[None]]:
    """The app as an RSGI callable."""

    async def serve(scope: Any, protocol: Any) -> None:
        headers = scope.headers

        def header(name: str) -> str:
            values: list[str] = headers.get_all(name)
            return values[0] if len(values) == 1 else ", ".join(values)

        request = Request(scope.method, scope.path, scope.query_string, header, RsgiBody(protocol), time.time())
        response = await app.handle(request)
        protocol.response_bytes(response.status, response.headers, response.body)

    return serve
