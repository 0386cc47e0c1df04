"""What the model has found once, each by the few steps that it takes."""

from __future__ import annotations

import time

import msgspec

from api.models import Job, JobState
from tests.api.queue.conftest import Queue


async def test_a_clock_that_was_put_back_hides_nothing_from_a_retry_of_all(queue: Queue) -> None:
    worker = await queue.consumer()
    await queue.publish(2)
    taken = await worker.read(2, 0)
    ids = [one.job.id for one in taken]
    for one in taken:
        await worker.bury(one, one.job, "no")
    for job_id in ids:
        queue.raw.zincrby("{leads}:dead", 3_600_000, job_id)
    assert set((await queue.operator.retry_matching(JobState.DEAD)).done) == set(ids)


async def test_a_waiting_job_whose_new_payload_is_another_pages_waits_for_that_page(queue: Queue) -> None:
    worker = await queue.consumer()
    await queue.publish(1, page="old")
    (taken,) = await worker.read(1, 0)
    await worker.defer(taken, taken.job, time.time() + 3_600, "wait")

    def amend(job: Job, payload: str) -> Job:
        return msgspec.structs.replace(job, payload=payload, page="new")

    assert (await queue.operator.edit(taken.job.id, "{}", amend)).done == (taken.job.id,)
    assert queue.raw.hgetall("{leads}:waiting") == {"new": "1"}
    assert (await worker.release("old"), await worker.release("new")) == (0, 1)
    assert await worker.promote_due() == 1
    assert queue.raw.hgetall("{leads}:waiting") == {}
    (again,) = await worker.read(1, 0)
    assert (again.job.page, again.job.payload) == ("new", "{}")
