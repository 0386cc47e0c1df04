"""Owns what must hold after every step: keys, figures, listings and accounting all say what the model says."""

from __future__ import annotations

import time

from api.models import JobState, JobView
from api.queue import Inspector
from tests.api.queue.model.ledger import GONE, Ledger, Record
from tests.api.queue.model.sight import Sight

CLOCK_TOLERANCE_S = 400.0
"""Real time that may pass within an example: less than half the least step of the model's clock."""
PLACES = ("ready", "in flight", "orphaned", "retry", "dead", "discarded")
TALLY = "done"
"""What the workers of the model report with their heartbeats."""
STATES = {
    JobState.READY: "ready",
    JobState.IN_FLIGHT: "in flight",
    JobState.RETRY: "retry",
    JobState.DEAD: "dead",
    JobState.DISCARDED: "discarded",
}


def check_keys(ledger: Ledger, sight: Sight) -> None:
    """Each accepted job is in exactly one place, is what the model says, and nothing else is there."""
    doubled = {job_id: found for job_id, found in sight.jobs.items() if len(found) > 1}
    assert not doubled, f"in two places: {doubled}"
    queued = {job_id for job_id, record in ledger.records.items() if record.place != GONE}
    missing, strange = queued - sight.jobs.keys(), sight.jobs.keys() - queued
    assert not missing, f"lost: {[(ledger.records[i].label, ledger.records[i].place) for i in missing]}"
    assert not strange, f"there again: {[(i, sight.jobs[i][0].place) for i in strange]}"
    for job_id, (found,) in sight.jobs.items():
        record = ledger.records[job_id]
        there = found.place, found.holder, found.deliveries, found.error, found.job
        expected = record.place, record.holder, _deliveries(record), _error(record), record.job
        assert there == expected, f"{record.label} is {there}, not {expected}"
        if record.place == "retry":
            due = time.time() + record.due - ledger.now
            assert abs(found.at_ms / 1000 - due) < CLOCK_TOLERANCE_S, f"{record.label} is due at another time"
    _check_line(ledger, [job_id for job_id, (found,) in sight.jobs.items() if found.place == "ready"])
    assert sight.parked == sight.noted == {r.job.id for r in ledger.in_place("retry", "dead", "discarded")}
    assert sight.counters.get("accepted", 0) == len(ledger.records)
    assert sight.waiting == _waiting(ledger)
    assert sight.paused == ledger.paused
    assert sight.beats == ledger.beats.keys()
    assert dict(sight.tallies).get(TALLY, "0") == str(ledger.reported)
    assert sight.pauses == ledger.pauses.keys()


def _deliveries(record: Record) -> int:
    return record.deliveries if record.place == "in flight" else 0


def _error(record: Record) -> str:
    return record.error if record.place in ("retry", "dead", "discarded") else ""


def _check_line(ledger: Ledger, there: list[str]) -> None:
    """What waited keeps its order; what came since is behind it."""
    waited = [job_id for job_id in ledger.ready if job_id not in ledger.fresh]
    assert there[: len(waited)] == waited, "the line has another order"
    assert set(there[len(waited) :]) == ledger.fresh


def _waiting(ledger: Ledger) -> dict[str, int]:
    counts: dict[str, int] = {}
    for record in ledger.in_place("retry"):
        counts[record.job.page] = counts.get(record.job.page, 0) + 1
    return counts


async def check_figures(ledger: Ledger, inspector: Inspector, impatient: Inspector, exact_duplicates: bool) -> None:
    """The snapshot agrees. To the `impatient` inspector every job that waits has waited for too long."""
    shot = await inspector.snapshot()
    held = ledger.in_place("in flight")
    assert shot.ready == len(ledger.in_place("ready", "orphaned"))
    assert (shot.in_flight, shot.retry, shot.dead, shot.discarded) == tuple(
        len(ledger.in_place(place)) for place in ("in flight", "retry", "dead", "discarded")
    )
    assert shot.accepted == len(ledger.records)
    assert shot.duplicates >= ledger.duplicates
    assert shot.duplicates == ledger.duplicates or not exact_duplicates
    assert shot.paused == ledger.paused
    holders = {record.holder for record in held}
    assert {w.name: (w.alive, w.in_flight) for w in shot.workers} == {
        name: (ledger.is_alive(name), sum(record.holder == name for record in held))
        for name in ledger.beats.keys() | holders
    }
    waiting = _waiting(ledger)
    assert {pause.page: pause.waiting for pause in shot.pauses} == {
        page: sum(waiting.values()) if page == "*" else waiting.get(page, 0)
        for page, ends in ledger.pauses.items()
        if not ends or ends > ledger.now
    }
    stuck = [record for record in held if ledger.is_stuck(record)]
    assert shot.stuck == len(stuck)
    overdue = len(ledger.ready) if _workers_are_up(ledger) else 0
    assert (await impatient.snapshot()).stuck == len(stuck) + overdue


def _workers_are_up(ledger: Ledger) -> bool:
    return not ledger.paused and any(ledger.is_alive(name) for name in ledger.beats)


async def check_places(ledger: Ledger, inspector: Inspector) -> None:
    """A census has every job in its place, and what is accepted is either queued or a row."""
    places = await inspector.places()
    assert places.doubled == ()
    expected = {name: {(r.job.id, r.job.seq) for r in ledger.in_place(name)} for name in PLACES}
    assert set(places.ready) == expected["ready"]
    assert set(places.in_flight) == expected["in flight"] | expected["orphaned"]
    assert (set(places.retry), set(places.dead), set(places.discarded)) == (
        expected["retry"], expected["dead"], expected["discarded"],
    )  # fmt: skip
    queued = [*places.ready, *places.in_flight, *places.retry, *places.dead]
    delivered = ledger.rows.keys() - {job_id for job_id, _ in queued}
    assert places.accepted == len(queued) + len(delivered), "the accounting does not add up"
    assert {job_id for job_id, _ in places.discarded} <= delivered
    seqs = sorted([seq for _, seq in queued] + [ledger.records[job_id].job.seq for job_id in delivered])
    assert seqs == list(range(1, places.accepted + 1)), "numbers are not dense"


async def check_listings(ledger: Ledger, inspector: Inspector, page: int) -> None:
    """Every state lists its jobs, each once, page by page, with what is known of it."""
    for state, place in STATES.items():
        views = await _all_of(inspector, state, page)
        assert sorted(view.job.seq for view in views) == [r.job.seq for r in ledger.in_place(place)], state
        for view in views:
            record = ledger.records[view.job.id]
            assert (view.job, view.state) == (record.job, state)
            if state is JobState.IN_FLIGHT:
                assert (view.worker, view.deliveries, bool(view.stuck)) == (
                    record.holder, record.deliveries, ledger.is_stuck(record),
                )  # fmt: skip
    assert [view.job.id for view in await _all_of(inspector, JobState.READY, page)] == ledger.ready
    stuck = [record.job.id for record in ledger.in_stream("in flight") if ledger.is_stuck(record)]
    assert [view.job.id for view in await _all_of(inspector, JobState.STUCK, page)] == stuck


async def _all_of(inspector: Inspector, state: JobState, page: int) -> list[JobView]:
    views: list[JobView] = []
    cursor = ""
    while True:
        found = await inspector.jobs(state, cursor=cursor, limit=page)
        views += found.jobs
        cursor = found.cursor
        if not cursor:
            return views


async def check_names(ledger: Ledger, inspector: Inspector) -> None:
    """Each accepted job of a lead that is still remembered can be named by its number."""
    remembered = {
        r.job.seq: r for r in ledger.records.values() if ledger.leads[r.job.external_id] == _memory(ledger, r)
    }
    seen = await inspector.seen_of(range(1, len(ledger.records) + 1))
    assert {seq: (one.job_id, one.external_id) for seq, one in seen.items()} == {
        seq: (record.job.id, record.job.external_id) for seq, record in remembered.items()
    }


def _memory(ledger: Ledger, record: Record) -> tuple[str, int]:
    job_id, until = ledger.leads[record.job.external_id]
    return (job_id, until) if job_id == record.job.id and until > ledger.now else ("", 0)
