"""Why the queue is as it is, in one line."""

from __future__ import annotations

from typing import Any

import pytest

from api.cause import Kind
from api.models import PagePause, QueueSnapshot, WorkerView
from console.cause import Cause, empty_in_s, pause_text, why
from console.format import Tone, clock
from console.history import Rates
from console.snapshots import Replica, Role, Service, StackSnapshot, State

UP = WorkerView("worker-1", 0.4, True, 5)
GONE = WorkerView("worker-2\x1b[31m", 74.0, False, 3)
UNTIL = 1_795_608_273.0
LIMIT = PagePause("1029", "limit", UNTIL, "", 214)
TOKEN = PagePause("2040", "token", 0, "", 3)


def stack(**states: State) -> StackSnapshot:
    services = [
        Service(name, Role(name), (Replica(name, name, states.get(name, State.HEALTHY)),))
        for name in ("app", "worker", "db", "redis")
    ]
    return StackSnapshot("docker", "leads", "", tuple(services), 0.0)


def queue(**fields: Any) -> QueueSnapshot:
    return QueueSnapshot(**{"taken_at": 0.0, "workers": (UP,), **fields})


@pytest.mark.parametrize(
    ("snapshot", "services", "rates", "expected"),
    [
        (queue(), stack(), Rates(), Cause("Nothing waits", Tone.OK, Kind.IDLE)),
        (queue(ready=5), stack(), Rates(3, 3), Cause("Workers keep up", Tone.OK, Kind.WORKING)),
        (queue(ready=5, paused=True), stack(), Rates(), Cause("Paused by an operator; 5 wait", Tone.WARN, Kind.PAUSED)),
        (queue(ready=1, workers=()), stack(), Rates(), Cause("No worker answers; 1 waits", Tone.BAD, Kind.NO_WORKER)),
        (queue(workers=()), None, Rates(), Cause("No worker answers", Tone.BAD, Kind.NO_WORKER)),
        (
            queue(ready=9, workers=()),
            stack(worker=State.STOPPED),
            Rates(),
            Cause("No worker: worker is stopped; 9 wait", Tone.BAD, Kind.NO_WORKER),
        ),
        (
            queue(workers=(GONE,)),
            stack(worker=State.STARTING),
            Rates(),
            Cause("Workers are starting", Tone.WARN, Kind.NO_WORKER),
        ),
        (
            queue(ready=9, pauses=(LIMIT, TOKEN)),
            stack(),
            Rates(),
            Cause("Graph API refuses the access token of page 2040; its 3 leads wait", Tone.BAD, Kind.GRAPH_TOKEN),
        ),
        (
            queue(ready=9),
            stack(db=State.STOPPED),
            Rates(),
            Cause("The database is stopped: leads wait in the queue", Tone.BAD, Kind.DATABASE_AWAY),
        ),
        (
            queue(ready=9, pauses=(LIMIT,)),
            stack(),
            Rates(),
            Cause(f"Graph API limits page 1029 until {clock(UNTIL)}; its 214 leads wait", Tone.WARN, Kind.GRAPH_LIMIT),
        ),
        (
            queue(in_flight=3, stuck=3, workers=(UP, GONE)),
            stack(),
            Rates(),
            Cause("3 stuck: worker-2 is gone", Tone.BAD, Kind.STUCK),
        ),
        (
            queue(in_flight=3, oldest_in_flight_s=12),
            stack(),
            Rates(),
            Cause("Slow: a job has been in flight for 12 s (database or Graph)", Tone.WARN, Kind.SLOW),
        ),
        (
            queue(ready=1000),
            stack(),
            Rates(300, 200),
            Cause("Burst: more comes in than workers store, +100/s", Tone.WARN, Kind.BURST),
        ),
        (
            queue(retry=2, next_retry_s=4),
            stack(),
            Rates(),
            Cause("2 wait to be tried again, next in 4 s", Tone.OK, Kind.RETRYING),
        ),
    ],
)
def test_the_most_telling_cause_is_given(
    snapshot: QueueSnapshot, services: StackSnapshot | None, rates: Rates, expected: Cause
) -> None:
    assert why(snapshot, services, rates) == expected


def test_shapes_go_with_the_tone() -> None:
    assert [Cause("", tone, Kind.IDLE).shape for tone in (Tone.BAD, Tone.WARN, Tone.OK)] == ["✖", "◐", "●"]


def test_pauses_are_named() -> None:
    assert (
        pause_text(PagePause("*", "limit", UNTIL, "", 1))
        == f"Graph API limits the whole app until {clock(UNTIL)}; 1 lead waits"
    )
    assert pause_text(PagePause("7", "token", 0, "no\x00 token", 3)) == "3 leads of page 7 wait: no token"
    assert pause_text(PagePause("*", "token", 0, "expired", 1)) == "1 lead of the whole app waits: expired"
    assert pause_text(PagePause("7", "token", 0, "expired", 0)) == "Page 7 waits: expired"
    assert pause_text(PagePause("7", "permission", 0, "", 0)) == "Graph API refuses the permission of page 7"
    assert pause_text(PagePause("7", "new\x1b[31m", 0, "", 0)) == "Graph API refuses the new of page 7"


def test_time_to_empty() -> None:
    assert empty_in_s(queue(ready=100), Rates(10, 30)) == 5.0
    assert empty_in_s(queue(ready=100), Rates(30, 10)) is None
    assert empty_in_s(queue(), Rates(0, 10)) is None
    assert empty_in_s(queue(ready=1), Rates()) is None


def test_an_api_out_of_reach_is_no_limit() -> None:
    pause = PagePause(page="*", kind="limit", until=UNTIL, reason="the Graph API cannot be reached", waiting=1)
    assert pause_text(pause) == f"Graph API cannot be reached, next try {clock(UNTIL)}; 1 lead waits"
