"""A lane for each page: its leads are read from the Graph API in calls of their own, so that no page delays another."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from api.fields import is_test
from api.graph import Action, GraphClient, GraphLead, LeadsAnswer, Trouble
from api.models import Lead
from api.queue import Taken
from api.store import Write
from api.worker.decode import dashboard_lead, meta_lead
from api.worker.endings import Endings
from api.worker.names import Names
from api.worker.pages import Pages
from api.worker.policy import at_once, attempted
from api.worker.storing import Ready, Storer
from api.worker.width import Width, went_well

SLOW_AFTER_S = 1.5
"""A lane is slow when its oldest lead waits, or its oldest call lasts, longer. Then it keeps at most KEPT waiting."""

KEPT = 50


@dataclass(slots=True)
class _Lane:
    """What waits for a page, and what is under way: since when each call lasts (monotonic seconds).

    `held` are leads whose call is under way, or was answered and they are about to be sent on. `pace` is leads a
    second, as it went lately.
    """

    waiting: deque[tuple[Taken, float]] = field(default_factory=deque)
    calls: list[float] = field(default_factory=list)
    width: Width = field(default_factory=Width)
    held: int = 0
    pace: float = 50.0
    back_at: float = 0.0
    due: bool = False

    def slow(self, now: float) -> bool:
        waits = [self.waiting[0][1]] if self.waiting else []
        return now - min(waits + self.calls, default=now) > SLOW_AFTER_S

    def hangs(self, now: float) -> bool:
        """Whether the calls themselves are slow: a backlog alone is no reason to make fewer of them."""
        return now - min(self.calls, default=now) > SLOW_AFTER_S


@dataclass(frozen=True, slots=True)
class _Asked:
    """An answer, the names that belong to it, and when it was asked for (epoch seconds)."""

    answer: LeadsAnswer
    names: dict[str, str]
    started_at: float


class Lanes:
    """All lanes. `put` and be done: each job reaches the storer, or one of the endings."""

    def __init__(
        self,
        graph: GraphClient,
        *,
        pages: Pages,
        names: Names,
        storer: Storer,
        endings: Endings,
        worker: str,
        region: str = "",
    ) -> None:
        self._graph = graph
        self._pages = pages
        self._names = names
        self._storer = storer
        self._endings = endings
        self._worker = worker
        self._region = region
        self._lanes: dict[str, _Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def put(self, taken: Taken) -> None:
        """Have this lead read; handed back where nothing is begun any more."""
        if self._closed:
            self._keep(asyncio.get_running_loop().create_task(self._endings.give_back(taken)))
            return
        page = taken.job.page
        lane = self._lanes.setdefault(page, _Lane())
        now = time.monotonic()
        if taken.deliveries > 1:
            # Left behind by a worker that is gone: it is older than what waits, and has waited long enough.
            lane.waiting.appendleft((taken, lane.waiting[0][1] if lane.waiting else now))
        else:
            lane.waiting.append((taken, now))
        if not lane.due:
            # Later: what comes in the same batch goes into the same call.
            lane.due = True
            asyncio.get_running_loop().call_soon(self._pump, page)

    @property
    def slow(self) -> int:
        """Jobs in slow lanes, waiting or under way."""
        now = time.monotonic()
        return sum(len(lane.waiting) + lane.held for lane in self._lanes.values() if lane.slow(now))

    @property
    def quick(self) -> int:
        """Jobs in lanes that are not slow, waiting or under way."""
        now = time.monotonic()
        return sum(len(lane.waiting) + lane.held for lane in self._lanes.values() if not lane.slow(now))

    @property
    def oldest_call_s(self) -> float:
        """For how long the oldest call under way has lasted, seconds; 0 without one."""
        now = time.monotonic()
        return now - min((began for lane in self._lanes.values() for began in lane.calls), default=now)

    async def shed(self) -> None:
        """Put back what slow lanes hold beyond a few, to return at the pace they go."""
        now = time.monotonic()
        for page, lane in list(self._lanes.items()):
            back = []
            while len(lane.waiting) > KEPT and lane.slow(now):
                back.append(lane.waiting.pop()[0])
            first_at, step_s = max(lane.back_at, time.time() + 1.0), 1.0 / lane.pace
            lane.back_at = first_at + len(back) * step_s
            reason = f"page {page}: the Graph API answers slowly"
            await self._endings.wait_each(
                [(taken, first_at + place * step_s, reason) for place, taken in enumerate(reversed(back))]
            )

    async def close(self) -> None:
        """Begin nothing more, and hand back what waits. What is under way goes on."""
        self._closed = True
        back = []
        for lane in self._lanes.values():
            back += [taken for taken, _ in lane.waiting]
            lane.waiting.clear()
        await asyncio.gather(*(self._endings.give_back(taken) for taken in back))

    async def abandon(self) -> None:
        """Break off what is still under way: its jobs stay in the queue, in this worker's name."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _pump(self, page: str) -> None:
        """Begin as many calls of a page as may be under way."""
        lane = self._lanes[page]
        lane.due = False
        loop = asyncio.get_running_loop()
        if self._closed:
            return
        now = time.monotonic()
        if not lane.waiting and not lane.held:
            del self._lanes[page]
        limits = self._graph.limits
        ready_in = 0.0 if limits.blocked(page) else limits.ready_in(page)
        if lane.waiting and ready_in:
            lane.due = True
            loop.call_later(ready_in, self._pump, page)
            return
        at_once = 1 if lane.hangs(now) or limits.paced(page) else lane.width.calls
        while lane.waiting and len(lane.calls) < at_once:
            chunk = _chunk(lane.waiting)
            lane.calls.append(now)
            lane.held += len(chunk)
            self._keep(loop.create_task(self._run(page, lane, chunk, now)))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, page: str, lane: _Lane, chunk: list[Taken], began: float) -> None:
        try:
            try:
                asked = await self._ask(page, chunk)
            finally:
                lane.calls.remove(began)
                took_s = max(0.001, time.monotonic() - began)
                pace = len(chunk) / max(took_s, self._graph.limits.ready_in(page))
                lane.pace = max(1.0, 0.7 * lane.pace + 0.3 * pace)
            if asked:
                well = went_well(asked.answer)
                lane.width.answered(well=well and took_s < SLOW_AFTER_S, used=self._graph.limits.percent(page))
                if well and not lane.due:
                    # Meta works on the next call meanwhile.
                    self._pump(page)
                await self._end(page, chunk, asked)
        except Exception as error:  # noqa: BLE001 - a fault of ours must not keep jobs in hand for ever
            for taken in chunk:
                await self._endings.fault(taken, error, time.time())
        finally:
            lane.held -= len(chunk)
            if not lane.due:
                self._pump(page)

    async def _ask(self, page: str, chunk: list[Taken]) -> _Asked | None:
        """One call for a chunk; None when the page's calls wait, and the chunk with them."""
        pause = await self._pages.current(page)
        if pause:
            await self._wait(page, [(each, self._pages.back_at(pause), pause.reason) for each in chunk])
            return None
        started_at = time.time()
        ids = [taken.job.external_id for taken in chunk]
        forms = [taken.job.form for taken in chunk]
        answer, names = await asyncio.gather(
            self._graph.leads(page, ids, at_once=min(at_once(taken.job) for taken in chunk)),
            self._names.of(page, [page, *forms]),
        )
        return _Asked(answer, names, started_at)

    async def _end(self, page: str, chunk: Sequence[Taken], asked: _Asked) -> None:
        """Send each job where its result says."""
        answer, started_at = asked.answer, asked.started_at
        found = [result for result in answer.results.values() if isinstance(result, GraphLead)]
        if found:
            await self._pages.well(page)
            await self._pages.fields(page, there=all(lead.has_fields for lead in found))
        await self._pages.share(page)
        met = _pausing(answer)
        pause = await self._pages.trouble(page, met[1], met[0]) if met else None
        waits: list[tuple[Taken, float, str]] = []
        for taken in chunk:
            result = answer.results[taken.job.external_id]
            try:
                if isinstance(result, GraphLead):
                    self._store(taken, meta_lead(taken.job, result, asked.names, self._region), started_at)
                elif pause and result.action in (Action.WAIT, Action.ASK):
                    waits.append((taken, self._pages.back_at(pause), result.error))
                else:
                    await self._failed(page, taken, result, started_at)
            except Exception as error:  # noqa: BLE001 - one lead's fault must not be the others'
                await self._endings.fault(taken, error, started_at)
        await self._wait(page, waits)

    async def _wait(self, page: str, waits: Sequence[tuple[Taken, float, str]]) -> None:
        """Have jobs wait for their page: each until when and why."""
        if waits:
            await self._endings.wait_each(waits)
            await self._pages.parked(page, waits[-1][0].job.external_id)

    async def _failed(self, page: str, taken: Taken, trouble: Trouble, started_at: float) -> None:
        if trouble.ask_after and is_test({}, taken.job.external_id):
            self._store(taken, dashboard_lead(taken.job), started_at)
        elif await self._storer.ended([taken.job.id]):
            await self._endings.settle([taken])
        elif trouble.action is Action.BURY:
            await self._endings.bury(taken, trouble.error, started_at, kind=trouble.label)
        elif await self._endings.fail(taken, trouble, started_at) and trouble.ask_after:
            await self._pages.missing(page, trouble.error)

    def _store(self, taken: Taken, lead: Lead, started_at: float) -> None:
        job = attempted(taken.job, self._worker, started_at, time.time() - started_at)
        self._storer.put(Ready(taken, Write(job, lead, self._worker), started_at))


def _chunk(waiting: deque[tuple[Taken, float]]) -> list[Taken]:
    """The next leads to ask for together: those in front that may be asked for in calls of the same size."""
    size = at_once(waiting[0][0].job)
    chunk: list[Taken] = []
    while waiting and len(chunk) < size and at_once(waiting[0][0].job) == size:
        chunk.append(waiting.popleft()[0])
    return chunk


def _pausing(answer: LeadsAnswer) -> tuple[str, Trouble] | None:
    """The trouble that makes a page's calls wait, and the first lead that met it, if there is one."""
    troubles = ((lead_id, result) for lead_id, result in answer.results.items() if isinstance(result, Trouble))
    return next((met for met in troubles if met[1].action in (Action.WAIT, Action.ASK)), None)
