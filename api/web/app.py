"""Owns the routes: gives each request to what answers it, and makes sure that something always does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from api import logs
from api.errors import RejectedError
from api.metrics import CONTENT_TYPE, Metrics
from api.sources.meta import handshake
from api.web import docs
from api.web.figures import Figures
from api.web.http import NO_STORE, NOSNIFF, Exchange, Headers, Request, Response, Send, Settled, answer, problem
from api.web.webhooks import Webhooks

log = logs.get_logger()

Handler = Callable[[Request], Awaitable[Response]]

UNKNOWN = "(unknown)"

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_TEXT_TYPE = ("content-type", "text/plain; charset=utf-8")
_CSP = ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")


class App:
    """The service's HTTP side, independent of the server: `app.open(request)` begins an exchange."""

    def __init__(
        self,
        *,
        webhooks: Webhooks,
        figures: Figures,
        metrics: Metrics,
        verify_token: str,
    ) -> None:
        self._webhooks = webhooks
        self._figures = figures
        self.metrics = metrics
        self._verify_token = verify_token
        self._tasks: set[asyncio.Task[None]] = set()
        self._pages: dict[str, Handler] = {
            "/webhooks/meta": self._handshake,
            "/health/live": self._live,
            "/health/ready": self._ready,
            "/metrics": self._render_metrics,
            "/docs": self._docs,
            "/openapi.json": self._openapi,
        }

    def open(self, request: Request) -> Exchange:
        """Begin to answer a request whose head is here; never raises."""
        path, method = request.path, request.method
        hook = self._webhooks.find(path)
        if hook is not None and method == "POST":
            return self._webhooks.open(request, *hook)
        page = self._pages.get(path)
        if page is not None and method in ("GET", "HEAD"):
            return _Page(self, request, path, page)
        if page is None and hook is None:
            return _Page(self, request, UNKNOWN, _fixed(404, "there is nothing here"))
        allowed = ", ".join((["GET", "HEAD"] if page else []) + (["POST"] if hook else []))
        route = path if hook is None else hook[0].template
        return _Page(self, request, route, _fixed(405, f"use {allowed}", (("allow", allowed),)))

    def refuse(self, request: Request, status: int, reason: str) -> Exchange:
        """An exchange whose request is no good HTTP."""
        self.metrics.count_request(UNKNOWN, UNKNOWN, status, 0.0)
        return Settled(request, problem(status, reason, request.request_id))

    def run(self, page: Awaitable[None]) -> None:
        """Have a page made in the background."""
        task = asyncio.ensure_future(page)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handshake(self, request: Request) -> Response:
        try:
            challenge = handshake(request.query, self._verify_token)
        except RejectedError as error:
            logs.emit("warning", "handshake.rejected", {"request_id": request.request_id, "reason": error.reason})
            raise
        logs.emit("info", "handshake.accepted", {"request_id": request.request_id})
        return Response(200, challenge, (_TEXT_TYPE, NOSNIFF))

    async def _live(self, _request: Request) -> Response:
        return answer(200, {"status": "live"}, (NO_STORE,))

    async def _ready(self, _request: Request) -> Response:
        ready, told = await self._figures.ready()
        return answer(200 if ready else 503, told, (NO_STORE,))

    async def _render_metrics(self, _request: Request) -> Response:
        page = self.metrics.render(await self._figures.scrape())
        return Response(200, page, (("content-type", CONTENT_TYPE), NOSNIFF))

    async def _docs(self, _request: Request) -> Response:
        return Response(200, docs.page(), (("content-type", "text/html; charset=utf-8"), NOSNIFF, _CSP))

    async def _openapi(self, _request: Request) -> Response:
        return Response(200, docs.openapi_json(), (("content-type", "application/json"), NOSNIFF))


class _Page:
    """Anything but a webhook: what the request's body says does not matter."""

    __slots__ = ("_app", "_page", "_route", "_started", "early", "request")

    def __init__(self, app: App, request: Request, route: str, page: Handler) -> None:
        self.request = request
        self.early: Response | None = None
        self._app = app
        self._route = route
        self._page = page
        self._started = time.perf_counter()

    def add(self, piece: bytes) -> None:
        """See Exchange."""

    def finish(self, send: Send) -> None:
        """See Exchange."""
        self._app.run(self._answer(send))

    def abandon(self, status: int, reason: str) -> Response:
        """See Exchange."""
        return self._counted(problem(status, reason, self.request.request_id))

    async def _answer(self, send: Send) -> None:
        try:
            response = await self._page(self.request)
        except RejectedError as error:
            response = problem(error.status, error.reason, self.request.request_id)
        except Exception as error:
            log.error("web.failed", request_id=self.request.request_id, exc_info=error)
            response = problem(500, "internal error", self.request.request_id)
        send(self._counted(response))

    def _counted(self, response: Response) -> Response:
        method = self.request.method if self.request.method in _METHODS else UNKNOWN
        self._app.metrics.count_request(self._route, method, response.status, time.perf_counter() - self._started)
        return response


def _fixed(status: int, reason: str, headers: Headers = ()) -> Handler:
    async def page(request: Request) -> Response:
        return problem(status, reason, request.request_id, headers)

    return page
