"""Owns the routes: gives each request to what answers it, and makes sure that something always does."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from api import logs
from api.errors import RejectedError
from api.metrics import CONTENT_TYPE, Metrics
from api.sources.meta import handshake
from api.web import docs
from api.web.figures import Figures
from api.web.http import NOSNIFF, Request, Response, answer, problem, request_id_of
from api.web.webhooks import Webhooks

log = logs.get_logger()

Handler = Callable[[Request, str], Awaitable[Response]]


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_UNKNOWN = "(unknown)"
_TEXT_TYPE = ("content-type", "text/plain; charset=utf-8")


class App:
    """The service's HTTP side, independent of the server: `await app.handle(request)`."""

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
        self._metrics = metrics
        self._verify_token = verify_token
        self._pages: dict[str, Handler] = {
            "/webhooks/meta": self._handshake,
            "/health/live": self._live,
            "/health/ready": self._ready,
            "/metrics": self._render_metrics,
            "/docs": self._docs,
            "/openapi.json": self._openapi,
        }

    async def handle(self, request: Request) -> Response:
        """Answer a request; never raises. Every answer carries X-Request-Id."""
        started = time.perf_counter()
        request_id = request_id_of(request)
        route = _UNKNOWN
        try:
            route, response = await self._dispatch(request, request_id)
        except RejectedError as error:
            response = problem(error.status, error.reason, request_id)
        except Exception as error:
            log.error("web.failed", request_id=request_id, exc_info=error)
            response = problem(500, "internal error", request_id)
        method = request.method if request.method in _METHODS else _UNKNOWN
        self._metrics.count_request(route, method, response.status, time.perf_counter() - started)
        response.headers = [*response.headers, ("x-request-id", request_id)]
        return response

    async def _dispatch(self, request: Request, request_id: str) -> tuple[str, Response]:
        """The route's template, for the metrics, and the answer."""
        path, method = request.path, request.method
        hook = self._webhooks.find(path)
        if hook is not None and method == "POST":
            source, name = hook
            return _template(source.name, named=source.named), await self._webhooks.receive(
                request, request_id, source, name
            )
        page = self._pages.get(path)
        if page is not None and method in ("GET", "HEAD"):
            return path, await self._page(page, request, request_id)
        if page is None and hook is None:
            return _UNKNOWN, problem(404, "there is nothing here", request_id)
        allowed = ", ".join((["GET", "HEAD"] if page else []) + (["POST"] if hook else []))
        route = path if hook is None else _template(hook[0].name, named=hook[0].named)
        return route, problem(405, f"use {allowed}", request_id, [("allow", allowed)])

    async def _page(self, page: Handler, request: Request, request_id: str) -> Response:
        try:
            return await page(request, request_id)
        except RejectedError as error:
            return problem(error.status, error.reason, request_id)

    async def _handshake(self, request: Request, request_id: str) -> Response:
        try:
            challenge = handshake(request.query, self._verify_token)
        except RejectedError as error:
            logs.emit("warning", "handshake.rejected", {"request_id": request_id, "reason": error.reason})
            raise
        logs.emit("info", "handshake.accepted", {"request_id": request_id})
        return Response(200, challenge, [_TEXT_TYPE, NOSNIFF])

    async def _live(self, _request: Request, _request_id: str) -> Response:
        return answer(200, {"status": "live"}, [_NO_STORE])

    async def _ready(self, _request: Request, _request_id: str) -> Response:
        ready, told = await self._figures.ready()
        return answer(200 if ready else 503, told, [_NO_STORE])

    async def _render_metrics(self, _request: Request, _request_id: str) -> Response:
        page = self._metrics.render(await self._figures.scrape())
        return Response(200, page, [("content-type", CONTENT_TYPE), NOSNIFF])

    async def _docs(self, _request: Request, _request_id: str) -> Response:
        return Response(200, docs.page(), [("content-type", "text/html; charset=utf-8"), NOSNIFF, _CSP])

    async def _openapi(self, _request: Request, _request_id: str) -> Response:
        return Response(200, docs.openapi_json(), [("content-type", "application/json"), NOSNIFF])


_NO_STORE = ("cache-control", "no-store")
_CSP = ("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")


def _template(source: str, *, named: bool) -> str:
    return f"/webhooks/{source}" + ("/{form}" if named else "")
