"""Owns the ingest: a webhook's body is read, verified, turned into jobs and queued before it is answered."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from api import logs
from api.errors import PayloadError, RejectedError, UnavailableError
from api.metrics import Metrics
from api.models import Job
from api.settings import Settings
from api.signatures import MISMATCH
from api.sources.base import Incoming, Parsed, Source, unreadable
from api.web.http import JSON_TYPE, Bodies, BusyError, Request, Response, problem
from api.web.notices import Notices

RETRY_AFTER_S = 5

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HEADERS = [JSON_TYPE]


class Counts(Protocol):
    """What a publish tells."""

    @property
    def accepted(self) -> int: ...

    @property
    def duplicates(self) -> int: ...


class Publishing(Protocol):
    """The queue as the ingest needs it; `api.queue.Publisher` fits."""

    async def publish(self, jobs: Sequence[Job], dead: Sequence[tuple[Job, str]] = ()) -> Counts:
        """See api.queue.Publisher."""
        ...


@dataclass(slots=True)
class _Exchange:
    """A webhook being answered."""

    request: Request
    request_id: str
    source: Source
    name: str
    started: float

    def log_fields(self, status: int) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "request_id": self.request_id,
            "source": self.source.name,
            "status": status,
            "ms": round((time.perf_counter() - self.started) * 1000, 1),
        }
        if self.name:
            fields["form"] = self.name
        return fields


class Webhooks:
    """Answers `POST /webhooks/…` of every source."""

    def __init__(
        self,
        settings: Settings,
        sources: Mapping[str, Source],
        *,
        publisher: Publishing,
        metrics: Metrics,
        notices: Notices,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sources = dict(sources)
        self._publisher = publisher
        self._metrics = metrics
        self._notices = notices
        self._clock = clock
        self._bodies = Bodies(settings)
        self._max_requests = settings.max_requests
        self._active = 0
        metrics.held.set_function(lambda: self._bodies.held)

    def find(self, path: str) -> tuple[Source, str] | None:
        """The source and the name in `/webhooks/{source}[/{name}]`; None if there is no such place."""
        parts = path.split("/")
        if len(parts) not in (3, 4) or parts[1] != "webhooks":
            return None
        source = self._sources.get(parts[2])
        if source is None or source.named != (len(parts) == 4):
            return None
        name = parts[3] if source.named else ""
        return (source, name) if not source.named or _NAME.fullmatch(name) else None

    async def receive(self, request: Request, request_id: str, source: Source, name: str) -> Response:
        """Take one webhook in. Never raises for what a client can send or a server it needs can do."""
        exchange = _Exchange(request, request_id, source, name, time.perf_counter())
        try:
            if source.switched_off:
                raise RejectedError(404, f"this endpoint is switched off: {source.switched_off}")
            if self._active >= self._max_requests:
                raise BusyError("too many webhooks at once")
            self._active += 1
            try:
                return await self._take(exchange)
            finally:
                self._active -= 1
        except RejectedError as error:
            return self._refuse(exchange, error.status, error.reason)
        except UnavailableError as error:
            return self._refuse(exchange, 503, str(error))

    async def _take(self, exchange: _Exchange) -> Response:
        request, source = exchange.request, exchange.source
        if request.header("content-encoding") not in ("", "identity"):
            raise RejectedError(415, "Content-Encoding is not supported")
        body = await self._bodies.read(request)
        try:
            incoming = Incoming(
                body=body,
                headers={header: request.header(header) for header in source.headers},
                name=exchange.name,
                request_id=exchange.request_id,
                received_at=request.received_at,
            )
            source.verify(incoming, self._clock())
            parsed = await self._parse(source, incoming)
            counts = await self._publish(parsed)
        finally:
            self._bodies.release(len(body))
        self._account(exchange, parsed, counts, len(body))
        return Response(200, b'{"accepted":%d,"duplicates":%d,"ignored":%d}' % (*counts, parsed.ignored), _HEADERS)

    async def _parse(self, source: Source, incoming: Incoming) -> Parsed:
        """What the source finds. A signed body that it cannot read is kept as a dead letter before it is refused."""
        try:
            return source.parse(incoming)
        except PayloadError as error:
            await self._publisher.publish((), (unreadable(source.name, incoming, str(error)),))
            self._metrics.count_events(source.name, "dead", 1)
            raise RejectedError(400, str(error)) from None

    async def _publish(self, parsed: Parsed) -> tuple[int, int]:
        if not parsed.jobs and not parsed.dead:
            return 0, 0
        published = await self._publisher.publish(parsed.jobs, parsed.dead)
        return published.accepted, published.duplicates

    def _account(self, exchange: _Exchange, parsed: Parsed, counts: tuple[int, int], size: int) -> None:
        accepted, duplicates = counts
        name, count = exchange.source.name, self._metrics.count_events
        count(name, "accepted", accepted)
        count(name, "duplicate", duplicates)
        count(name, "ignored", parsed.ignored - len(parsed.dead))
        count(name, "dead", len(parsed.dead))
        if parsed.unhandled:
            self._metrics.count_unhandled(parsed.unhandled)
        for key, text in parsed.notices:
            self._notices.tell(key, text)
        fields = exchange.log_fields(200)
        if len(parsed.jobs) == 1:
            fields["job_id"] = parsed.jobs[0].id
            fields["external_id"] = parsed.jobs[0].external_id
        if parsed.dead:
            fields["dead"] = len(parsed.dead)
        fields["accepted"] = accepted
        fields["duplicates"] = duplicates
        fields["ignored"] = parsed.ignored
        fields["bytes"] = size
        logs.emit("info", "webhook.accepted", fields)

    def _refuse(self, exchange: _Exchange, status: int, reason: str) -> Response:
        name = exchange.source.name
        self._metrics.rejected.labels(name, str(status)).inc()
        logs.emit("warning", "webhook.rejected", {**exchange.log_fields(status), "reason": reason})
        if reason == MISMATCH:
            self._notices.tell(f"signature:{name}", _FORGED.format(name))
        if status == 503:
            # What went wrong inside is for the log; a sender needs to know when to come back.
            return problem(503, "not available now", exchange.request_id, [("retry-after", str(RETRY_AFTER_S))])
        return problem(status, reason, exchange.request_id, _CLOSE if status in (408, 413) else None)


_CLOSE = [("connection", "close")]
_FORGED = (
    "A webhook to {} was refused: its signature fits no configured secret. If it goes on, the secret was changed at "
    "the sender, or someone tries to forge leads"
)
