"""Which pages' Graph calls wait, for how long, and when one that needs an operator is tried again."""

from __future__ import annotations

import random
import time

from api import logs
from api.graph import Action, GraphClient, Scope, Trouble
from api.models import PagePause
from api.queue import Consumer
from api.worker.endings import Endings

APP = "*"
"""The page that stands for all of them."""

_SPREAD_S = 10.0
_PROBE_SPREAD = 5.0


class Pages:
    """The pauses that all workers share, as this one knows them: read about once a second, set as they are met."""

    def __init__(self, consumer: Consumer, endings: Endings, graph: GraphClient, *, probe_s: float) -> None:
        """`probe_s`: seconds between two tries at a page that an operator has to put right."""
        self._consumer = consumer
        self._endings = endings
        self._graph = graph
        self._probe_s = probe_s
        self._pauses: dict[str, PagePause] = {}
        self._probed: dict[str, float] = {}
        self._told_well: set[str] = set()
        self._log = logs.get_logger()

    async def refresh(self) -> None:
        """Take over what all workers know. QueueUnavailableError."""
        now = time.time()
        ended = [page for page, pause in self._pauses.items() if pause.until and pause.until <= now]
        for page in ended:
            await self._consumer.clear_pause(page)
            self._log.info("graph.resumed", page=page)
        self._pauses = {pause.page: pause for pause in await self._consumer.pauses()}

    def pause_of(self, page: str) -> PagePause | None:
        """The pause in force for a page's calls now: its own, or that of the whole app."""
        now = time.time()
        for name in (APP, page):
            pause = self._pauses.get(name)
            if pause and (not pause.until or pause.until > now):
                return pause
        return None

    def may_probe(self, pause: PagePause) -> bool:
        """Whether a page that an operator has to put right may be tried now with one lead; counts as a try if so."""
        now = time.monotonic()
        if pause.until or now - self._probed.get(pause.page, float("-inf")) < self._probe_s:
            return False
        self._probed[pause.page] = now
        return True

    def back_at(self, pause: PagePause, *, probe: bool = False) -> float:
        """When a job of a paused page should come back (epoch seconds), spread so that not all come at once.

        While an operator has to act, one job comes at the time of the next try (`probe`), the others after it.
        """
        dice = random.random()  # noqa: S311 - spreads load
        if pause.until:
            return pause.until + dice * min(_SPREAD_S, 0.2 * max(0.0, pause.until - time.time()))
        return time.time() + self._probe_s * (1.0 if probe else 1.0 + dice * (_PROBE_SPREAD - 1.0))

    async def trouble(self, page: str, trouble: Trouble) -> PagePause:
        """Pause what a trouble concerns, and tell the operator if it is for him to end it."""
        # A limit of the token's user is every page's where there is only the one token.
        everyones = trouble.scope is Scope.APP or (trouble.scope is Scope.USER and self._graph.tokens == 1)
        name = APP if everyones else page
        asks = trouble.action is Action.ASK
        pause = PagePause(name, trouble.kind, 0.0 if asks else time.time() + trouble.delay_s, trouble.error)
        if asks:
            self._probed[name] = time.monotonic()
        known = self._pauses.get(name)
        self._pauses[name] = pause
        await self._endings.insist(lambda: self._consumer.set_pause(pause))
        if asks:
            await self._warn(f"page:{page}", f"page {page or '(none)'}: {trouble.error}")
        if known is None or known.kind != pause.kind:
            self._log.warning(
                "graph.asks" if asks else "graph.limited",
                page=name,
                kind=trouble.kind,
                wait_s=round(trouble.delay_s, 1),
                error=trouble.error,
            )
        return pause

    async def healed(self, page: str) -> None:
        """Calls for the page succeed: lift its pause, and withdraw what the operator was told."""
        lifted = page in self._pauses
        if lifted:
            del self._pauses[page]
            await self._endings.insist(lambda: self._consumer.clear_pause(page))
            self._log.info("graph.resumed", page=page)
        if lifted or page not in self._told_well:
            self._told_well.add(page)
            await self._endings.insist(lambda: self._consumer.clear_warning(f"page:{page}"))

    async def missing(self, page: str, error: str) -> None:
        """A lead was given up because it is missing or out of sight: tell the operator."""
        text = f"page {page or '(none)'}: a lead was given up; check the page's lead access. {error}"
        await self._warn(f"missing:{page}", text)

    async def fields(self, page: str, *, there: bool) -> None:
        """Leads of the page come with their answers, or without: then the operator has to give access."""
        key = f"fields:{page}"
        if there and key not in self._told_well:
            self._told_well.add(key)
            await self._endings.insist(lambda: self._consumer.clear_warning(key))
        elif not there:
            self._told_well.discard(key)
            text = f"page {page or '(none)'}: leads come without their answers; check leads_retrieval and lead access"
            await self._warn(key, text)

    async def _warn(self, key: str, text: str) -> None:
        await self._endings.insist(lambda: self._consumer.warn(key, text))
