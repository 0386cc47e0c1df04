"""Owns the way from ASGI to the app and back: for tests in process, and for ASGI servers."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from api.web.app import App
from api.web.http import Exchange, Request, Response, request_id_in

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def adapt(app: App, *, body_timeout_s: float = 15.0) -> Callable[[Message, Receive, Send], Awaitable[None]]:
    """The app as an ASGI 3 callable."""

    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":
            raise NotImplementedError(scope["type"])
        headers: dict[bytes, bytes] = {}
        for name, value in scope["headers"]:
            key = name.lower()
            headers[key] = headers[key] + b", " + value if key in headers else value
        request = Request(
            scope["method"],
            scope["path"],
            scope["query_string"].decode("latin-1"),
            headers,
            time.time(),
            request_id_in(headers),
        )
        response = await _answer(app.open(request), receive, body_timeout_s)
        await _send(response, request, send)

    return serve


async def _answer(exchange: Exchange, receive: Receive, timeout_s: float) -> Response:
    try:
        async with asyncio.timeout(timeout_s):
            more = True
            while more and exchange.early is None:
                message = await receive()
                if message["type"] != "http.request":
                    return exchange.abandon(400, "the connection ended within the body")
                exchange.add(message.get("body", b""))
                more = message.get("more_body", False)
    except TimeoutError:
        return _last(exchange.abandon(408, f"the body took longer than {timeout_s:g} s"))
    answered: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
    exchange.finish(answered.set_result)
    response = await asyncio.shield(answered)
    return _last(response) if more else response


def _last(response: Response) -> Response:
    """The answer of a connection that ends with it, because a part of the body was not read."""
    response.headers += (("connection", "close"),)
    return response


async def _send(response: Response, request: Request, send: Send) -> None:
    headers = [(name.encode(), value.encode("latin-1")) for name, value in response.headers]
    headers.append((b"x-request-id", request.request_id.encode()))
    headers.append((b"content-length", b"%d" % len(response.body)))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if request.method == "HEAD" else response.body})


async def _live(receive: Receive, send: Send) -> None:
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
