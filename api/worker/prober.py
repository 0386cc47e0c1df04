"""Tries pages that an operator has to put right, each with one lead now and then, so that they go on by themselves."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from functools import partial

from api import logs
from api.graph import Action, GraphClient, GraphLead, Trouble
from api.models import PagePause
from api.queue import Consumer
from api.worker.endings import Endings
from api.worker.pages import Pages

_HELD = 0.9
"""Share of the time until the next try for which no other worker may try."""


class Prober:
    """One worker's share in trying paused pages: of all workers, one tries a page at a time."""

    def __init__(self, consumer: Consumer, endings: Endings, graph: GraphClient, pages: Pages) -> None:
        self._consumer = consumer
        self._endings = endings
        self._graph = graph
        self._pages = pages
        self._hurried: set[str] = set()
        self._trying: dict[str, asyncio.Task[None]] = {}
        self._log = logs.get_logger()

    def hurry(self) -> None:
        """Try every page now: this process has just started, perhaps with a new token."""
        self._hurried = {pause.page for pause in self._pages.asking()}

    def tend(self) -> None:
        """Begin the tries that are due. To be called often; it does not wait for them."""
        now = time.time()
        for pause in self._pages.asking():
            page = pause.page
            if page not in self._trying and (page in self._hurried or now >= pause.next_at):
                task = asyncio.get_running_loop().create_task(self._try(pause, again=page in self._hurried))
                self._trying[page] = task
                task.add_done_callback(partial(self._tried, page))
                self._hurried.discard(page)

    async def close(self) -> None:
        """Break off what is under way."""
        tasks = list(self._trying.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _tried(self, page: str, _: asyncio.Task[None]) -> None:
        self._trying.pop(page, None)

    async def _try(self, pause: PagePause, *, again: bool) -> None:
        try:
            wait_s = self._pages.interval(pause.tries + 1)
            if await self._endings.insist(lambda: self._consumer.claim(pause.page, _HELD * wait_s, again=again)):
                await self._end(pause, await self._ask(pause), wait_s)
        except Exception as error:  # noqa: BLE001 - whatever it was, the page is tried again
            self._log.error("worker.fault", exc_info=error)

    async def _ask(self, pause: PagePause) -> GraphLead | Trouble | None:
        """What comes of asking for a lead that waits. None: nobody knows one, the page's jobs will show."""
        lead = self._pages.lead_to_try(pause)
        return (await self._graph.leads(pause.page, [lead])).results[lead] if lead else None

    async def _end(self, pause: PagePause, result: GraphLead | Trouble | None, wait_s: float) -> None:
        if not isinstance(result, Trouble) or result.action is Action.BURY or result.ask_after:
            # Whatever became of that one lead, the page's calls are answered again.
            await self._pages.healed(pause.page)
            self._hurry_same_token(pause)
            return
        await self._endings.insist(self._pages.refresh)
        if self._pages.pause_of(pause.page) is None:
            return
        asks = result.action is Action.ASK
        delay_s = result.delay_s if result.action is Action.WAIT else 0.0
        after = replace(pause, tries=pause.tries + 1, next_at=time.time() + max(wait_s, delay_s))
        if asks:
            after = replace(after, kind=result.kind, reason=result.error)
        await self._pages.put(after)
        if asks:
            await self._pages.ask(after)

    def _hurry_same_token(self, pause: PagePause) -> None:
        """Where a page's token is good again, it is for all pages that share it."""
        token = self._graph.token_for(pause.page)
        if pause.kind == "token":
            self._hurried |= {p.page for p in self._pages.asking() if self._graph.token_for(p.page) == token}
