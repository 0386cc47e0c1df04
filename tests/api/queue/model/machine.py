"""Owns how a step is made: a real server behind a breakable way, an operation repeated until it is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import note
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from hypothesis.strategies import integers, sampled_from

from api.errors import QueueUnavailableError
from api.queue import Inspector, Operator, Publisher, Taken, census, consumer, inspector, listing, lua, pauses
from api.queue.consumer import Consumer
from api.queue.link import Linked
from tests.api.queue.model import checks
from tests.api.queue.model.ledger import GONE_S, VISIBILITY_S, Ledger, Record
from tests.api.queue.model.passage import Fault, Passage
from tests.api.queue.model.sight import connected, key, look, pass_time, syncs
from tests.servers import RedisServer

T = TypeVar("T")

TIMEOUT_S = 20.0
TRIES = 4
ACCIDENTS = 3
"""What befalls the server in one example; a kill takes a tenth of a second."""
WORKERS = ("w-1", "w-2", "w-3")
CLOCK_STEPS_S = (1_000, 1_000, 2_000, 2_000, 4_000, 8 * 86_400, 31 * 86_400)

picks = integers(0, 11)
workers = sampled_from(WORKERS)


class Worker:
    """One run of a worker's process: what it was handed, ended or not."""

    def __init__(self, consumer_: Consumer) -> None:
        self.consumer = consumer_
        self.taken: list[Taken] = []
        self.done = 0
        self.reported = 0

    def of(self, entries: Iterable[int]) -> list[Taken]:
        """Some of what it was handed, by any numbers."""
        if not self.taken:
            return []
        return list({one.entry_id: one for one in (self.taken[n % len(self.taken)] for n in entries)}.values())


class QueueMachine(RuleBasedStateMachine):
    """A queue, its model, and what breaks. Subclasses add what is done to it.

    No rule has a precondition: what a step draws must not depend on what the server did, which has some freedom. A step
    that cannot be made does nothing, and costs nothing.
    """

    server: ClassVar[RedisServer]

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.patch = pytest.MonkeyPatch()
        self.raw: Any = connected(self.server.url)
        self.ledger = Ledger()
        self.workers: dict[str, Worker] = {}
        self.passage = Passage(self.server)
        self.exact_duplicates = True
        self.died = False
        self.accidents = 0
        self.touched = True

    def open(self, small: bool, page: int) -> None:
        """An empty queue, listed by so many jobs a `page`. A `small` one has bounds that a few jobs reach already."""
        syncs(self.raw, "no")
        self.raw.flushall()
        for script in lua.FOLDER.glob("*.lua"):
            self.raw.script_load(lua.load(script.stem).text)
        self.page = page
        if small:
            self.patch.setattr(consumer, "TAKE_BYTES", 400)
            self.patch.setattr(census, "SMALL", -1)
            self.patch.setattr(census, "STRETCH", 2)
            self.patch.setattr(listing, "STRETCH_BYTES", 400)
            self.patch.setattr(listing, "FIND_COUNT", 3)
            self.patch.setattr(listing, "GET_COUNT", 2)
            self.patch.setattr(inspector, "SEEN_STEP", 2)
            self.patch.setattr(pauses, "STEP", 2)
        self.url = self.run(self.passage.open())
        limits: dict[str, Any] = {"visibility_timeout": VISIBILITY_S, "gone_after": GONE_S, "timeout_s": TIMEOUT_S}
        self.publisher = Publisher(self.url, timeout_s=TIMEOUT_S)
        self.operator = Operator(self.url, **limits)
        self.inspector = Inspector(self.server.url, sla_s=1e9, **limits)
        self.impatient = Inspector(self.server.url, sla_s=-1.0, **limits)

    def teardown(self) -> None:
        """Close everything."""
        self.passage.disarm()
        if hasattr(self, "url"):
            self.run(self._close())
        self.runner.close()
        self.raw.close()
        self.patch.undo()

    async def _close(self) -> None:
        for worker in self.workers.values():
            await Linked.close(worker.consumer)
        for part in (self.publisher, self.operator, self.inspector, self.impatient):
            await part.close()
        await self.passage.close()

    # -- how a step is made -------------------------------------------------------------------------------------------

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run on the machine's own loop."""
        return self.runner.run(work)

    def do(self, what: str, work: Callable[[], Coroutine[Any, Any, T]]) -> tuple[T, bool]:
        """An operation, again after each error, as its callers do; its answer, and whether something broke."""
        note(f"    {what}")
        self.touched = True
        for _ in range(TRIES):
            try:
                answer = self.run(self._revived_after(work()))
            except QueueUnavailableError as error:
                if not (self.passage.fired or self.died):
                    raise
                self.passage.fired = True
                note(f"    ... broken: {error}")
            else:
                broken, self.passage.fired, self.died = self.passage.fired, False, False
                return answer, broken
        raise AssertionError(f"{what}: not done after {TRIES} times")

    async def _revived_after(self, work: Coroutine[Any, Any, T]) -> T:
        try:
            return await work
        finally:
            await self.passage.revived()

    def worker(self, name: str) -> Worker:
        """A worker that runs; started if it does not."""
        if name not in self.workers:
            one = Consumer(self.url, "leads", name, VISIBILITY_S, GONE_S, timeout_s=TIMEOUT_S)
            self.do(f"{name} starts", one.open)
            self.workers[name] = Worker(one)
            self.ledger.beats[name] = self.ledger.now
        return self.workers[name]

    def busy(self, name: str) -> Worker:
        """A worker that runs and was handed jobs; that one, if it was."""
        busy = [name, *WORKERS]
        return next((w for n in busy if (w := self.workers.get(n)) and w.taken), None) or self.worker(name)

    def records(self, which: Iterable[int]) -> list[Record]:
        """Some jobs, ended ones too, by any numbers."""
        known = sorted(self.ledger.records.values(), key=lambda record: record.job.seq)
        return list({r.job.id: r for r in (known[n % len(known)] for n in which)}.values()) if known else []

    def adopt(self, free: Iterable[Record] = ()) -> None:
        """Take over where the server put these jobs, when something broke on the way; the checks come after."""
        self.ledger.adopt(look(self.raw), [record.job.id for record in free])

    # -- what breaks --------------------------------------------------------------------------------------------------

    @rule(fault=sampled_from([Fault.LOST, Fault.UNANSWERED, Fault.FORGOTTEN]), at=integers(1, 3))
    def something_will_break(self, fault: Fault, at: int) -> None:
        """At one of the next commands."""
        self.passage.arm(fault, at)

    @rule(fault=sampled_from([Fault.KILLED_BEFORE, Fault.KILLED_AFTER]), at=integers(1, 3))
    def server_will_die(self, fault: Fault, at: int) -> None:
        """Kill -9 at one of the next commands."""
        if self.may_happen():
            syncs(self.raw, "always")
            self.passage.arm(fault, at)

    @rule(step=sampled_from(CLOCK_STEPS_S))
    def time_passes(self, step: int) -> None:
        """Much of it at once."""
        self.touched = True
        pass_time(self.raw, step)
        self.ledger.now += step

    @rule()
    def clock_is_put_back(self) -> None:
        """The server's, by some minutes."""
        if self.may_happen():
            pass_time(self.raw, -1_000)
            self.ledger.put_back(1_000)

    @rule()
    def server_dies(self) -> None:
        """Kill -9, and a start on the same data."""
        if self.may_happen():
            self.died = True  # who had a connection learns of it at its next command
            self.server.kill()
            self.server.start()

    @rule(name=workers)
    def consumer_is_deleted_by_hand(self, name: str) -> None:
        """With redis-cli: what it held is in nobody's hands."""
        if self.ledger.group and self.may_happen():
            self.raw.xgroup_delconsumer(key("ready"), "workers", name)
            self.ledger.lose_consumer(name)

    @rule()
    def group_is_destroyed_by_hand(self) -> None:
        """With redis-cli: all in the stream will be handed out again."""
        if self.ledger.group and self.may_happen():
            self.raw.xgroup_destroy(key("ready"), "workers")
            self.ledger.lose_group()

    def may_happen(self) -> bool:
        """Whether this example can bear one more accident; it has it, then."""
        self.accidents += 1
        self.touched = self.touched or self.accidents <= ACCIDENTS
        return self.accidents <= ACCIDENTS

    # -- what must hold -----------------------------------------------------------------------------------------------

    @invariant()
    def everything_adds_up(self) -> None:
        """After every step."""
        if not self.touched:
            return
        self.touched = False
        sight = look(self.raw)
        checks.check_keys(self.ledger, sight)
        self.ledger.adopt(sight)
        self.run(self._read())

    async def _read(self) -> None:
        await checks.check_figures(self.ledger, self.inspector, self.impatient, self.exact_duplicates)
        await checks.check_places(self.ledger, self.inspector)
        await checks.check_listings(self.ledger, self.inspector, self.page)
        await checks.check_names(self.ledger, self.inspector)


async def together(*work: Awaitable[T]) -> list[T]:
    """All at once; the first error once all have ended."""
    results = await asyncio.gather(*work, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return [result for result in results if not isinstance(result, BaseException)]
