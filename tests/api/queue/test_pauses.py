"""Jobs that wait for their page: released at once, in order, and only they; who tries a page."""

from __future__ import annotations

import time

from api.models import JobState, PagePause
from api.queue import Consumer
from api.queue.pauses import STEP
from tests.api.queue.conftest import Queue


async def waiting(queue: Queue, consumer: Consumer, count: int, page: str, *, own: bool = False) -> list[str]:
    """So many jobs of a page that wait for it, or (`own`) for their own next attempt; their ids."""
    jobs = await queue.publish(count, page=page)
    left = count
    while left:
        for taken in await consumer.read(200, 1.0):
            put_back = consumer.retry if own else consumer.defer
            assert await put_back(taken, taken.job, time.time() + 300 + left, "why")
            left -= 1
    return [job.id for job in jobs]


async def ready(queue: Queue, consumer: Consumer) -> list[str]:
    """Ids of the jobs that are handed out once what is due was made ready, in order."""
    while await consumer.promote_due():
        pass
    found: list[str] = []
    while taken := await consumer.read(500, 0.05):
        found += [each.job.id for each in taken]
    return found


async def test_all_that_wait_for_a_page_are_released_oldest_first(queue: Queue) -> None:
    consumer = await queue.consumer()
    mine = await waiting(queue, consumer, 2 * STEP + 100, "1029")
    other = await waiting(queue, consumer, 3, "7")
    own = await waiting(queue, consumer, 3, "1029", own=True)
    assert await ready(queue, consumer) == []
    assert await consumer.release("1029") == len(mine)
    assert await ready(queue, consumer) == mine
    snapshot = await queue.inspector.snapshot()
    assert snapshot.retry == len(other + own)
    assert await consumer.release("1029") == 0


async def test_a_release_of_all_leaves_pages_that_have_a_pause_of_their_own(queue: Queue) -> None:
    consumer = await queue.consumer()
    free, paused = await waiting(queue, consumer, 5, "1"), await waiting(queue, consumer, 5, "2")
    nameless = await waiting(queue, consumer, 2, "")
    await consumer.set_pause(PagePause("2", "token", 0.0, "expired"))
    assert await consumer.release("*") == len(free + nameless)
    assert await ready(queue, consumer) == [*free, *nameless]
    assert await queue.operator.clear_pause("2")
    assert await ready(queue, consumer) == paused


async def test_what_waits_without_a_page_is_released_by_that_name(queue: Queue) -> None:
    consumer = await queue.consumer()
    nameless = await waiting(queue, consumer, 2, "")
    other = await waiting(queue, consumer, 1, "1")
    assert await consumer.release("") == len(nameless)
    assert await ready(queue, consumer) == nameless
    assert await consumer.release("1") == len(other)


async def test_an_operator_releases_what_waits_though_no_pause_is_left(queue: Queue) -> None:
    consumer = await queue.consumer()
    jobs = await waiting(queue, consumer, 5, "1")
    assert not await queue.operator.clear_pause("1")
    assert await ready(queue, consumer) == jobs


async def test_a_released_job_is_counted_and_found_as_before(queue: Queue) -> None:
    consumer = await queue.consumer()
    (job,) = await waiting(queue, consumer, 1, "1")
    await consumer.set_pause(PagePause("1", "token", 0.0, "expired", name="Casa", lead="9", tries=2, next_at=5.0))
    (pause,) = (await queue.inspector.snapshot()).pauses
    assert (pause.waiting, pause.name, pause.lead, pause.tries, pause.next_at) == (1, "Casa", "9", 2, 5.0)
    assert await consumer.pauses() == (PagePause("1", "token", 0.0, "expired", 0, "Casa", "9", 2, 5.0),)
    await consumer.release("1")
    view = await queue.inspector.job(job)
    assert view is not None
    assert (view.state, view.due_at <= time.time() + 1) == (JobState.RETRY, True)
    await ready(queue, consumer)
    (pause,) = (await queue.inspector.snapshot()).pauses
    assert pause.waiting == 0


async def test_one_worker_at_a_time_tries_a_page(queue: Queue) -> None:
    first, second = await queue.consumer("w-1"), await queue.consumer("w-2")
    assert await first.claim("1029", 60)
    assert not await second.claim("1029", 60)
    assert not await first.claim("1029", 60)
    assert await second.claim("7", 60)
    assert await second.claim("1029", 60, again=True)
