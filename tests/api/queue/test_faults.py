"""Everything at once under kill -9 of Redis: no job is lost, none is there twice."""

from __future__ import annotations

import asyncio
import contextlib
import itertools

import pytest

from api.errors import QueueUnavailableError
from api.models import JobState
from api.queue import Consumer
from tests.api.queue.conftest import Queue, a_job
from tests.servers import RedisServer

ROUNDS = 4
SOON_S = 60.0


class Churn:
    """Senders, workers and an operator who never stop, whatever Redis does."""

    def __init__(self, queue: Queue) -> None:
        self.queue = queue
        self.stopping = asyncio.Event()
        self.acknowledged: set[str] = set()
        self.ended: set[int] = set()
        self._leads = itertools.count()

    async def send(self) -> None:
        """Deliver leads, each until it is accepted."""
        while not self.stopping.is_set():
            lead = f"churn-{next(self._leads)}"
            while not self.stopping.is_set():
                with contextlib.suppress(QueueUnavailableError):
                    await self.queue.publisher.publish([a_job(lead)])
                    self.acknowledged.add(lead)
                    break
                await asyncio.sleep(0.005)

    async def work(self, worker: Consumer) -> None:
        """End jobs in every way there is."""
        turn = 0
        while not self.stopping.is_set():
            with contextlib.suppress(QueueUnavailableError):
                turn += 1
                taken = await (worker.reclaim(20) if turn % 5 == 0 else worker.read(20, 0.01))
                await asyncio.gather(*(worker.retry(one, one.job, 0.0, "x") for one in taken[:6]))
                await asyncio.gather(*(worker.bury(one, one.job, "x") for one in taken[6:9]))
                self.ended.update(one.job.seq for one in taken[9:])  # its row is written before it is settled
                await worker.settle([one.entry_id for one in taken[9:]])
                await worker.promote_due(10)
                await worker.beat()
            await asyncio.sleep(0)

    async def operate(self) -> None:
        """Revive the dead, discard some, bring them back."""
        operator, inspector = self.queue.operator, self.queue.inspector
        while not self.stopping.is_set():
            with contextlib.suppress(QueueUnavailableError):
                dead = [view.job.id for view in (await inspector.jobs(JobState.DEAD, limit=20)).jobs]
                await operator.retry(dead[:10])
                await operator.discard(dead[10:])
                gone = [view.job.id for view in (await inspector.jobs(JobState.DISCARDED, limit=10)).jobs]
                await operator.undo(gone)
            await asyncio.sleep(0.01)


@pytest.mark.faults
async def test_nothing_is_lost_or_doubled_while_redis_is_killed_again_and_again(
    own_server: RedisServer, own_queue: Queue
) -> None:
    churn = Churn(own_queue)
    workers = [await own_queue.consumer(f"w-{n}", timeout_s=1.0) for n in range(3)]
    tasks = [
        *(asyncio.create_task(churn.send()) for _ in range(8)),
        *(asyncio.create_task(churn.work(worker)) for worker in workers),
        asyncio.create_task(churn.operate()),
    ]
    try:
        for _ in range(ROUNDS):
            target = len(churn.ended) + 150
            async with asyncio.timeout(SOON_S):
                while len(churn.ended) < target:
                    await asyncio.sleep(0.01)
            await asyncio.to_thread(own_server.kill)
            await asyncio.to_thread(own_server.start)
    finally:
        churn.stopping.set()
        await asyncio.gather(*tasks)

    places = await own_queue.inspector.places()
    found = [pair for name in ("ready", "in_flight", "retry", "dead", "discarded") for pair in getattr(places, name)]
    assert places.doubled == ()
    assert len({job_id for job_id, _ in found}) == len({seq for _, seq in found}) == len(found)
    assert {seq for _, seq in found} | churn.ended == set(range(1, places.accepted + 1))
    seen = await own_queue.inspector.seen_of(range(1, places.accepted + 1))
    assert churn.acknowledged <= {one.external_id for one in seen.values()}
    assert len({one.external_id for one in seen.values()}) == len(seen) == places.accepted
    assert (await own_queue.inspector.snapshot()).dead == len(places.dead)
    for hash_name in ("parked", "notes"):
        size = own_queue.raw.hlen(f"{{leads}}:{hash_name}")
        assert size == len(places.retry) + len(places.dead) + len(places.discarded)
    waiting = {page: int(count) for page, count in own_queue.raw.hgetall("{leads}:waiting").items()}
    assert waiting == ({"1029": len(places.retry)} if places.retry else {})
