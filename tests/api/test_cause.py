"""Why the queue is as it is: the most telling cause first, of what workers say of what they depend on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from api.cause import MEANINGS, Cause, Database, Kind, Level, Rates, pause_text, why
from api.models import PagePause, QueueSnapshot, WorkerState, WorkerView

UP = WorkerView("w-1", 0.4, alive=True, in_flight=5)
LIMIT = PagePause("1029", "limit", 1_795_608_273.0, "", 214)
TOKEN = PagePause("2040", "token", 0.0, "Session has expired", 3, name="Casa\x1b[31m & Co")
AWAY = Database(ok=False, reason="connection refused")


def worker(**state: Any) -> WorkerView:
    """A worker alive that says this of itself."""
    return replace(UP, state=WorkerState(**state))


def queue(*workers: WorkerView, **fields: Any) -> QueueSnapshot:
    """Figures with these workers, one that is well unless told otherwise."""
    return QueueSnapshot(0.0, workers=workers or (UP,), **fields)


@pytest.mark.parametrize(
    ("snapshot", "kind", "level", "text"),
    [
        (queue(), Kind.IDLE, Level.OK, "Nothing waits"),
        (queue(refuses="disk", paused=True), Kind.REDIS_DISK, Level.BAD, "Redis cannot write to its disk"),
        (queue(refuses="memory", memory_limit=512_000_000), Kind.REDIS_MEMORY, Level.BAD, "(512 MB)"),
        (
            queue(replace(UP, alive=False), ready=9, refuses="memory"),
            Kind.NO_WORKER,
            Level.BAD,
            "No worker answers; 9 wait; Redis is full: new leads are refused",
        ),
        (
            queue(worker(store_error="connection refused")),
            Kind.DATABASE_AWAY,
            Level.BAD,
            "Postgres takes no rows (connection refused): leads wait in the queue",
        ),
        (queue(worker(store_error="x"), UP, pauses=(TOKEN,)), Kind.DATABASE_AWAY, Level.BAD, "(1 of 2 workers)"),
        (queue(worker(store_wait_s=8.0)), Kind.DATABASE_SLOW, Level.WARN, "a write has lasted 8 s so far"),
        (queue(worker(store_write_s=4.0), ready=1), Kind.DATABASE_SLOW, Level.WARN, "a batch takes 4 s"),
        (queue(worker(store_write_s=4.0)), Kind.IDLE, Level.OK, "Nothing waits"),
        (queue(pauses=(LIMIT, TOKEN)), Kind.GRAPH_TOKEN, Level.BAD, "3 leads of page Casa & Co (2040) wait: Session"),
        (queue(pauses=(replace(TOKEN, kind="permission"),)), Kind.GRAPH_PERMISSION, Level.BAD, "page Casa & Co"),
        (queue(pauses=(LIMIT, replace(LIMIT, page="7", waiting=1))), Kind.GRAPH_LIMIT, Level.WARN, "(and 1 more)"),
        (
            queue(pauses=(replace(LIMIT, page="*", reason="the Graph API cannot be reached"),)),
            Kind.GRAPH_UNREACHABLE,
            Level.WARN,
            "Graph API cannot be reached, next try",
        ),
        (queue(worker(graph_wait_s=12.0), in_flight=1), Kind.GRAPH_SLOW, Level.WARN, "a call has lasted 12 s so far"),
        (queue(in_flight=1, oldest_in_flight_s=11.0), Kind.SLOW, Level.WARN, "in flight for 11 s"),
        (queue(ready=500, arriving=90.0, leaving=40.0), Kind.BURST, Level.WARN, "+50/s"),
        (queue(ready=500, arriving=40.0, leaving=90.0), Kind.WORKING, Level.OK, "Workers keep up"),
        (queue(retry=2, next_retry_s=4.0), Kind.RETRYING, Level.OK, "2 wait to be tried again, next in 4 s"),
    ],
)
def test_the_most_telling_cause_is_given(snapshot: QueueSnapshot, kind: Kind, level: Level, text: str) -> None:
    cause = why(snapshot)
    assert (cause.kind, cause.level) == (kind, level)
    assert text in cause.text
    assert cause.text.isprintable()


def test_a_redis_that_does_not_answer() -> None:
    assert why(None) == Cause(Kind.REDIS_AWAY, Level.BAD, "Redis does not answer: no lead can be taken in")


def test_rows_that_are_written_say_more_than_an_answer_that_does_not_come() -> None:
    assert why(queue(ready=1), database=AWAY).kind is Kind.DATABASE_AWAY
    assert why(queue(ready=1, arriving=5.0, leaving=5.0), database=AWAY).kind is Kind.WORKING
    assert why(queue(ready=1), database=Database(ok=True)).kind is Kind.WORKING


def test_rates_the_workers_sampled_come_before_the_askers() -> None:
    known = Rates(900.0, 10.0)
    assert why(queue(ready=500), rates=known).kind is Kind.BURST
    assert why(queue(ready=500, arriving=10.0, leaving=10.0), rates=known).kind is Kind.WORKING


def test_a_hostile_page_is_shown_safely() -> None:
    pause = PagePause("\x1b[2J\u202e" + "9" * 500, "new\x07kind", 0.0, "", 2, name="\n" * 500)
    assert pause_text(pause).isprintable()
    assert len(pause_text(pause)) < 200


def test_every_kind_has_a_meaning_that_names_nobody() -> None:
    assert set(MEANINGS) == set(Kind)
