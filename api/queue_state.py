"""The frozen values of what the queue is like: workers, paused pages, notices, and all figures at one instant.

Times are epoch seconds (float, UTC), ages and durations seconds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WorkerState:
    """What a worker says of what it depends on, as of its heartbeat.

    Attributes:
        store_error: why Postgres takes no rows, one line without an address; "" while it does.
        store_wait_s: how long the oldest write under way has lasted, seconds.
        store_write_s: how long writing a batch took lately, seconds.
        graph_wait_s: how long the oldest call to the Graph API under way has lasted, seconds.
        graph_used: (page, per cent of its limit used up), the highest first; page "*" is the app's. Bounded.
    """

    store_error: str = ""
    store_wait_s: float = 0.0
    store_write_s: float = 0.0
    graph_wait_s: float = 0.0
    graph_used: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A consumer: its last heartbeat and what it holds. `alive` is false once the heartbeat is too old."""

    name: str
    beat_age_s: float
    alive: bool
    in_flight: int = 0
    pid: int = 0
    host: str = ""
    started_at: float = 0.0
    stored: int = 0
    failed: int = 0
    state: WorkerState = WorkerState()


@dataclass(frozen=True, slots=True)
class PagePause:
    """A page whose Graph calls wait.

    Attributes:
        page: its id; "*" means the whole app.
        kind: "limit" (Meta said wait), "token" or "permission" (an operator must act).
        until: epoch seconds, 0 while an operator must act first.
        reason: what Meta said, one line.
        waiting: jobs that wait for it.
        name: the page's, "" if unknown.
        lead: external id of a lead that was refused: with it is tried whether the page goes on.
        tries: how often that has been tried.
        next_at: epoch seconds of the next try, 0 if none is planned.
    """

    page: str
    kind: str
    until: float
    reason: str
    waiting: int = 0
    name: str = ""
    lead: str = ""
    tries: int = 0
    next_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Notice:
    """Something an operator should know. `key` identifies it; `count` is how often it happened since `first_at`."""

    key: str
    text: str
    count: int
    first_at: float
    last_at: float


@dataclass(frozen=True, slots=True)
class AofFile:
    """Redis' append-only file, by its own INFO; None for what this server does not tell.

    Redis does not tell when it last synced. With appendfsync "always" each answer came after its fsync; with "everysec"
    `delayed_fsyncs` counts writes that went on although an fsync had taken more than two seconds.

    Attributes:
        size_bytes: of the file. `base_bytes`: as it was after the last rewrite, or at the start.
        pending_fsyncs: fsyncs that wait in the background.
        delayed_fsyncs: since the server began.
        rewriting: a rewrite is under way.
        rewrite_s: how long the last rewrite took; None where there was none since the server began.
    """

    size_bytes: int | None = None
    base_bytes: int | None = None
    pending_fsyncs: int | None = None
    delayed_fsyncs: int | None = None
    rewriting: bool | None = None
    rewrite_s: float | None = None


@dataclass(frozen=True, slots=True)
class QueueSnapshot:
    """All queue figures, read in one atomic script.

    `taken_at` is the Redis server's time (epoch s). Ages are seconds, 0 when there is nothing.
    `aof` is "always", "everysec", "no", "off", "on" (the server does not tell how often it syncs) or "" (nor that).
    `arriving` and `leaving` are jobs accepted and ended a second, over the last ten seconds; None where unknown (no
    worker has been up for long enough). `memory_limit` is Redis' maxmemory in bytes, 0 without one. `refuses` says why
    Redis takes no new jobs: "memory", "disk", or "" when it does. `aof_file` is None while there is none.
    """

    taken_at: float
    ready: int = 0
    in_flight: int = 0
    retry: int = 0
    dead: int = 0
    discarded: int = 0
    stuck: int = 0
    accepted: int = 0
    duplicates: int = 0
    oldest_ready_s: float = 0.0
    oldest_in_flight_s: float = 0.0
    next_retry_s: float = 0.0
    paused: bool = False
    workers: tuple[WorkerView, ...] = ()
    pauses: tuple[PagePause, ...] = ()
    notices: tuple[Notice, ...] = ()
    server: str = ""
    memory_bytes: int = 0
    aof: str = ""
    aof_ok: bool = True
    arriving: float | None = None
    leaving: float | None = None
    memory_limit: int = 0
    refuses: str = ""
    aof_file: AofFile | None = None

    @property
    def depth(self) -> int:
        """Jobs that are still to be stored: ready + in flight + retry."""
        return self.ready + self.in_flight + self.retry

    @property
    def other_notices(self) -> tuple[Notice, ...]:
        """The notices that say more than the pauses do."""
        return tuple(n for n in self.notices if not any(p.reason and p.reason in n.text for p in self.pauses))
