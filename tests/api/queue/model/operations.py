"""Owns one queue with a job in every place, and every operation there is on it, by name."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from api.models import Job, JobState, PagePause
from api.queue import Consumer, Operator, Publisher, Taken
from api.queue.link import Linked

VISIBILITY_S, GONE_S = 3_600.0, 600.0
"""Longer than any test: who lives and who does not is not decided by how busy the machine is."""
PAYLOAD = '{"leadgen_id":"1"}'


def job(n: int, lead: str = "") -> Job:
    """The job of that number: the same at every call."""
    return Job(
        id=f"01KA{n:022d}",
        source="meta",
        external_id=lead or f"lead-{n}",
        payload=PAYLOAD,
        received_at=1.7e9,
        page=f"page-{n % 2}",
    )


class Stage:
    """The parts of a queue behind a breakable way, and the jobs in it, which are at the beginning:

    1, 2      in flight at w-gone, of which nothing was heard
    3, 4, 5   in flight at w-1, which lives
    6         to be retried, due
    7, 8      waiting for their page, not due
    9         dead
    10        discarded
    11, 12    ready
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.publisher = Publisher(url, timeout_s=20)
        self.operator = Operator(url, visibility_timeout=VISIBILITY_S, gone_after=GONE_S, timeout_s=20)
        self.worker = self._consumer("w-1")
        self.other = self._consumer("w-2")
        self.held: list[Taken] = []

    def _consumer(self, name: str) -> Consumer:
        return Consumer(self._url, "leads", name, VISIBILITY_S, GONE_S, timeout_s=20)

    async def fill(self, direct_url: str) -> None:
        """Put the jobs in their places, by a way that does not break."""
        there = Stage(direct_url)
        try:
            await there._fill()
        finally:
            await there.close()
        # Another process under the same name would look for jobs of a former life; this one has been handed them.
        self.held = there.held
        self.worker._held = {one.entry_id for one in there.held}
        self.worker._look_back = self.other._look_back = False

    async def _fill(self) -> None:
        gone = self._consumer("w-gone")
        await self.publisher.publish([job(n) for n in range(1, 13)])
        await self.worker.open()
        await self.other.beat()
        await gone.read(2, 0)
        taken = await self.worker.read(8, 0)
        self.held, (sixth, seventh, eighth, ninth, tenth) = taken[:3], taken[3:]
        later = time.time() + 600
        await self.worker.retry(sixth, sixth.job, 0.0, "once more")
        await self.worker.defer(seventh, seventh.job, later, "page")
        await self.worker.defer(eighth, eighth.job, later, "page")
        await self.worker.bury(ninth, ninth.job, "no")
        await self.worker.bury(tenth, tenth.job, "no")
        await self.operator.discard([tenth.job.id])
        await self.worker.set_pause(PagePause("page-1", "token", 0.0, "no token"))
        await self.worker.warn("token", "no token")
        await Linked.close(gone)

    async def close(self) -> None:
        """Close all connections, saying nothing to the queue."""
        await self.publisher.close()
        for part in (self.operator, self.worker, self.other):
            await Linked.close(part)


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that is done to the queue.

    Attributes:
        work: does it. It may be done again after an error.
        moves: the scripts (and commands) that write where jobs are, in order.
        ends: numbers of the jobs that are in the queue no more, afterwards.
    """

    work: Callable[[Stage], Awaitable[Any]]
    moves: tuple[str, ...] = ()
    ends: tuple[int, ...] = ()


def _tried(taken: Taken) -> Job:
    return msgspec.structs.replace(taken.job, attempt=taken.job.attempt + 1)


def _ids(*numbers: int) -> list[str]:
    return [job(n).id for n in numbers]


async def _fails_several(stage: Stage) -> None:
    one, two, three = stage.held
    await asyncio.gather(
        stage.worker.retry(one, _tried(one), time.time() + 60, "later"),
        stage.worker.defer(two, two.job, time.time() + 60, "page"),
        stage.worker.bury(three, _tried(three), "never"),
    )


async def _publishes_at_once(stage: Stage) -> None:
    calls = ([job(20), job(21)], [job(22)], [job(23), job(30, "lead-20"), job(24)])
    await asyncio.gather(*(stage.publisher.publish(jobs) for jobs in calls))


async def _starts_again(stage: Stage) -> None:
    stage.worker._held.clear()
    stage.worker._look_back = True
    await stage.worker.read(10, 0)


OPERATIONS: dict[str, Operation] = {
    "publish": Operation(lambda s: s.publisher.publish([job(20)]), ("publish",)),
    "publish many": Operation(
        lambda s: s.publisher.publish(
            [job(20), job(21), job(31, "lead-3")], [(job(22), "bad"), (job(32, "lead-9"), "bad")]
        ),
        ("publish",),
    ),
    "publish at once": Operation(_publishes_at_once, ("publish",)),
    "open": Operation(lambda s: s.other.open()),
    "read": Operation(lambda s: s.other.read(5, 0), ("take",)),
    "read after a restart": Operation(_starts_again, ("recover",)),
    "settle": Operation(lambda s: s.worker.settle([one.entry_id for one in s.held[:2]]), ("settle",), (3, 4)),
    "settle what another holds": Operation(
        lambda s: s.other.settle([one.entry_id for one in s.held[:2]]), ("settle",), (3, 4)
    ),
    "extend": Operation(lambda s: s.worker.extend([one.entry_id for one in s.held]), ("extend",)),
    "retry": Operation(lambda s: s.worker.retry(s.held[0], _tried(s.held[0]), time.time() + 60, "later"), ("park",)),
    "defer": Operation(lambda s: s.worker.defer(s.held[0], s.held[0].job, time.time() + 60, "page"), ("park",)),
    "bury": Operation(lambda s: s.worker.bury(s.held[0], _tried(s.held[0]), "never"), ("park",)),
    "fail several": Operation(_fails_several, ("park",)),
    "beat": Operation(lambda s: s.worker.beat(3, 1, totals={"done": 3})),
    "promote": Operation(lambda s: s.worker.promote_due(10), ("promote",)),
    "reclaim": Operation(lambda s: s.worker.reclaim(10), ("reclaim",)),
    "reap": Operation(lambda s: s.worker.reap(0.0)),
    "set a pause": Operation(lambda s: s.worker.set_pause(PagePause("page-0", "limit", time.time() + 60, "wait"))),
    "clear a pause": Operation(lambda s: s.worker.clear_pause("page-1")),
    "release": Operation(lambda s: s.worker.release("*"), ("release",)),
    "try a page": Operation(lambda s: s.worker.claim("page-1", 60.0)),
    "warn": Operation(lambda s: s.worker.warn("limit", "slow")),
    "clear a warning": Operation(lambda s: s.worker.clear_warning("token")),
    "purge": Operation(lambda s: s.worker.purge_discarded(-1.0), ("purge",), (10,)),
    "leave": Operation(lambda s: s.other.close()),
    "leave with jobs in hand": Operation(lambda s: s.worker.close()),
    "operator retries": Operation(lambda s: s.operator.retry(_ids(1, 3, 6, 7, 9, 10, 11)), ("move",)),
    "operator retries a stuck one": Operation(lambda s: s.operator.retry(_ids(2)), ("move",)),
    "operator retries all dead": Operation(lambda s: s.operator.retry_matching(JobState.DEAD), ("move",)),
    "operator retries all stuck": Operation(lambda s: s.operator.retry_matching(JobState.STUCK), ("move",)),
    "operator discards": Operation(lambda s: s.operator.discard(_ids(1, 4, 6, 8, 9, 10, 12)), ("move",)),
    "operator undoes": Operation(lambda s: s.operator.undo(_ids(9, 10)), ("move",)),
    "operator edits a dead one": Operation(lambda s: s.operator.edit(job(9).id, '{"new":1}'), ("move",)),
    "operator edits a waiting one": Operation(lambda s: s.operator.edit(job(7).id, '{"new":1}'), ("move",)),
    "operator edits a ready one": Operation(lambda s: s.operator.edit(job(11).id, '{"new":1}'), ("move",)),
    "operator edits a stuck one": Operation(lambda s: s.operator.edit(job(1).id, '{"new":1}'), ("move",)),
    "operator edits the page of a waiting one": Operation(
        lambda s: s.operator.edit(job(8).id, '{"new":1}', lambda old, new: msgspec.structs.replace(old, page="page-1")),
        ("move",),
    ),
    "operator erases": Operation(lambda s: s.operator.erase(_ids(9, 10)), ("erase",), (10,)),
    "operator pauses": Operation(lambda s: s.operator.pause()),
    "operator resumes": Operation(lambda s: s.operator.resume()),
    "operator lifts a pause": Operation(lambda s: s.operator.clear_pause("page-1"), ("release",)),
    "operator clears a warning": Operation(lambda s: s.operator.clear_warning("token")),
}
"""Every operation that writes, on the jobs of a Stage."""
