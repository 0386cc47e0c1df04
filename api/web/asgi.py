"""Owns the way from ASGI to the app and back: for tests in process, and for servers other than granian."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any

from api.web.app import App
from api.web.http import Request, Response

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class AsgiBody:
    """A body that an ASGI server receives."""

    __slots__ = ("_receive",)

    def __init__(self, receive: Receive) -> None:
        self._receive = receive

    async def whole(self) -> bytes:
        """See api.web.http.Body."""
        return b"".join([piece async for piece in self.chunks()])

    async def chunks(self) -> AsyncIterator[bytes]:
        """See api.web.http.Body."""
        more = True
        while more:
            message = await self._receive()
            if message["type"] != "http.request":
                raise ConnectionError
            more = message.get("more_body", False)
            yield message.get("body", b"")


def adapt(app: App) -> Callable[[Message, Receive, Send], Awaitable[None]]:
    """The app as an ASGI 3 callable."""

    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        headers: dict[str, str] = {}
        for key, value in scope["headers"]:
            name, text = key.decode("latin-1").lower(), value.decode("latin-1")
            headers[name] = f"{headers[name]}, {text}" if name in headers else text
        request = Request(
            scope["method"],
            scope["path"],
            scope["query_string"].decode("latin-1"),
            lambda name: headers.get(name, ""),
            AsgiBody(receive),
            time.time(),
        )
        await _answer(await app.handle(request), send, head=scope["method"] == "HEAD")

    return serve


async def _answer(response: Response, send: Send, *, head: bool) -> None:
    headers = [(name.encode(), value.encode("latin-1")) for name, value in response.headers]
    headers.append((b"content-length", b"%d" % len(response.body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else response.body})


async def _live(receive: Receive, send: Send) -> None:
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
