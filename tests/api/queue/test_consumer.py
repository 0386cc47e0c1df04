"""Taking jobs and ending them: order, pauses, retries, deaths, and whose job it is."""

from __future__ import annotations

import asyncio
import time

import msgspec
import pytest

from api.errors import QueueUnavailableError
from api.models import Attempt, JobState, PagePause
from api.queue import consumer as consumer_module
from tests.api.queue.conftest import Queue, a_job


async def test_jobs_are_taken_in_order_each_once(queue: Queue) -> None:
    jobs = await queue.publish(100)
    one, two = await queue.consumer("w-1"), await queue.consumer("w-2")
    first, second = await one.read(60, 0), await two.read(60, 0)
    assert [taken.job.id for taken in (*first, *second)] == [job.id for job in jobs]
    assert [taken.job.seq for taken in (*first, *second)] == list(range(1, 101))
    assert {taken.deliveries for taken in first} == {1}
    assert await one.read(60, 0) == []


async def test_a_waiting_read_gets_what_is_published(queue: Queue) -> None:
    consumer = await queue.consumer()
    reading = asyncio.create_task(consumer.read(10, 60))
    await asyncio.sleep(0.05)
    (job,) = await queue.publish()
    async with asyncio.timeout(30):
        (taken,) = await reading
    assert taken.job.id == job.id


async def test_a_read_of_nothing_takes_nothing(queue: Queue) -> None:
    consumer = await queue.consumer()
    await queue.publish()
    assert await consumer.read(0, 60) == []
    assert (await queue.inspector.snapshot()).ready == 1


async def test_a_waiting_read_ends_empty_in_time(queue: Queue) -> None:
    consumer = await queue.consumer()
    async with asyncio.timeout(30):
        assert await consumer.read(10, 0.05) == []


async def test_a_cancelled_read_loses_nothing(queue: Queue) -> None:
    consumer = await queue.consumer()
    for _ in range(20):
        reading = asyncio.create_task(consumer.read(10, 60))
        await asyncio.sleep(0.002)
        publishing = asyncio.create_task(queue.publish())
        await asyncio.sleep(0.001)
        reading.cancel()
        await asyncio.gather(reading, publishing, return_exceptions=True)
        got = [] if reading.cancelled() else reading.result()
        async with asyncio.timeout(30):
            got += [] if got else await consumer.read(10, 20)
        assert len(got) == 1
        await consumer.settle([got[0].entry_id])


async def test_a_paused_queue_hands_nothing_out(queue: Queue) -> None:
    consumer = await queue.consumer()
    await queue.publish()
    await queue.operator.pause()
    assert await consumer.paused()
    assert await consumer.read(10, 0.01) == []
    reading = asyncio.create_task(consumer.read(10, 60))
    await asyncio.sleep(0.05)
    assert not reading.done()
    await queue.operator.resume()
    async with asyncio.timeout(30):
        assert len(await reading) == 1
    assert not await consumer.paused()


async def test_settled_jobs_are_gone_and_settling_again_does_nothing(queue: Queue) -> None:
    consumer = await queue.consumer()
    await queue.publish(2_500)
    taken = await consumer.read(3_000, 0)
    ids = [one.entry_id for one in taken]
    assert await consumer.settle(ids) == 2_500
    assert await consumer.settle(ids[:3]) == 0
    assert await consumer.settle([]) == 0
    snapshot = await queue.inspector.snapshot()
    assert (snapshot.ready, snapshot.in_flight, snapshot.accepted) == (0, 0, 2_500)


async def test_large_jobs_come_a_few_at_a_time(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer_module, "TAKE_BYTES", 100_000)
    consumer = await queue.consumer()
    await queue.publish(200, payload='"' + "x" * 10_000 + '"')
    got = []
    while taken := await consumer.read(200, 0):
        assert len(taken) < 100
        got += taken
    assert [taken.job.seq for taken in got] == list(range(1, 201))


async def test_a_retry_comes_back_when_it_is_due_with_its_history(queue: Queue) -> None:
    consumer = await queue.consumer()
    await queue.publish()
    (taken,) = await consumer.read(1, 0)
    attempt = Attempt(n=1, worker="w-1", started_at=1.5, took_s=0.25, error="Graph 500")
    job = msgspec.structs.replace(taken.job, attempt=1, history=(attempt,))
    assert await consumer.retry(taken, job, time.time() + 3_600, "Graph 500")
    assert await consumer.promote_due() == 0
    (view,) = (await queue.inspector.jobs(JobState.RETRY)).jobs
    assert (view.job, view.error, view.worker) == (job, "Graph 500", "w-1")
    assert view.due_at == pytest.approx(time.time() + 3_600, abs=60)
    assert view.since == pytest.approx(time.time(), abs=60)

    queue.raw.zadd("{leads}:retry", {job.id: 1})
    assert await consumer.promote_due() == 1
    (again,) = await consumer.read(1, 0)
    assert (again.job, again.deliveries) == (job, 1)
    assert queue.raw.hlen("{leads}:parked") == queue.raw.hlen("{leads}:notes") == 0


async def test_due_retries_are_promoted_in_portions_the_longest_due_first(queue: Queue) -> None:
    consumer = await queue.consumer()
    await queue.publish(5)
    for due, taken in enumerate(await consumer.read(5, 0)):
        await consumer.retry(taken, taken.job, 100.0 - due, "x")
    assert [await consumer.promote_due(2) for _ in range(4)] == [2, 2, 1, 0]
    assert [taken.job.seq for taken in await consumer.read(5, 0)] == [5, 4, 3, 2, 1]


async def test_a_deferred_job_waits_for_its_page(queue: Queue) -> None:
    consumer = await queue.consumer()
    await queue.publish(3, page="1029")
    await queue.publish(1, page="7")
    for taken in await consumer.read(4, 0):
        assert await consumer.defer(taken, taken.job, time.time() + 60, "page 1029 waits")
    await consumer.set_pause(PagePause("1029", "limit", time.time() + 60, "80004: too many calls"))
    await consumer.set_pause(PagePause("*", "token", 0.0, "190: token expired"))
    pauses = {pause.page: pause for pause in (await queue.inspector.snapshot()).pauses}
    assert (pauses["1029"].waiting, pauses["*"].waiting) == (3, 4)
    assert pauses["*"].until == 0.0
    (view, *_) = (await queue.inspector.jobs(JobState.RETRY)).jobs
    assert view.error == "page 1029 waits"

    await queue.operator.retry([view.job.id])
    queue.raw.zadd(
        "{leads}:retry", {job.id: 1 for job in [v.job for v in (await queue.inspector.jobs(JobState.RETRY)).jobs]}
    )
    assert await consumer.promote_due() == 3
    assert queue.raw.hgetall("{leads}:waiting") == {}


async def test_a_buried_job_is_dead_with_its_error(queue: Queue) -> None:
    consumer = await queue.consumer()
    (job,) = await queue.publish()
    (taken,) = await consumer.read(1, 0)
    assert await consumer.bury(taken, msgspec.structs.replace(taken.job, attempt=8), "e" * 5_000)
    (view,) = (await queue.inspector.jobs(JobState.DEAD)).jobs
    assert (view.job.id, view.job.attempt, view.job.seq, view.worker) == (job.id, 8, 1, "w-1")
    assert len(view.error) == 500
    assert view.due_at == 0.0


@pytest.mark.parametrize("move", ["retry", "defer", "bury"])
async def test_only_the_holder_moves_a_job(queue: Queue, move: str) -> None:
    one, two = await queue.consumer("w-1", gone_after=60), await queue.consumer("w-2", visibility_timeout=1.0)
    await queue.publish()
    (taken,) = await one.read(1, 0)
    queue.age_hold(taken.entry_id, "w-1", 2.0)
    (reclaimed,) = await two.reclaim(10)
    args = () if move == "bury" else (time.time(),)
    assert not await getattr(one, move)(taken, taken.job, *args, "late")
    snapshot = await queue.inspector.snapshot()
    assert (snapshot.in_flight, snapshot.retry, snapshot.dead) == (1, 0, 0)
    assert await getattr(two, move)(reclaimed, reclaimed.job, *args, "mine")
    assert not await getattr(two, move)(reclaimed, reclaimed.job, *args, "twice")
    snapshot = await queue.inspector.snapshot()
    assert (snapshot.in_flight, snapshot.retry + snapshot.dead) == (0, 1)


async def test_moves_awaited_together_share_round_trips(queue: Queue) -> None:
    worker, other = await queue.consumer(), await queue.consumer("w-2")
    await queue.publish(300)
    taken = await worker.read(300, 0)
    lost = taken[7]
    queue.raw.xclaim("{leads}:ready", "workers", "w-2", 0, [lost.entry_id])
    before = queue.calls()
    moved = await asyncio.gather(
        *(
            worker.retry(one, one.job, 0.0, "x") if n % 2 else worker.bury(one, one.job, "x")
            for n, one in enumerate(taken)
        )
    )
    assert queue.calls() - before <= 3  # one more where the server does not know the script yet
    assert [n for n, one in enumerate(moved) if not one] == [7]
    snapshot = await queue.inspector.snapshot()
    assert (snapshot.retry, snapshot.dead, snapshot.in_flight) == (149, 150, 1)
    assert await other.settle([lost.entry_id]) == 1


async def test_what_is_done_is_done_whoever_holds_it(queue: Queue) -> None:
    one, two = await queue.consumer("w-1"), await queue.consumer("w-2", visibility_timeout=1.0)
    await queue.publish()
    (taken,) = await one.read(1, 0)
    queue.age_hold(taken.entry_id, "w-1", 2.0)
    (reclaimed,) = await two.reclaim(10)
    assert await one.settle([taken.entry_id]) == 1
    assert await two.settle([reclaimed.entry_id]) == 0


async def test_an_entry_that_is_no_job_can_be_buried(queue: Queue) -> None:
    consumer = await queue.consumer()
    queue.raw.xadd("{leads}:ready", {"j": '{"id": [1], \x00', "n": "zero"})
    queue.raw.xadd("{leads}:ready", {"something": "else"})
    await queue.publish()
    first, second, third = await consumer.read(10, 0)
    assert (first.job.source, second.job.source, third.job.source) == ("unreadable", "unreadable", "meta")
    assert first.job.id == first.entry_id
    assert await consumer.bury(first, first.job, "unreadable entry")
    views = (await queue.inspector.jobs(JobState.DEAD)).jobs
    assert [view.job.payload for view in views] == [first.job.payload]


async def test_pauses_are_replaced_lifted_and_run_out(queue: Queue) -> None:
    consumer = await queue.consumer()
    await consumer.set_pause(PagePause("7", "limit", time.time() + 60, "first"))
    later = PagePause("7", "limit", round(time.time()) + 120.0, "second")
    await consumer.set_pause(later)
    await consumer.set_pause(PagePause("8", "limit", time.time() - 1, "over"))
    assert await consumer.pauses() == (later,)
    assert [pause.page for pause in (await queue.inspector.snapshot()).pauses] == ["7"]
    await consumer.reap()
    assert queue.raw.hkeys("{leads}:pauses") == ["7"]
    assert await consumer.clear_pause("7")
    assert not await queue.operator.clear_pause("7")
    assert await consumer.pauses() == ()


async def test_warnings_count_up_and_are_bounded(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer_module, "WARNINGS_KEPT", 3)
    consumer = await queue.consumer()
    await consumer.warn("page:7", 'no "Include Values"\n\x1b[31m ü \ud83d\ude00')
    await consumer.warn("page:7", "x" * 5_000)
    (notice,) = (await queue.inspector.snapshot()).notices
    assert (notice.key, notice.count, len(notice.text)) == ("page:7", 2, 500)
    assert notice.first_at <= notice.last_at
    for n in range(5):
        await consumer.warn(f"k{n}", "text")
    keys = {notice.key for notice in (await queue.inspector.snapshot()).notices}
    assert len(keys) == 3
    assert "k4" in keys
    assert await consumer.clear_warning("k4")
    assert not await queue.operator.clear_warning("k4")


async def test_old_discarded_jobs_are_purged(queue: Queue) -> None:
    consumer = await queue.consumer()
    jobs = await queue.publish(5)
    await queue.operator.discard([job.id for job in jobs])
    queue.raw.zadd("{leads}:discarded", {job.id: 1_000 for job in jobs[:3]})
    assert await consumer.purge_discarded(86_400, limit=2) == 2
    assert await consumer.purge_discarded(86_400) == 1
    assert (await queue.inspector.snapshot()).discarded == 2
    assert queue.raw.hlen("{leads}:parked") == queue.raw.hlen("{leads}:notes") == 2


async def test_everything_says_so_when_redis_is_away(own_queue: Queue) -> None:
    consumer = await own_queue.consumer(timeout_s=0.5)
    await own_queue.publish()
    (taken,) = await consumer.read(1, 0)
    own_queue.raw.shutdown(nosave=True)
    for call in (
        consumer.beat(),
        consumer.read(1, 0),
        consumer.read(1, 60),
        consumer.settle([taken.entry_id]),
        consumer.retry(taken, a_job(), 0.0, "x"),
        consumer.reclaim(1),
        consumer.pauses(),
    ):
        with pytest.raises(QueueUnavailableError):
            await call
