"""What happens to jobs whose worker died, hung, was deleted, or never heard the answer."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest

from api.errors import QueueUnavailableError
from api.queue import Consumer
from api.queue import consumer as consumer_module
from api.queue.link import Link
from tests.api.queue.conftest import Queue, a_job


async def restarted(queue: Queue, name: str = "w-1", **options: Any) -> Consumer:
    """A consumer of the same name in a new process."""
    return await queue.consumer(name, **options)


async def test_a_restarted_worker_gets_its_own_jobs_first(queue: Queue) -> None:
    jobs = await queue.publish(10)
    held = await (await queue.consumer()).read(4, 0)
    again = await restarted(queue)
    first = await again.read(100, 0)
    assert [(taken.job.id, taken.deliveries) for taken in first] == [(taken.job.id, 2) for taken in held]
    assert [taken.job.id for taken in await again.read(100, 0)] == [job.id for job in jobs[4:]]


async def test_many_own_jobs_come_in_portions_each_once(queue: Queue) -> None:
    await queue.publish(1_500)
    assert len(await (await queue.consumer()).read(2_000, 0)) == 1_500
    again = await restarted(queue)
    got = [taken for _ in range(8) for taken in await again.read(200, 0)]
    assert [taken.job.seq for taken in got] == list(range(1, 1_501))


async def test_a_job_that_kills_its_worker_is_found(queue: Queue) -> None:
    await queue.publish(3)
    deliveries: dict[int, int] = {}
    for _ in range(8):
        worker = await restarted(queue)
        while taken := await worker.read(10, 0):
            deliveries |= {one.job.seq: one.deliveries for one in taken}
            if any(one.job.seq == 2 for one in taken):
                break  # killed by it, with all that it held
            await worker.settle([one.entry_id for one in taken])
    # From its fifth time on it came alone, so that only its own number grew.
    assert deliveries == {1: 5, 2: 8, 3: 4}
    assert (await queue.inspector.snapshot()).in_flight == 2


async def test_after_crashes_of_the_machine_jobs_come_in_smaller_portions_not_one_by_one(queue: Queue) -> None:
    await queue.publish(230)
    portions = []
    for _ in range(5):
        worker = await restarted(queue)
        got = []
        while taken := await worker.read(1_000, 0):
            got.append(len(taken))
        portions.append(got)
    assert portions == [[230], [230], [100, 100, 30], [10] * 23, [1] * 230]


async def test_jobs_of_a_gone_worker_are_taken_over(queue: Queue) -> None:
    one, two = await queue.consumer("w-1"), await queue.consumer("w-2")
    await queue.publish(3)
    held = await one.read(3, 0)
    assert await two.reclaim(10) == []
    queue.lose("w-1")
    taken = await two.reclaim(10)
    assert [(each.entry_id, each.deliveries) for each in taken] == [(each.entry_id, 2) for each in held]
    assert await two.settle([each.entry_id for each in taken]) == 3


async def test_a_worker_that_never_beat_is_gone(queue: Queue) -> None:
    await queue.publish()
    await (await queue.consumer("w-1")).read(1, 0)
    queue.raw.hdel("{leads}:beats", "w-1")
    assert len(await (await queue.consumer("w-2")).reclaim(10)) == 1


async def test_when_redis_itself_stood_still_nobody_is_gone(queue: Queue) -> None:
    one, two = await queue.consumer("w-1"), await queue.consumer("w-2")
    await queue.publish()
    await one.read(1, 0)
    queue.lose("w-1", 10)
    queue.lose("w-2", 10)
    assert await two.reclaim(10) == []


async def test_after_late_heartbeats_of_its_own_a_worker_gives_the_others_time(
    queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1_000.0
    monkeypatch.setattr(consumer_module, "time", SimpleNamespace(monotonic=lambda: now, time=time.time))
    one, two = await queue.consumer("w-1"), await queue.consumer("w-2", gone_after=30.0)
    await queue.publish()
    (held,) = await one.read(1, 0)
    now += 16.0
    await two.beat()
    queue.lose("w-1", 60)
    for _ in range(2):
        assert await two.reclaim(10) == []
        now += 14.5
        await two.beat()
    assert await two.reclaim(10) == []
    now += 1.0
    assert [each.entry_id for each in await two.reclaim(10)] == [held.entry_id]


async def test_jobs_past_the_visibility_timeout_are_taken_over_from_the_living(queue: Queue) -> None:
    one, two = await queue.consumer("w-1"), await queue.consumer("w-2", visibility_timeout=30)
    await queue.publish(3)
    held = await one.read(3, 0)
    queue.age_hold(held[1].entry_id, "w-1", 31)
    assert [taken.entry_id for taken in await two.reclaim(10)] == [held[1].entry_id]


async def test_a_worker_that_lost_track_of_a_job_takes_it_up_again(queue: Queue) -> None:
    worker = await queue.consumer(visibility_timeout=30)
    await queue.publish()
    (held,) = await worker.read(1, 0)
    assert await worker.reclaim(10) == []
    queue.age_hold(held.entry_id, "w-1", 31)
    assert [taken.entry_id for taken in await worker.reclaim(10)] == [held.entry_id]


async def test_extending_keeps_a_job(queue: Queue) -> None:
    one, two = await queue.consumer("w-1"), await queue.consumer("w-2", visibility_timeout=30)
    await queue.publish(2)
    held = await one.read(2, 0)
    for taken in held:
        queue.age_hold(taken.entry_id, "w-1", 31)
    assert await one.extend([held[0].entry_id]) == 1
    assert await two.extend([held[1].entry_id]) == 0
    assert await one.extend([]) == 0
    assert [taken.entry_id for taken in await two.reclaim(10)] == [held[1].entry_id]
    again = await restarted(queue)
    assert [taken.deliveries for taken in await again.read(10, 0)] == [2]


async def test_nothing_is_taken_over_while_the_queue_is_paused(queue: Queue) -> None:
    one, two = await queue.consumer("w-1"), await queue.consumer("w-2")
    await queue.publish()
    await one.read(1, 0)
    queue.lose("w-1")
    await queue.operator.pause()
    assert await two.reclaim(10) == []
    await queue.operator.resume()
    assert len(await two.reclaim(10)) == 1


async def test_a_suspect_comes_by_itself_also_among_jobs_of_several_gone_workers(queue: Queue) -> None:
    one, two, three = [await queue.consumer(name) for name in ("a-1", "b-2", "c-3")]
    await queue.publish(4)
    (suspect,) = await one.read(1, 0)
    await two.read(3, 0)
    queue.raw.xclaim("{leads}:ready", "workers", "a-1", 0, [suspect.entry_id], retrycount=2)
    queue.lose("a-1")
    queue.lose("b-2")
    first, second = await three.reclaim(10), await three.reclaim(10)
    assert [(taken.job.seq, taken.deliveries) for taken in first] == [(1, 3)]
    assert [(taken.job.seq, taken.deliveries) for taken in second] == [(2, 2), (3, 2), (4, 2)]


async def test_reclaiming_stops_at_the_count(queue: Queue) -> None:
    one, two = await queue.consumer("w-1"), await queue.consumer("w-2")
    await queue.publish(5)
    await one.read(5, 0)
    queue.lose("w-1")
    assert [len(await two.reclaim(2)) for _ in range(4)] == [2, 2, 1, 0]


async def test_two_workers_never_take_over_the_same_job(queue: Queue) -> None:
    one, two, three = [await queue.consumer(f"w-{n}") for n in (1, 2, 3)]
    await queue.publish(300)
    await one.read(300, 0)
    queue.lose("w-1")
    results = await asyncio.gather(*(worker.reclaim(20) for _ in range(10) for worker in (two, three)))
    entries = [taken.entry_id for result in results for taken in result]
    assert len(entries) == len(set(entries)) == 300


async def test_jobs_of_a_consumer_deleted_by_hand_come_back(queue: Queue) -> None:
    one, two = await queue.consumer("w-1"), await queue.consumer("w-2")
    jobs = await queue.publish(3)
    await one.read(2, 0)
    queue.raw.xgroup_delconsumer("{leads}:ready", "workers", "w-1")
    assert await two.reclaim(10) == []
    got = await two.read(10, 0)
    assert sorted(taken.job.id for taken in got) == sorted(job.id for job in jobs)
    assert sorted(taken.job.seq for taken in got) == [1, 2, 3]


async def test_an_answer_that_got_lost_is_made_up_for(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = await queue.consumer()
    jobs = await queue.publish(4)
    (held,) = await worker.read(1, 0)
    run = Link.run

    async def lose_answer(link: Link, name: str, *args: Any, **more: Any) -> Any:
        answer = await run(link, name, *args, **more)
        if name == "take":
            raise QueueUnavailableError("lost")
        return answer

    monkeypatch.setattr(Link, "run", lose_answer)
    with pytest.raises(QueueUnavailableError):
        await worker.read(2, 0)
    monkeypatch.setattr(Link, "run", run)
    assert [taken.job.id for taken in await worker.read(10, 0)] == [job.id for job in jobs[1:3]]
    assert [taken.job.id for taken in await worker.read(10, 0)] == [jobs[3].id]
    assert await worker.settle([held.entry_id]) == 1


async def test_stream_and_group_are_made_again_after_a_flush(queue: Queue) -> None:
    worker = await queue.consumer()
    queue.raw.flushall()
    assert await worker.read(1, 0) == []
    queue.raw.flushall()
    await queue.publish()
    assert await worker.reclaim(10) == []
    assert len(await worker.read(1, 0)) == 1


async def test_a_group_lost_alone_starts_from_the_first_entry(queue: Queue) -> None:
    worker = await queue.consumer()
    await queue.publish(3)
    await worker.read(2, 0)
    queue.raw.xgroup_destroy("{leads}:ready", "workers")
    assert len(await worker.read(10, 0)) == 3


async def test_consumers_long_gone_are_forgotten_unless_they_hold_something(queue: Queue) -> None:
    worker = await queue.consumer("w-1")
    idle, holding, living = [await queue.consumer(name) for name in ("idle", "holding", "living")]
    await queue.publish(4)
    (taken,) = await idle.read(1, 0)
    await idle.settle([taken.entry_id])
    await holding.read(1, 0)
    (taken,) = await living.read(1, 0)
    await living.settle([taken.entry_id])
    queue.lose("idle", 7_200)
    queue.lose("holding", 7_200)
    queue.lose("never-read", 7_200)
    await asyncio.sleep(0.01)
    assert await worker.reap(0.005) in (1, 2)
    names = {info["name"] for info in queue.raw.xinfo_consumers("{leads}:ready", "workers")}
    assert "holding" in names
    assert "idle" not in names
    assert "never-read" not in queue.raw.hkeys("{leads}:beats")


async def test_a_leaving_worker_is_forgotten_at_once_unless_it_holds_something(queue: Queue) -> None:
    await queue.publish(2)
    done, holding = await queue.consumer("done"), await queue.consumer("holding")
    (taken,) = await done.read(1, 0)
    await done.settle([taken.entry_id])
    await holding.read(1, 0)
    await done.close()
    await holding.close()
    (worker,) = (await queue.inspector.snapshot()).workers
    assert (worker.name, worker.alive, worker.in_flight) == ("holding", False, 1)
    assert len(await (await queue.consumer("next")).reclaim(10)) == 1


async def test_scripts_may_be_forgotten_by_the_server(queue: Queue) -> None:
    worker = await queue.consumer()
    await queue.publish()
    for step in (worker.beat(), worker.read(1, 0), worker.reclaim(1), queue.inspector.snapshot(), worker.promote_due()):
        queue.raw.script_flush()
        await step


async def test_a_worker_survives_kill_9_of_redis(own_server: Any, own_queue: Queue) -> None:
    worker = await own_queue.consumer()
    await own_queue.publish(20)
    held = await worker.read(5, 0)
    assert await worker.retry(held[0], held[0].job, 0.0, "x")
    assert await worker.bury(held[1], held[1].job, "x")
    assert await worker.settle([held[2].entry_id]) == 1
    await asyncio.to_thread(own_server.kill)
    with pytest.raises(QueueUnavailableError):
        await worker.beat()
    await asyncio.to_thread(own_server.start)
    snapshot = await own_queue.inspector.snapshot()
    assert (snapshot.ready, snapshot.in_flight, snapshot.retry, snapshot.dead) == (15, 2, 1, 1)
    assert await worker.settle([held[3].entry_id]) == 1
    assert await worker.promote_due() == 1
    again = await restarted(own_queue)
    assert [taken.entry_id for taken in await again.read(10, 0)] == [held[4].entry_id]
    await own_queue.publisher.publish([a_job()])
