"""The accounting's half in Redis: every accepted job in exactly one place, also while everything moves."""

from __future__ import annotations

import asyncio
import itertools
import random
from typing import Any

import pytest

from api.errors import QueueUnavailableError
from api.models import JobState
from api.queue import Consumer, Places, census
from api.queue.codec import encode_job
from api.queue.link import Link
from tests.api.queue.conftest import Queue, a_job

COUNTED = ("ready", "in_flight", "retry", "dead")


def seqs(places: Places, *names: str) -> list[int]:
    """The sorted seqs of some places, all that count by default."""
    return sorted(seq for name in names or COUNTED for _, seq in getattr(places, name))


@pytest.fixture(params=["at once", "walking"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """A queue small enough to be counted in one script, or one that is walked in short stretches."""
    if request.param == "walking":
        monkeypatch.setattr(census, "SMALL", -1)
        monkeypatch.setattr(census, "STRETCH", 7)
    return str(request.param)


async def test_an_empty_queue(queue: Queue, way: str) -> None:
    assert await queue.inspector.places() == Places(0)


async def test_every_job_is_in_its_place(queue: Queue, way: str) -> None:
    worker = await queue.consumer()
    jobs = await queue.publish(60)
    await queue.publisher.publish([], [(a_job(), "bad")])
    taken = await worker.read(50, 0)
    await worker.settle([one.entry_id for one in taken[:10]])
    for one in taken[10:20]:
        await worker.retry(one, one.job, 0.0, "x")
    for one in taken[20:30]:
        await worker.bury(one, one.job, "x")
    await queue.operator.discard([job.id for job in jobs[25:30]])
    places = await queue.inspector.places()
    assert places.accepted == 61
    assert seqs(places, "in_flight") == list(range(31, 51))
    assert seqs(places, "ready") == list(range(51, 61))
    assert seqs(places, "retry") == list(range(11, 21))
    assert seqs(places, "dead") == [*range(21, 26), 61]
    assert seqs(places, "discarded") == list(range(26, 31))
    ids = {job.id: n for n, job in enumerate(jobs, start=1)}
    assert all(
        ids[job_id] == seq
        for name in ("ready", "in_flight", "retry", "discarded")
        for job_id, seq in getattr(places, name)
    )
    assert places.doubled == ()


async def test_a_job_in_two_places_is_named(queue: Queue, way: str) -> None:
    (corpse,) = [a_job()]
    await queue.publisher.publish([a_job()], [(corpse, "bad")])
    (twice,) = await queue.publish()
    queue.raw.xadd("{leads}:ready", {"j": encode_job(corpse), "n": 2})
    queue.raw.xadd("{leads}:ready", {"j": encode_job(twice), "n": 3})
    assert set((await queue.inspector.places()).doubled) == {corpse.id, twice.id}


async def test_what_is_accepted_during_the_count_is_left_out(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(census, "SMALL", -1)
    await queue.publish(5)
    run = Link.run

    async def publish_meanwhile(link: Link, name: str, *args: Any, **more: Any) -> Any:
        if name == "census_stream":
            await queue.publish(3)
        return await run(link, name, *args, **more)

    monkeypatch.setattr(Link, "run", publish_meanwhile)
    places = await queue.inspector.places()
    assert (places.accepted, seqs(places)) == (5, [1, 2, 3, 4, 5])


@pytest.mark.parametrize("seed", range(4))
async def test_a_walk_misses_nothing_while_jobs_hop_behind_its_back(
    queue: Queue, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Before each script of the walk, jobs are moved at random; every count must be complete all the same."""
    monkeypatch.setattr(census, "SMALL", -1)
    monkeypatch.setattr(census, "STRETCH", 5)
    chance = random.Random(seed)
    workers = [await queue.consumer(f"w-{n}") for n in range(2)]
    settled: set[int] = set()
    run = Link.run
    busy = False

    async def hop_before(link: Link, name: str, *args: Any, **more: Any) -> Any:
        nonlocal busy
        if name.startswith("census") and not busy:
            busy = True
            for _ in range(3):
                await hop(queue, chance, workers, settled)
            busy = False
        return await run(link, name, *args, **more)

    await queue.publish(40)
    monkeypatch.setattr(Link, "run", hop_before)
    for _ in range(12):
        await queue.publish(3)
        places = await queue.inspector.places()
        assert places.doubled == ()
        counted = seqs(places, *COUNTED, "discarded")
        assert len(counted) == len(set(counted))
        assert set(range(1, places.accepted + 1)) - set(counted) <= settled


async def hop(queue: Queue, chance: random.Random, workers: list[Consumer], settled: set[int]) -> None:
    """Some jobs go somewhere else, as they may at any time."""
    worker = chance.choice(workers)
    what = chance.choice(["settle", "retry", "bury", "promote", "revive", "discard", "undo"])
    if what in ("settle", "retry", "bury"):
        taken = await worker.read(chance.randint(1, 6), 0)
        if what == "settle":
            settled.update(one.job.seq for one in taken[:2])
            await worker.settle([one.entry_id for one in taken[:2]])
            taken = taken[2:]
        for one in taken:
            await (worker.retry(one, one.job, 0.0, "x") if what == "retry" else worker.bury(one, one.job, "x"))
    elif what == "promote":
        await worker.promote_due(chance.randint(1, 10))
    else:
        state = {"revive": JobState.DEAD, "discard": JobState.READY, "undo": JobState.DISCARDED}[what]
        views = (await queue.inspector.jobs(state, limit=20)).jobs
        ids = [view.job.id for view in chance.sample(views, min(len(views), chance.randint(0, 6)))]
        verb = {"revive": queue.operator.retry, "discard": queue.operator.discard, "undo": queue.operator.undo}[what]
        await verb(ids)


async def test_a_log_of_moves_that_lost_some_is_not_relied_on(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(census, "SMALL", -1)
    worker = await queue.consumer()
    await queue.publish(10)
    run = Link.run
    trims = itertools.count()

    async def trim(link: Link, name: str, *args: Any, **more: Any) -> Any:
        if name == "census_end" and next(trims) < limit:
            for taken in await worker.read(1, 0):
                await worker.retry(taken, taken.job, 0.0, "x")
            queue.raw.xtrim("{leads}:moves", maxlen=0)
        return await run(link, name, *args, **more)

    monkeypatch.setattr(Link, "run", trim)
    limit = 2
    assert seqs(await queue.inspector.places()) == list(range(1, 11))
    limit = 1_000
    with pytest.raises(QueueUnavailableError, match="faster than they can be counted"):
        await queue.inspector.places()


async def test_under_load_every_count_is_complete(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    """Publishers and workers at full speed, in other tasks, while everything is counted again and again."""
    monkeypatch.setattr(census, "SMALL", 200)
    monkeypatch.setattr(census, "STRETCH", 100)
    settled: set[int] = set()
    stopping = asyncio.Event()

    async def publish() -> None:
        while not stopping.is_set():
            await queue.publish(10)
            await asyncio.sleep(0)

    async def work(worker: Consumer) -> None:
        while not stopping.is_set():
            taken = await worker.read(50, 0.01)
            await asyncio.gather(*(worker.retry(one, one.job, 0.0, "x") for one in taken[:10]))
            await asyncio.gather(*(worker.bury(one, one.job, "x") for one in taken[10:13]))
            settled.update(one.job.seq for one in taken[13:])
            await worker.settle([one.entry_id for one in taken[13:]])
            await worker.promote_due(20)

    workers = [await queue.consumer(f"w-{n}") for n in range(3)]
    tasks = [asyncio.create_task(publish()), *(asyncio.create_task(work(worker)) for worker in workers)]
    try:
        for _ in range(25):
            places = await queue.inspector.places()
            assert places.doubled == ()
            counted = seqs(places)
            assert len(counted) == len(set(counted))
            assert set(range(1, places.accepted + 1)) - set(counted) <= settled
    finally:
        stopping.set()
        await asyncio.gather(*tasks)
