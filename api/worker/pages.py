"""Which pages' Graph calls wait, for how long, and what the operator is told of them."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import replace

from api import logs
from api.graph import EVERY, Action, GraphClient, Trouble
from api.graph.verdict import safe
from api.models import PagePause
from api.queue import Consumer
from api.worker.endings import Endings
from api.worker.names import Names

HOLD_S = 300.0
"""A job of a page that an operator has to put right comes back after so long, should nobody release it before."""

TRY_FIRST, TRY_MOST, LEAST_TRY_S = 0.5, 2.0, 0.2
"""Of the retry base: until a page that an operator has to put right is tried again, at first and at most; and the
least there is, in seconds.
"""

_SPREAD_S = 10.0
_SPREAD = 0.2


class Pages:
    """The pauses that all workers share, as this one knows them: read about once a second, set as they are met."""

    def __init__(
        self, consumer: Consumer, endings: Endings, graph: GraphClient, names: Names, retry_base: float
    ) -> None:
        """`retry_base`: seconds, from which the time between two tries at a page is taken."""
        self._consumer = consumer
        self._endings = endings
        self._graph = graph
        self._names = names
        self._first_s, self._most_s = (max(LEAST_TRY_S, share * retry_base) for share in (TRY_FIRST, TRY_MOST))
        self._pauses: dict[str, PagePause] = {}
        self._others: dict[str, str] = {}
        self._told_well: set[str] = set()
        self._reading = asyncio.Lock()
        self._read_at = float("-inf")
        self._log = logs.get_logger()

    async def refresh(self) -> None:
        """Take over what all workers know. QueueUnavailableError."""
        async with self._reading:
            await self._read()

    async def begin(self) -> None:
        """Take over what all workers know, and release what waits for a page that goes on: a worker may have died in
        the middle of that.
        """
        await self._endings.insist(self.refresh)
        if EVERY not in self._pauses:
            await self._endings.insist(lambda: self._consumer.release(EVERY))

    async def current(self, page: str) -> PagePause | None:
        """The pause in force for a page's calls, as all workers know it by now: a call during a block lengthens it.

        Who asks at the same time shares a reading; it has to have begun after they asked.
        """
        asked_at = time.monotonic()
        async with self._reading:
            if self._read_at <= asked_at:
                await self._endings.insist(self._read)
        return self.pause_of(page)

    def pause_of(self, page: str) -> PagePause | None:
        """The pause in force for a page's calls now, its own or that of the whole app: the one that lasts longer."""
        now = time.time()
        found = [self._pauses[name] for name in (EVERY, page) if name in self._pauses]
        found = [pause for pause in found if not pause.until or pause.until > now]
        return max(found, key=lambda pause: pause.until or float("inf"), default=None)

    def asking(self) -> list[PagePause]:
        """The pages that an operator has to put right."""
        return [pause for pause in self._pauses.values() if not pause.until]

    def back_at(self, pause: PagePause) -> float:
        """When a job of a paused page should come back (epoch seconds), spread so that not all come at once."""
        dice = random.random()  # noqa: S311 - spreads load
        if pause.until:
            return pause.until + dice * min(_SPREAD_S, _SPREAD * max(0.0, pause.until - time.time()))
        return time.time() + HOLD_S * (1.0 + _SPREAD * dice)

    async def trouble(self, page: str, trouble: Trouble, lead: str) -> PagePause:
        """Pause what a trouble concerns, and tell the operator if it is for him to end it. `lead` met it."""
        name = self._graph.concerns(page, trouble)
        asks = trouble.action is Action.ASK
        until = 0.0 if asks else time.time() + trouble.delay_s
        known = self._pauses.get(name)
        if known and (not known.until or (until and until <= known.until)):
            return known
        pause = PagePause(name, trouble.kind, until, trouble.error)
        if asks:
            pause = replace(pause, lead=lead, next_at=time.time() + self.interval(0))
        pause = await self._put_named(pause)
        self._log.warning(
            "graph.asks" if asks else "graph.limited",
            page=name,
            kind=trouble.kind,
            wait_s=round(trouble.delay_s, 1),
            error=trouble.error,
        )
        if asks:
            await self.ask(pause)
        return pause

    async def share(self, page: str) -> None:
        """Let all workers wait where an answer that came said that a limit is used up."""
        found = self._graph.limits.blocked(page)
        if not found:
            return
        name, block = found
        known = self._pauses.get(name)
        if known and (not known.until or known.until >= block.until):
            return
        await self._put_named(PagePause(name, "limit", block.until, block.reason))
        self._log.warning("graph.limited", page=name, kind="limit", wait_s=round(block.until - time.time(), 1))

    async def put(self, pause: PagePause) -> None:
        """Record a pause for all workers."""
        async with self._reading:
            self._pauses[pause.page] = pause
            self._told_well.discard(pause.page)
            await self._endings.insist(lambda: self._consumer.set_pause(pause))

    async def ask(self, pause: PagePause) -> None:
        """Tell the operator what a page waits for."""
        await self._warn(f"page:{pause.page}", f"page {_title(pause.page, pause.name)}: {pause.reason}")

    def interval(self, tries: int) -> float:
        """Seconds until a page is tried again that was tried so often: longer each time, with jitter."""
        seconds = min(self._most_s, self._first_s * 2.0 ** min(tries, 10))
        return seconds * (1.0 + _SPREAD * random.random())  # noqa: S311 - spreads load

    async def parked(self, page: str, lead: str) -> None:
        """Jobs were made to wait for a page, `lead` among them: not for long if it went on meanwhile, when nobody knew
        of them.
        """
        await self._endings.insist(self.refresh)
        pause = self.pause_of(page)
        if not pause:
            await self._endings.insist(lambda: self._consumer.release(page))
        elif not pause.until and lead != pause.lead:
            self._others[page] = lead

    def lead_to_try(self, pause: PagePause) -> str:
        """A lead to try a paused page with, "" if none is known: the one that was refused and another by turns, as it
        may be that lead alone that is refused.
        """
        other = self._others.get(pause.page, pause.lead)
        return other if pause.tries % 2 else pause.lead or other

    async def healed(self, page: str) -> None:
        """A page that was asking goes on: lift its pause, release its jobs, withdraw what the operator was told."""
        async with self._reading:
            self._pauses.pop(page, None)
            self._others.pop(page, None)
            self._told_well.add(page)
            await self._endings.insist(lambda: self._consumer.clear_pause(page))
        released = await self._endings.insist(lambda: self._consumer.release(page))
        await self._endings.insist(lambda: self._consumer.clear_warning(f"page:{page}"))
        self._log.info("graph.resumed", page=page, released=released)

    async def well(self, page: str) -> None:
        """Calls for the page succeed: withdraw what the operator may have been told of it before."""
        if page not in self._told_well and page not in self._pauses:
            self._told_well.add(page)
            await self._endings.insist(lambda: self._consumer.clear_warning(f"page:{page}"))

    async def missing(self, page: str, error: str) -> None:
        """A lead was given up because it is missing or out of sight: tell the operator."""
        title = _title(page, await self._names.page_name(page))
        await self._warn(f"missing:{page}", f"page {title}: a lead was given up; check the page's lead access. {error}")

    async def fields(self, page: str, *, there: bool) -> None:
        """Leads of the page come with their answers, or without: then the operator has to give access."""
        key = f"fields:{page}"
        if there and key not in self._told_well:
            self._told_well.add(key)
            await self._endings.insist(lambda: self._consumer.clear_warning(key))
        elif not there:
            self._told_well.discard(key)
            title = _title(page, await self._names.page_name(page))
            await self._warn(
                key, f"page {title}: leads come without their answers; check leads_retrieval and lead access"
            )

    async def _put_named(self, pause: PagePause) -> PagePause:
        """Record a pause at once, and with its page's name as soon as that is known: Postgres may be slow."""
        await self.put(pause)
        title = "" if pause.page == EVERY else await self._names.page_name(pause.page)
        known = self._pauses.get(pause.page)
        if title and known and known.kind == pause.kind:
            await self.put(replace(known, name=title))
        return replace(pause, name=title)

    async def _read(self) -> None:
        before, now, began = self._pauses, time.time(), time.monotonic()
        self._pauses = {pause.page: pause for pause in await self._consumer.pauses()}
        self._read_at = began
        for pause in self._pauses.values():
            if pause.until:
                self._graph.limits.block(pause.page, pause.until, pause.reason)
        for page, pause in before.items():
            if page in self._pauses:
                continue
            self._told_well.discard(page)
            self._others.pop(page, None)
            if pause.until and pause.until <= now:
                self._log.info("graph.resumed", page=page)
            else:
                # Lifted by an operator or another worker, which may have known nothing of jobs that came to wait since.
                self._graph.limits.unblock(page)
                await self._consumer.release(page)

    async def _warn(self, key: str, text: str) -> None:
        await self._endings.insist(lambda: self._consumer.warn(key, text))


def _title(page: str, name: str) -> str:
    """A page as an operator knows it: by its name, if that is known, and its id."""
    if not page:
        return "(none)"
    return f"{safe(name)[:100]} ({page})" if safe(name) else page
