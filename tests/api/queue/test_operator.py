"""What an operator does by hand, and what is refused."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import msgspec
import pytest

from api.errors import PayloadError, QueueUnavailableError
from api.models import Attempt, JobState
from api.queue import Changed, Operator, Taken
from api.queue import operator as operator_module
from tests.api.queue.conftest import Queue, a_job


async def held(queue: Queue, count: int = 1, name: str = "w-1") -> list[Taken]:
    """Jobs in flight at a living worker."""
    await queue.publish(count)
    return await (await queue.consumer(name)).read(count, 0)


async def dead(queue: Queue, count: int = 1, **fields: Any) -> list[str]:
    """Ids of jobs that died at their eighth attempt."""
    await queue.publish(count, **fields)
    worker = await queue.consumer("killer")
    history = tuple(Attempt(n=n, worker="killer", started_at=float(n), error="no") for n in range(1, 9))
    taken = await worker.read(count, 0)
    await asyncio.gather(
        *(worker.bury(one, msgspec.structs.replace(one.job, attempt=8, history=history), "no") for one in taken)
    )
    return [one.job.id for one in taken]


async def states(queue: Queue) -> dict[str, int]:
    """How many jobs are where."""
    snapshot = await queue.inspector.snapshot()
    names = ("ready", "in_flight", "retry", "dead", "discarded")
    return {name: getattr(snapshot, name) for name in names if getattr(snapshot, name)}


async def test_a_dead_job_gets_a_new_budget_and_keeps_its_history(queue: Queue) -> None:
    (job_id,) = await dead(queue)
    assert await queue.operator.retry([job_id]) == Changed((job_id,))
    (taken,) = await (await queue.consumer()).read(1, 0)
    assert (taken.job.id, taken.job.attempt, len(taken.job.history), taken.job.seq) == (job_id, 0, 8, 1)
    assert taken.deliveries == 1
    assert queue.raw.hlen("{leads}:parked") == queue.raw.hlen("{leads}:notes") == 0


async def test_a_waiting_retry_comes_now_and_keeps_its_count(queue: Queue) -> None:
    worker = await queue.consumer()
    await queue.publish(1, page="7")
    (taken,) = await worker.read(1, 0)
    await worker.retry(taken, msgspec.structs.replace(taken.job, attempt=3), time.time() + 3_600, "x")
    assert (await queue.operator.retry([taken.job.id])).done == (taken.job.id,)
    (again,) = await worker.read(1, 0)
    assert again.job.attempt == 3
    assert queue.raw.hgetall("{leads}:waiting") == {}


async def test_a_job_at_a_living_worker_is_refused(queue: Queue) -> None:
    (taken,) = await held(queue)
    for verb in (queue.operator.retry, queue.operator.discard):
        changed = await verb([taken.job.id])
        assert changed == Changed((), ((taken.job.id, "is in flight at w-1, which is at work"),))
    assert (await queue.operator.edit(taken.job.id, "{}")).done == ()
    assert await states(queue) == {"in_flight": 1}


async def test_a_stuck_job_is_taken_from_its_worker_whose_late_answers_do_nothing(queue: Queue) -> None:
    one, two, three, four = await held(queue, 4)
    queue.lose("w-1")
    ids = [taken.job.id for taken in (one, two, three, four)]
    assert set((await queue.operator.retry(ids)).done) == set(ids)
    late = await queue.consumer("w-1")
    assert await late.settle([one.entry_id]) == 0
    assert not await late.retry(two, two.job, 0.0, "late")
    assert not await late.bury(three, three.job, "late")
    assert await states(queue) == {"ready": 4}
    again = await (await queue.consumer("w-2")).read(10, 0)
    assert {taken.job.id for taken in again} == set(ids)
    assert {taken.entry_id for taken in again}.isdisjoint({taken.entry_id for taken in (one, two, three, four)})
    assert {taken.deliveries for taken in again} == {1}


async def test_a_job_in_flight_too_long_can_be_retried(queue: Queue) -> None:
    one, two = await held(queue, 2)
    queue.age_hold(one.entry_id, "w-1", 61)
    changed = await queue.operator.retry([one.job.id, two.job.id])
    assert changed.done == (one.job.id,)
    assert [job_id for job_id, _ in changed.refused] == [two.job.id]
    assert await states(queue) == {"ready": 1, "in_flight": 1}


async def test_a_ready_job_keeps_its_place_in_the_line(queue: Queue) -> None:
    jobs = await queue.publish(2)
    changed = await queue.operator.retry([jobs[0].id])
    assert changed == Changed((), ((jobs[0].id, "is ready already"),))
    assert [view.job.id for view in (await queue.inspector.jobs(JobState.READY)).jobs] == [job.id for job in jobs]


async def test_unknown_and_repeated_ids(queue: Queue) -> None:
    (job_id,) = await dead(queue)
    changed = await queue.operator.retry([job_id, "NOPE", job_id])
    assert changed == Changed((job_id,), (("NOPE", "is in no place of the queue"),))
    assert await queue.operator.retry([]) == Changed()


async def test_discarding_from_every_place_and_undoing_it(queue: Queue) -> None:
    worker = await queue.consumer("w-1")
    (waiting,) = await queue.publish(1, page="7")
    (taken,) = await worker.read(1, 0)
    await worker.retry(taken, taken.job, time.time() + 3_600, "Graph 500")
    (stuck,) = await held(queue, 1, "w-2")
    queue.lose("w-2")
    (corpse,) = await dead(queue)
    (ready,) = await queue.publish()
    ids = {waiting.id, stuck.job.id, corpse, ready.id}
    assert set((await queue.operator.discard(list(ids))).done) == ids
    assert await states(queue) == {"discarded": 4}
    assert queue.raw.hgetall("{leads}:waiting") == {}
    views = {view.job.id: view for view in (await queue.inspector.jobs(JobState.DISCARDED)).jobs}
    assert views.keys() == ids
    assert views[waiting.id].error == "Graph 500"
    assert views[waiting.id].since == pytest.approx(time.time(), abs=60)
    assert [reason for _, reason in (await queue.operator.discard([corpse])).refused] == ["is discarded already"]

    assert set((await queue.operator.undo(list(ids))).done) == ids
    assert await states(queue) == {"ready": 4}
    again = {taken.job.id: taken.job for taken in await worker.read(10, 0)}
    assert again.keys() == ids
    assert again[corpse].attempt == 0
    assert len(again[corpse].history) == 8
    assert {job.seq for job in again.values()} == {1, 2, 3, 4}


@pytest.mark.parametrize("fields", [{"x": "y"}, {"j": '{"id":"OTHER","source":7}', "n": "5"}])
async def test_what_is_no_job_goes_by_the_id_that_it_is_shown_with(queue: Queue, fields: dict[str, str]) -> None:
    (job,) = await queue.publish()
    entry = queue.raw.xadd("{leads}:ready", fields)
    shown = [view.job.id for view in (await queue.inspector.jobs(JobState.READY)).jobs]
    assert shown == [job.id, entry]
    view = await queue.inspector.job(entry)
    assert view is not None
    assert (view.job.id, view.job.source) == (entry, "unreadable")
    assert (await queue.operator.discard([entry])).done == (entry,)
    assert (await queue.operator.undo([entry])).done == (entry,)
    assert await states(queue) == {"ready": 2}


async def test_a_job_does_not_go_by_its_entry_s_id(queue: Queue) -> None:
    await queue.publish()
    (view,) = (await queue.inspector.jobs(JobState.READY)).jobs
    assert await queue.inspector.job(view.entry_id) is None
    assert (await queue.operator.discard([view.entry_id])).done == ()
    assert await states(queue) == {"ready": 1}


async def test_only_discarded_jobs_can_be_undone(queue: Queue) -> None:
    (corpse,) = await dead(queue)
    assert await queue.operator.undo([corpse]) == Changed((), ((corpse, "is not discarded"),))


async def test_retrying_a_discarded_job_undoes_it(queue: Queue) -> None:
    (job,) = await queue.publish()
    await queue.operator.discard([job.id])
    assert (await queue.operator.retry([job.id])).done == (job.id,)
    assert await states(queue) == {"ready": 1}


async def test_an_edited_job_stays_where_it_is_with_its_new_payload(queue: Queue) -> None:
    (corpse,) = await dead(queue)
    assert (await queue.operator.edit(corpse, '{"leadgen_id": "2"}')).done == (corpse,)
    view = await queue.inspector.job(corpse)
    assert view is not None
    assert (view.state, view.job.payload, view.error, view.job.attempt) == (
        JobState.DEAD,
        '{"leadgen_id": "2"}',
        "no",
        8,
    )
    await queue.operator.retry([corpse])
    (taken,) = await (await queue.consumer()).read(1, 0)
    assert (taken.job.payload, taken.job.seq) == ('{"leadgen_id": "2"}', 1)


async def test_an_edited_ready_job_goes_to_the_end_of_the_line(queue: Queue) -> None:
    jobs = await queue.publish(3)
    assert (await queue.operator.edit(jobs[0].id, "[]")).done == (jobs[0].id,)
    taken = await (await queue.consumer()).read(10, 0)
    assert [one.job.id for one in taken] == [jobs[1].id, jobs[2].id, jobs[0].id]
    assert (taken[2].job.payload, taken[2].job.seq) == ("[]", 1)


async def test_a_job_born_dead_can_be_edited_and_retried(queue: Queue) -> None:
    bad = a_job(payload='{"leadgen_id":null}')
    await queue.publisher.publish([], [(bad, "leadgen_id is null")])
    await queue.operator.edit(bad.id, '{"leadgen_id":"1"}')
    await queue.operator.retry([bad.id])
    (taken,) = await (await queue.consumer()).read(1, 0)
    assert taken.job == msgspec.structs.replace(bad, payload='{"leadgen_id":"1"}', seq=1)


@pytest.mark.parametrize(
    "payload", ["", "{", "{'a': 1}", '{"a":1} x', "\ud800", '"' + "x" * 4_000_000 + '"', "[" * 5_000]
)
async def test_a_payload_that_is_no_json_is_refused(queue: Queue, payload: str) -> None:
    (corpse,) = await dead(queue)
    with pytest.raises(PayloadError, match="payload"):
        await queue.operator.edit(corpse, payload)


async def test_two_operators_move_each_job_once(queue: Queue) -> None:
    ids = await dead(queue, 300)
    other = Operator(queue.url)
    results = await asyncio.gather(
        queue.operator.retry(ids), other.retry(ids[::-1]), other.discard(ids), queue.operator.retry(ids)
    )
    await other.close()
    where = await states(queue)
    assert where.get("ready", 0) + where.get("discarded", 0) == 300
    assert sum(len(result.done) for result in results) >= 300
    places = await queue.inspector.places()
    assert not places.doubled
    assert sorted(seq for _, seq in (*places.ready, *places.discarded)) == list(range(1, 301))


async def test_all_that_match_are_retried_and_nothing_else(queue: Queue) -> None:
    seven = await dead(queue, 700, page="7")
    eight = await dead(queue, 20, page="8")
    reports: list[tuple[int, int]] = []
    changed = await queue.operator.retry_matching(JobState.DEAD, "page:7", lambda *report: reports.append(report))
    assert sorted(changed.done) == sorted(seven)
    assert reports[-1] == (700, 720)
    assert [done for done, _ in reports] == sorted(done for done, _ in reports)
    left = (await queue.inspector.jobs(JobState.DEAD)).jobs
    assert sorted(view.job.id for view in left) == sorted(eight)


async def test_retrying_all_meets_each_job_once_though_they_fail_again_at_once(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operator_module, "PAGE", 20)
    await queue.publish(200)
    worker = await queue.consumer()
    await asyncio.gather(
        *(worker.retry(taken, taken.job, time.time() + 1_000, "x") for taken in await worker.read(200, 0))
    )

    def fail_again(done: int, scanned: int) -> None:
        again.append(asyncio.create_task(fail_all()))

    async def fail_all() -> None:
        taken = await worker.read(1_000, 0)
        await asyncio.gather(*(worker.retry(one, one.job, time.time() + 2_000, "again") for one in taken))

    again: list[asyncio.Task[None]] = []
    changed = await queue.operator.retry_matching(JobState.RETRY, "", fail_again)
    await asyncio.gather(*again)
    assert len(changed.done) == len(set(changed.done)) == 200


async def test_all_stuck_are_retried(queue: Queue) -> None:
    taken = await held(queue, 5)
    other = await held(queue, 5, "w-2")
    queue.lose("w-1")
    changed = await queue.operator.retry_matching(JobState.STUCK)
    assert sorted(changed.done) == sorted(one.job.id for one in taken)
    assert await states(queue) == {"ready": 5, "in_flight": len(other)}


async def test_all_discarded_are_undone(queue: Queue) -> None:
    jobs = await queue.publish(10)
    await queue.operator.discard([job.id for job in jobs])
    assert len((await queue.operator.retry_matching(JobState.DISCARDED)).done) == 10


async def test_many_and_large_jobs_move_in_portions(queue: Queue) -> None:
    jobs = await queue.publish(8, payload='"' + "x" * 1_500_000 + '"')
    assert len((await queue.operator.discard([job.id for job in jobs])).done) == 8
    assert len((await queue.operator.undo([job.id for job in jobs])).done) == 8


async def test_everything_says_so_when_redis_is_away(own_queue: Queue) -> None:
    own_queue.raw.shutdown(nosave=True)
    for call in (
        own_queue.operator.retry(["x"]),
        own_queue.operator.discard(["x"]),
        own_queue.operator.undo(["x"]),
        own_queue.operator.edit("x", "{}"),
        own_queue.operator.retry_matching(JobState.DEAD),
        own_queue.operator.pause(),
        own_queue.operator.resume(),
        own_queue.operator.clear_pause("x"),
        own_queue.operator.clear_warning("x"),
    ):
        with pytest.raises(QueueUnavailableError):
            await call
