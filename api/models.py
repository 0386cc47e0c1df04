"""The frozen values that cross the service's boundaries: jobs, queue states, leads, deliveries.

Times are epoch seconds (float, UTC) in jobs, which live in Redis, and aware datetimes in what comes from Postgres.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from api import queue_state


class Attempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One finished try at a job.

    Attributes:
        n: 1-based number of the attempt; 0 for a wait that burnt none.
        worker: consumer name.
        started_at: epoch seconds.
        took_s: seconds.
        error: one line, without secrets or personal data; empty if it succeeded.
    """

    n: int
    worker: str
    started_at: float
    took_s: float = 0.0
    error: str = ""


class Job(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One lead on its way from a webhook to a row. Encoded as JSON in Redis, so that redis-cli shows it plainly.

    Attributes:
        id: ULID, time-ordered.
        source: a name in `api.sources.SOURCES`.
        external_id: the sender's id (leadgen id, webhook-id, token): the idempotency key together with source.
        payload: JSON text: the `value` of a leadgen change, or another source's whole body.
        received_at: when the request's head was read, epoch seconds.
        request_id: of the HTTP request that brought it (also the response header X-Request-Id).
        page: what is paused together: the Meta page id, or the name in the path; "" where there is none.
        form: the sender's id of the form, or the form's name.
        attempt: attempts that have been begun and counted.
        seq: position among all accepted jobs, 1-based and dense; 0 until published.
        history: finished attempts, oldest first, at most the last 20.
    """

    id: str
    source: str
    external_id: str
    payload: str
    received_at: float
    request_id: str = ""
    page: str = ""
    form: str = ""
    attempt: int = 0
    seq: int = 0
    history: tuple[Attempt, ...] = ()


class JobState(StrEnum):
    """Where a job is. STUCK is a view over READY and IN_FLIGHT, not a place of its own."""

    READY = "ready"
    IN_FLIGHT = "in-flight"
    RETRY = "retry"
    STUCK = "stuck"
    DEAD = "dead"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as the inspector sees it.

    Attributes:
        state: its place.
        since: epoch seconds it entered that place (ready, in flight: last delivery; dead: death); 0 if unknown.
        due_at: epoch seconds at which a retry is due, else 0.
        worker: who holds it, or held it last; "" if nobody.
        idle_s: seconds since it was last delivered to a worker (in flight only).
        deliveries: times it was handed to a worker by the stream (in flight only).
        error: last error or the reason why it is stuck; one line.
        stuck: why it counts as stuck ("worker w-2 gone for 74 s", "in flight for 61 s"), "" if it does not.
        entry_id: stream entry id while in the stream, else "".
    """

    job: Job
    state: JobState
    since: float = 0.0
    due_at: float = 0.0
    worker: str = ""
    idle_s: float = 0.0
    deliveries: int = 0
    error: str = ""
    stuck: str = ""
    entry_id: str = ""


@dataclass(frozen=True, slots=True)
class JobPage:
    """A page of jobs. `cursor` continues the listing, "" at the end; `scanned` is how many were looked at."""

    jobs: tuple[JobView, ...]
    cursor: str = ""
    scanned: int = 0


WorkerState = queue_state.WorkerState
WorkerView = queue_state.WorkerView
PagePause = queue_state.PagePause
Notice = queue_state.Notice
QueueSnapshot = queue_state.QueueSnapshot
AofFile = queue_state.AofFile


class Outcome(StrEnum):
    """How a job ended: one delivery row each."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    DISCARDED = "discarded"


class Lead(msgspec.Struct, frozen=True):
    """A lead as written to and read from the table `leads`. Absent texts are ""; `id` is 0 before it is stored.

    Attributes:
        fields: every answer, name → values, as sent.
        consent: the custom disclaimer's answers, name → checked.
        raw: JSON text of what the source gave (Graph answer or form body).
        status: "stored", or "partial" when the source gave no fields.
        is_test: it came from a sender's testing tool or was sent by `leadsctl send`.
        cleaned: NUL or lone surrogates were replaced on the way in.
    """

    source: str
    external_id: str
    received_at: datetime
    id: int = 0
    job_id: str = ""
    page_id: str = ""
    page_name: str = ""
    form_id: str = ""
    form_name: str = ""
    ad_id: str = ""
    ad_name: str = ""
    campaign_id: str = ""
    campaign_name: str = ""
    full_name: str = ""
    email: str = ""
    phone: str = ""
    phone_e164: str = ""
    platform: str = ""
    fields: dict[str, list[str]] = {}
    consent: dict[str, bool] = {}
    raw: str = "{}"
    status: str = "stored"
    is_test: bool = False
    cleaned: bool = False
    created_at: datetime | None = None
    stored_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """The end of one job: the row in `deliveries`. `took_s` is received → stored."""

    job_id: str
    seq: int
    source: str
    external_id: str
    outcome: Outcome
    attempts: int
    request_id: str
    received_at: datetime
    finished_at: datetime
    lead_id: int = 0
    worker: str = ""

    @property
    def took_s(self) -> float:
        """Seconds from the request to the end."""
        return (self.finished_at - self.received_at).total_seconds()


@dataclass(frozen=True, slots=True)
class LeadFilter:
    """What a lead list shows. Empty means no restriction.

    `text` matches name, e-mail, phone and external id by fragment, a job's id by its beginning.
    """

    text: str = ""
    source: str = ""
    form: str = ""
    page: str = ""
    campaign: str = ""
    status: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class LeadPage:
    """A page of leads, newest first. `cursor` continues it, "" at the end.

    `notice` says that the page ended before it was full, with more leads to look at, or that all were read.
    """

    leads: tuple[Lead, ...]
    cursor: str = ""
    notice: str = ""


@dataclass(frozen=True, slots=True)
class LeadDetails:
    """One lead with the deliveries and attempts of every job that carried its id, oldest first."""

    lead: Lead | None
    deliveries: tuple[Delivery, ...] = ()
    attempts: tuple[tuple[str, Attempt], ...] = ()


@dataclass(frozen=True, slots=True)
class StoreSnapshot:
    """The store's figures: totals, today's count (since local midnight, passed in), sizes, newest leads."""

    total: int
    today: int
    latest: tuple[Lead, ...]
    version: str = ""
    database_bytes: int = 0
    table_bytes: tuple[tuple[str, int], ...] = ()
    last_stored_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Accounting:
    """accepted = ready + in flight + retry + dead + deliveries, as of one instant of the queue.

    Attributes:
        settling: jobs that have a delivery row and are still in the queue for a moment (counted once, as queued).
        deliveries: outcome → count, of the jobs accepted by that instant and no longer queued.
        missing: accepted jobs found in no place ("#seq source:external_id job" where that is known), at most 100.
        doubled: job ids found in two places, at most 100.
    """

    accepted: int
    ready: int
    in_flight: int
    retry: int
    dead: int
    deliveries: dict[Outcome, int]
    settling: int = 0
    missing: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()

    @property
    def accounted(self) -> int:
        """The sum over all places."""
        return self.ready + self.in_flight + self.retry + self.dead + sum(self.deliveries.values())

    @property
    def balanced(self) -> bool:
        """True when every accepted job is in exactly one place."""
        return self.accepted == self.accounted and not self.missing and not self.doubled


JSONObject = dict[str, Any]
