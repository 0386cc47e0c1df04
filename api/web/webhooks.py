"""Owns the ingest: a webhook's body is read, verified, turned into jobs and queued before it is answered.

No task and no future is made for a webhook: what a queue's acknowledgement calls writes the answer.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from api import logs
from api.errors import PayloadError, QueueUnavailableError, RejectedError, UnavailableError
from api.metrics import Metrics
from api.models import Job
from api.queue import Published
from api.settings import Settings
from api.signatures import MISMATCH
from api.sources.base import Incoming, Parsed, Source, unreadable
from api.web.bodies import Body, BusyError, Room
from api.web.http import JSON_TYPE, Request, Response, Send, problem
from api.web.notices import Notices

RETRY_AFTER_S = 5

log = logs.get_logger()

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HEADERS = (JSON_TYPE,)
_FORGED = (
    "A webhook to {} was refused: its signature fits no configured secret. If it goes on, the secret was changed at "
    "the sender, or someone tries to forge leads"
)


class _Accepted(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The line in the log of a webhook that was taken in; `job_id` and `external_id` if it brought just one lead."""

    ts: str
    level: str
    event: str
    request_id: str
    source: str
    status: int
    ms: float
    form: str = ""
    job_id: str = ""
    external_id: str = ""
    dead: int = 0
    accepted: int
    duplicates: int
    ignored: int
    bytes: int


class Publishing(Protocol):
    """The queue as the ingest needs it; `api.queue.Publisher` fits."""

    def submit(
        self,
        jobs: Sequence[Job],
        dead: Sequence[tuple[Job, str]],
        done: Callable[[Published | QueueUnavailableError], None],
    ) -> object:
        """See api.queue.Publisher."""
        ...


@dataclass(frozen=True, slots=True)
class Hook:
    """A source at its place: the route's template, and the headers it reads by both of their names."""

    source: Source
    template: str
    headers: tuple[tuple[str, bytes], ...]


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
        self.publisher = publisher
        self.metrics = metrics
        self.notices = notices
        self.clock = clock
        self.room = Room(settings)
        self._named: dict[str, Hook] = {}
        self._plain: dict[str, tuple[Hook, str]] = {}
        for name, source in sources.items():
            headers = tuple((header, header.encode()) for header in source.headers)
            hook = Hook(source, f"/webhooks/{name}" + ("/{form}" if source.named else ""), headers)
            if source.named:
                self._named[f"/webhooks/{name}"] = hook
            else:
                self._plain[hook.template] = hook, ""
        metrics.watch_held(lambda: self.room.held)

    def find(self, path: str) -> tuple[Hook, str] | None:
        """The source and the name in `/webhooks/{source}[/{name}]`; None if there is no such place."""
        found = self._plain.get(path)
        if found is not None:
            return found
        place, _, name = path.rpartition("/")
        hook = self._named.get(place)
        return (hook, name) if hook is not None and _NAME.fullmatch(name) else None

    def open(self, request: Request, hook: Hook, name: str) -> Delivery:
        """Begin to take one webhook in."""
        return Delivery(self, request, hook, name)


class Delivery:
    """A webhook on its way in: an api.web.http.Exchange."""

    __slots__ = ("_body", "_hook", "_hooks", "_name", "_parsed", "_send", "_started", "early", "request")

    def __init__(self, hooks: Webhooks, request: Request, hook: Hook, name: str) -> None:
        self._started = time.perf_counter()
        self.request = request
        self._hooks = hooks
        self._hook = hook
        self._name = name
        self._body: Body | None = None
        self._parsed: Parsed | None = None
        self._send: Send | None = None
        self.early: Response | None = None
        try:
            if hook.source.switched_off:
                raise RejectedError(404, f"this endpoint is switched off: {hook.source.switched_off}")
            if request.headers.get(b"content-encoding", b"identity") not in (b"identity", b""):
                raise RejectedError(415, "Content-Encoding is not supported")
            self._body = Body(hooks.room, request.headers.get(b"content-length"))
        except (RejectedError, UnavailableError) as error:
            self.early = self._refused(error)

    def add(self, piece: bytes) -> None:
        """See Exchange."""
        if self.early is None and self._body is not None:
            try:
                self._body.add(piece)
            except (RejectedError, UnavailableError) as error:
                self.early = self._refused(error)

    def finish(self, send: Send) -> None:
        """See Exchange."""
        if self.early is not None or self._body is None:
            assert self.early is not None
            send(self.early)
            return
        self._send = send
        try:
            self._take(self._body.whole())
        except (RejectedError, UnavailableError) as error:
            send(self._refused(error))
        except Exception as error:
            log.error("web.failed", request_id=self.request.request_id, exc_info=error)
            send(self._counted(problem(500, "internal error", self.request.request_id)))

    def abandon(self, status: int, reason: str) -> Response:
        """See Exchange."""
        return self.early or self._refused(RejectedError(status, reason))

    def _take(self, body: bytes) -> None:
        request, hooks, source = self.request, self._hooks, self._hook.source
        headers = request.headers
        incoming = Incoming(
            body=body,
            headers={name: headers[key].decode("latin-1") for name, key in self._hook.headers if key in headers},
            name=self._name,
            request_id=request.request_id,
            received_at=request.received_at,
        )
        source.verify(incoming, hooks.clock())
        try:
            self._parsed = parsed = source.parse(incoming)
        except PayloadError as error:
            # A signed body that cannot be read is kept as a dead letter before it is refused.
            reason = str(error)
            letter = unreadable(source.name, incoming, reason)
            hooks.publisher.submit((), (letter,), lambda outcome: self._kept(outcome, reason))
            return
        if parsed.jobs or parsed.dead:
            hooks.publisher.submit(parsed.jobs, parsed.dead, self._published)
        else:
            self._published(Published(0, 0))

    def _kept(self, outcome: Published | QueueUnavailableError, reason: str) -> None:
        assert self._send is not None
        if isinstance(outcome, QueueUnavailableError):
            self._send(self._refused(outcome))
            return
        self._hooks.metrics.count_events(self._hook.source.name, "dead", 1)
        self._send(self._refused(RejectedError(400, reason)))

    def _published(self, outcome: Published | QueueUnavailableError) -> None:
        assert self._send is not None
        assert self._parsed is not None
        if isinstance(outcome, QueueUnavailableError):
            self._send(self._refused(outcome))
            return
        counts = outcome.accepted, outcome.duplicates, self._parsed.ignored
        try:
            self._account(self._parsed, outcome)
        except Exception as error:
            # The leads are in the queue, and their sender is to know that.
            log.error("web.failed", request_id=self.request.request_id, exc_info=error)
        self._send(self._counted(Response(200, b'{"accepted":%d,"duplicates":%d,"ignored":%d}' % counts, _HEADERS)))

    def _account(self, parsed: Parsed, counts: Published) -> None:
        name, metrics = self._hook.source.name, self._hooks.metrics
        metrics.count_events(name, "accepted", counts.accepted)
        if counts.duplicates:
            metrics.count_events(name, "duplicate", counts.duplicates)
        if parsed.ignored:
            metrics.count_events(name, "ignored", parsed.ignored - len(parsed.dead))
            metrics.count_events(name, "dead", len(parsed.dead))
            metrics.count_unhandled(parsed.unhandled)
        for key, text in parsed.notices:
            self._hooks.notices.tell(key, text)
        lone = parsed.jobs[0] if len(parsed.jobs) == 1 else None
        line = _Accepted(
            ts=logs.timestamp(),
            level="info",
            event="webhook.accepted",
            request_id=self.request.request_id,
            source=name,
            status=200,
            ms=round((time.perf_counter() - self._started) * 1000, 1),
            form=self._name,
            job_id=lone.id if lone else "",
            external_id=lone.external_id if lone else "",
            dead=len(parsed.dead),
            accepted=counts.accepted,
            duplicates=counts.duplicates,
            ignored=parsed.ignored,
            bytes=self._body.size if self._body is not None else 0,
        )
        logs.emit_struct("info", line)

    def _refused(self, error: RejectedError | UnavailableError) -> Response:
        status, reason = (error.status, error.reason) if isinstance(error, RejectedError) else (503, str(error))
        name, request_id = self._hook.source.name, self.request.request_id
        self._hooks.metrics.count_rejected(name, status, busy=isinstance(error, BusyError))
        logs.emit("warning", "webhook.rejected", {**self._log_fields(status), "reason": reason})
        if reason == MISMATCH:
            self._hooks.notices.tell(f"signature:{name}", _FORGED.format(name))
        if status == 503:
            # What went wrong inside is for the log; a sender needs to know when to come back.
            return self._counted(problem(503, "not available now", request_id, (("retry-after", str(RETRY_AFTER_S)),)))
        return self._counted(problem(status, reason, request_id, key=self._hook.source.reason_key))

    def _counted(self, response: Response) -> Response:
        """The answer, now that it is known: the room is given back, and the request counted."""
        if self._body is not None:
            self._body.close()
            self._body = None
        seconds = time.perf_counter() - self._started
        self._hooks.metrics.count_request(self._hook.template, "POST", response.status, seconds)
        return response

    def _log_fields(self, status: int) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "request_id": self.request.request_id,
            "source": self._hook.source.name,
            "status": status,
            "ms": round((time.perf_counter() - self._started) * 1000, 1),
        }
        if self._name:
            fields["form"] = self._name
        return fields
