"""Says in one line why the queue is as it is: the same for console, commands, readiness and metrics. Pure.

Whoever asks gives the queue's figures, which hold what the workers say of Postgres and of the Graph API, and, where it
is known, whether Postgres answers the one who asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from api.models import PagePause, QueueSnapshot, WorkerView
from api.words import age, clock, number, rate, safe

SLOW_AFTER_S = 10.0
"""Something in flight for longer than this is held up."""
WRITE_SLOW_S = 3.0
"""A batch that takes longer than this to be written: the database is slow."""
BURST_GROWTH = 1.0
"""Jobs a second by which a queue must grow to be called growing."""
UNREACHABLE = "cannot be reached"
"""In the reason of a pause that nobody asked for: the connection itself failed."""


class Kind(StrEnum):
    """Why; the names that metrics and JSON use."""

    IDLE = "idle"
    WORKING = "working"
    BURST = "burst"
    RETRYING = "retrying"
    PAUSED = "paused"
    NO_WORKER = "no_worker"
    STUCK = "stuck"
    SLOW = "slow"
    DATABASE_AWAY = "database_away"
    DATABASE_SLOW = "database_slow"
    REDIS_AWAY = "redis_away"
    REDIS_MEMORY = "redis_memory"
    REDIS_DISK = "redis_disk"
    GRAPH_TOKEN = "graph_token"  # noqa: S105 - a name
    GRAPH_PERMISSION = "graph_permission"
    GRAPH_LIMIT = "graph_limit"
    GRAPH_UNREACHABLE = "graph_unreachable"
    GRAPH_SLOW = "graph_slow"


MEANINGS = {
    Kind.IDLE: "nothing waits",
    Kind.WORKING: "workers keep up",
    Kind.BURST: "more comes in than workers store",
    Kind.RETRYING: "all that waits is to be tried again later",
    Kind.PAUSED: "paused by an operator",
    Kind.NO_WORKER: "no worker answers",
    Kind.STUCK: "jobs are stuck",
    Kind.SLOW: "a job takes long",
    Kind.DATABASE_AWAY: "Postgres takes no rows",
    Kind.DATABASE_SLOW: "Postgres is slow",
    Kind.REDIS_AWAY: "Redis does not answer",
    Kind.REDIS_MEMORY: "Redis is out of memory",
    Kind.REDIS_DISK: "Redis cannot write to its disk",
    Kind.GRAPH_TOKEN: "the Graph API refuses a page's token",
    Kind.GRAPH_PERMISSION: "the Graph API refuses a page's permission",
    Kind.GRAPH_LIMIT: "the Graph API limits calls",
    Kind.GRAPH_UNREACHABLE: "the Graph API cannot be reached",
    Kind.GRAPH_SLOW: "the Graph API answers slowly",
}
"""What each means without a name in it: for those who may not see names."""


class Level(StrEnum):
    """OK: nothing to do; WARN: it will pass, or slow things down; BAD: it will not pass by itself."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Cause:
    """Why the queue is as it is; `text` is one line, safe to show, and may name pages and workers."""

    kind: Kind
    level: Level
    text: str


@dataclass(frozen=True, slots=True)
class Rates:
    """Jobs a second over the last few seconds; None where unknown.

    `arriving`: accepted. `leaving`: stored (or found to be a duplicate): no longer queued, dead or discarded.
    """

    arriving: float | None = None
    leaving: float | None = None

    @property
    def growth(self) -> float:
        """Jobs a second by which the queue grows; negative while it shrinks, 0 if unknown."""
        return 0.0 if self.arriving is None or self.leaving is None else self.arriving - self.leaving


@dataclass(frozen=True, slots=True)
class Database:
    """Whether Postgres answers the one who asks, and if not, why not: one line."""

    ok: bool
    reason: str = ""


def rates_of(queue: QueueSnapshot, otherwise: Rates | None = None) -> Rates:
    """The rates that workers sampled; where there are none, what the one who asks knows."""
    if queue.arriving is None or queue.leaving is None:
        return otherwise or Rates()
    return Rates(queue.arriving, queue.leaving)


def why(queue: QueueSnapshot | None, *, rates: Rates | None = None, database: Database | None = None) -> Cause:
    """The first of the causes that is so, the most telling first. `queue` None: Redis does not answer."""
    if queue is None:
        return Cause(Kind.REDIS_AWAY, Level.BAD, "Redis does not answer: no lead can be taken in")
    return (
        _redis_disk(queue)
        or _nobody_works(queue)
        or _database(queue, database)
        or _redis_memory(queue)
        or _must_act(queue)
        or _limited(queue)
        or _held_up(queue)
        or _moving(queue, rates_of(queue, rates))
    )


def pause_text(pause: PagePause) -> str:
    """What a paused page means for its leads."""
    whole = pause.page == "*"
    named = f"page {safe(pause.name, 60)} ({safe(pause.page, 40)})" if pause.name else f"page {safe(pause.page, 40)}"
    page = "the whole app" if whole else named
    its = "" if whole else "its "
    waiting = f"; {its}{number(pause.waiting)} leads wait" if pause.waiting != 1 else f"; {its}1 lead waits"
    if UNREACHABLE in pause.reason:
        return f"Graph API cannot be reached, next try {clock(pause.until)}{waiting if pause.waiting else ''}"
    if pause.kind == "limit":
        return f"Graph API limits {page} until {clock(pause.until)}{waiting if pause.waiting else ''}"
    if pause.reason:
        leads = "1 lead" if pause.waiting == 1 else f"{number(pause.waiting)} leads"
        who = f"{leads} of {page}" if pause.waiting else page[0].upper() + page[1:]
        return f"{who} {'wait' if pause.waiting > 1 else 'waits'}: {safe(pause.reason, 160)}"
    what = {"token": "access token", "permission": "permission"}.get(pause.kind, safe(pause.kind, 20))
    return f"Graph API refuses the {what} of {page}{waiting if pause.waiting else ''}"


def waiting_text(queue: QueueSnapshot) -> str:
    """ "; 12 wait", "" when nothing does; and that leads are refused if they are."""
    return (f"; {number(queue.depth)} {_wait(queue.depth)}" if queue.depth else "") + _full(queue)


def _redis_disk(queue: QueueSnapshot) -> Cause | None:
    if queue.refuses != "disk":
        return None
    return Cause(Kind.REDIS_DISK, Level.BAD, "Redis cannot write to its disk: new leads are refused, none is stored")


def _nobody_works(queue: QueueSnapshot) -> Cause | None:
    if queue.paused:
        return Cause(Kind.PAUSED, Level.WARN, f"Paused by an operator{waiting_text(queue)}")
    if _alive(queue):
        return None
    return Cause(Kind.NO_WORKER, Level.BAD, f"No worker answers{waiting_text(queue)}")


def _database(queue: QueueSnapshot, database: Database | None) -> Cause | None:
    alive = _alive(queue)
    failing = [worker for worker in alive if worker.state.store_error]
    if failing:
        some = f" ({len(failing)} of {len(alive)} workers)" if len(failing) < len(alive) else ""
        return _database_away(queue, failing[0].state.store_error, some)
    # Rows that are being written say more than an answer that one who only looks does not get.
    if database is not None and not database.ok and not queue.leaving:
        return _database_away(queue, database.reason)
    lasts = max(worker.state.store_wait_s for worker in alive)
    if lasts > WRITE_SLOW_S:
        return Cause(Kind.DATABASE_SLOW, Level.WARN, f"Postgres is slow: a write has lasted {age(lasts)} so far")
    took = max(worker.state.store_write_s for worker in alive)
    if took > WRITE_SLOW_S and queue.depth:
        return Cause(Kind.DATABASE_SLOW, Level.WARN, f"Postgres is slow: a batch takes {age(took)} to be written")
    return None


def _database_away(queue: QueueSnapshot, reason: str, some: str = "") -> Cause:
    why_so = f" ({safe(reason, 100)})" if reason else ""
    text = f"Postgres takes no rows{why_so}{some}: leads wait in the queue{_full(queue)}"
    return Cause(Kind.DATABASE_AWAY, Level.BAD, text)


def _redis_memory(queue: QueueSnapshot) -> Cause | None:
    if queue.refuses != "memory":
        return None
    limit = f" ({queue.memory_limit / 1e6:,.0f} MB)"
    return Cause(Kind.REDIS_MEMORY, Level.BAD, f"Redis is out of memory{limit}: new leads are refused")


def _must_act(queue: QueueSnapshot) -> Cause | None:
    pauses = sorted((p for p in queue.pauses if p.kind != "limit"), key=lambda p: -p.waiting)
    if not pauses:
        return None
    kind = Kind.GRAPH_PERMISSION if pauses[0].kind == "permission" else Kind.GRAPH_TOKEN
    return Cause(kind, Level.BAD, pause_text(pauses[0]) + _more(pauses))


def _limited(queue: QueueSnapshot) -> Cause | None:
    limits = sorted((p for p in queue.pauses if p.kind == "limit"), key=lambda p: -p.waiting)
    if not limits:
        return None
    kind = Kind.GRAPH_UNREACHABLE if UNREACHABLE in limits[0].reason else Kind.GRAPH_LIMIT
    return Cause(kind, Level.WARN, pause_text(limits[0]) + _more(limits))


def _held_up(queue: QueueSnapshot) -> Cause | None:
    if queue.stuck:
        gone = [safe(w.name, 40) for w in queue.workers if not w.alive and w.in_flight]
        text = f"{number(queue.stuck)} stuck" + (f": {gone[0]} is gone" if gone else "")
        return Cause(Kind.STUCK, Level.BAD, text)
    lasts = max(worker.state.graph_wait_s for worker in _alive(queue))
    if lasts > SLOW_AFTER_S:
        return Cause(
            Kind.GRAPH_SLOW, Level.WARN, f"The Graph API answers slowly: a call has lasted {age(lasts)} so far"
        )
    if queue.in_flight and queue.oldest_in_flight_s > SLOW_AFTER_S:
        text = f"Slow: a job has been in flight for {age(queue.oldest_in_flight_s)} (database or Graph)"
        return Cause(Kind.SLOW, Level.WARN, text)
    return None


def _moving(queue: QueueSnapshot, rates: Rates) -> Cause:
    if not queue.depth:
        return Cause(Kind.IDLE, Level.OK, "Nothing waits")
    if rates.growth > BURST_GROWTH and queue.ready > max(20.0, rates.leaving or 0.0):
        return Cause(Kind.BURST, Level.WARN, f"Burst: more comes in than workers store, +{rate(rates.growth)}")
    if queue.retry == queue.depth:
        text = f"{number(queue.retry)} {_wait(queue.retry)} to be tried again, next in {age(queue.next_retry_s)}"
        return Cause(Kind.RETRYING, Level.OK, text)
    return Cause(Kind.WORKING, Level.OK, "Workers keep up")


def _alive(queue: QueueSnapshot) -> list[WorkerView]:
    return [worker for worker in queue.workers if worker.alive]


def _full(queue: QueueSnapshot) -> str:
    return "; Redis is full: new leads are refused" if queue.refuses == "memory" else ""


def _more(pauses: list[PagePause]) -> str:
    return f" (and {number(len(pauses) - 1)} more)" if len(pauses) > 1 else ""


def _wait(count: int) -> str:
    return "waits" if count == 1 else "wait"
