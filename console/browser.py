"""Serves the console to a browser on this machine: textual-serve behind a token that opens it once.

The address holds a token. Whoever opens it first gets a cookie in its place, and the token is spent; whatever comes
without the cookie is refused, and so is what another site's page begins (its Host or Origin is not ours).
"""

from __future__ import annotations

import asyncio
import os
import secrets
import shlex
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from aiohttp import web
from textual_serve.server import Server

from console.options import BY_NAME

LOOPBACK = "127.0.0.1"
REFUSED = "Refused: open the address that leadsctl web printed. It opens once; start leadsctl web again for another.\n"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Guarded(Server):  # type: ignore[misc, unused-ignore]
    """textual-serve for one browser: `url` is what opens it.

    Args:
        command: what is run for each page that is opened, as a shell would read it.
        port: where it listens on 127.0.0.1.
        title: of the page.
    """

    def __init__(self, command: str, port: int, title: str) -> None:
        super().__init__(command, host=LOOPBACK, port=port, title=title)
        self.public_url = f"http://{LOOPBACK}:{port}"
        self._token = secrets.token_urlsafe(32)
        self._cookie = f"leadsctl_{port}"
        self._session = secrets.token_urlsafe(32)
        self._spent = False

    @property
    def url(self) -> str:
        """The address that opens the console, once."""
        return f"{self.public_url}/?token={self._token}"

    async def application(self) -> web.Application:
        """The routes, all behind the guard."""
        app: web.Application = await self._make_app()
        app.middlewares.append(self._guard)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Say nothing: the command does."""

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        host = self.public_url.removeprefix("http://")
        if request.host != host or request.headers.get("Origin", self.public_url) != self.public_url:
            return web.Response(status=403, text=REFUSED)
        if request.path == "/" and "token" in request.query:
            return self._exchange(request.query["token"])
        if not secrets.compare_digest(request.cookies.get(self._cookie, "").encode(), self._session.encode()):
            return web.Response(status=403, text=REFUSED)
        response = await handler(request)
        if not response.prepared:
            response.headers.update(_HEADERS)
            response.headers["Content-Security-Policy"] = _POLICY.format(host=host)
        return response

    def _exchange(self, token: str) -> web.Response:
        if self._spent or not secrets.compare_digest(token.encode(), self._token.encode()):
            return web.Response(status=403, text=REFUSED)
        self._spent = True
        response = web.Response(status=303, headers={"Location": "/", **_HEADERS})
        response.set_cookie(self._cookie, self._session, httponly=True, samesite="Strict", path="/")
        return response


_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_POLICY = (  # textual-serve's page asks another site for a font: what is shown here is nobody else's business
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self' ws://{host}; frame-ancestors 'none'"
)


async def serve(port: int, title: str, tell: Callable[[str], None]) -> None:
    """Serve until cancelled or SIGTERM; `tell` gets the address once it answers. Port 0: a free one.

    Raises:
        OSError: the port is taken.
    """
    listening = socket.create_server((LOOPBACK, port))
    server = Guarded(f"{shlex.quote(sys.executable)} -m console", listening.getsockname()[1], title)
    runner = web.AppRunner(await server.application(), access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await web.SockSite(runner, listening).start()
        ended = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
        tell(server.url)
        await ended.wait()
    finally:
        await runner.cleanup()


def as_environment(options: Mapping[str, Any]) -> dict[str, str]:
    """Flags as environment variables, for the processes that are begun: a command line can be read by every user."""
    found = {}
    for name, value in options.items():
        if value in (None, "", (), False):
            continue
        found[BY_NAME[name].env[0]] = _written(value)
    return found


def _written(value: Any) -> str:
    if isinstance(value, tuple):
        between = os.pathsep if value and isinstance(value[0], Path) else ","
        return between.join(map(str, value))
    return "true" if value is True else str(value)
