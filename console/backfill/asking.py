"""Owns a backfill's calls of the Graph API: never during a pause, with the workers' pauses, again after what passes."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from api.graph import EVERY, Action, GraphClient, GraphTroubleError
from api.models import PagePause
from console.backfill.patience import Patience
from console.errors import ConsoleError, UnreachableError
from console.format import clock, safe
from console.links import Links

T = TypeVar("T")

TRIES = 6
"""Calls for one thing that fail in a way that passes, before it is given up."""

_FIRST_S = 0.5
_MOST_S = 30.0
_LOOK_S = 2.0
"""During a pause it is looked so often whether an operator has lifted it."""
UNREACHABLE_S = 120.0


class Asking:
    """Calls of one backfill.

    Args:
        share: tell the workers of limits that are met; they wait for what they tell each other in any case.
    """

    def __init__(self, links: Links, graph: GraphClient, patience: Patience, *, share: bool) -> None:
        self._links = links
        self._graph = graph
        self._patience = patience
        self._share = share
        self._theirs: dict[str, PagePause] = {}
        self._away_since: float | None = None

    async def call(self, page: str, ask: Callable[[], Awaitable[T]]) -> T:
        """What `ask` comes to, for a page's token.

        Raises:
            ConsoleError: the page waits for an operator, or the Graph API refuses, or fails again and again.
            UnreachableError: nobody answers there for long.
            HaltedError: the operator had it end.
        """
        failures = 0
        while True:
            await self._wait(page)
            try:
                result = await self._patience.hold(ask)
            except GraphTroubleError as error:
                await self._tell_workers(page, answered=error.answered)
                self._judge_away(error)
                if error.trouble.action is Action.WAIT:
                    continue
                failures += 1
                if error.trouble.action is not Action.RETRY or failures >= (error.trouble.tries or TRIES):
                    raise ConsoleError(str(error), _hint(error)) from None
                await self._patience.sleep(min(_MOST_S, _FIRST_S * 2.0 ** (failures - 1)))
            else:
                self._away_since = None
                await self._tell_workers(page, answered=True)
                return result

    async def _wait(self, page: str) -> None:
        """Return when calls for the page may be made."""
        waited = False
        while True:
            await self._learn()
            asks = next((self._theirs[name] for name in (EVERY, page) if _open(self._theirs.get(name))), None)
            if asks:
                title = "every page waits" if asks.page == EVERY else f"page {page} waits"
                raise ConsoleError(
                    f"{title} for an operator: {safe(asks.reason, 200)}",
                    f"put it right, then: leadsctl queue resume --page {safe(asks.page, 40)}",
                )
            found = self._graph.limits.blocked(page)
            if not found:
                if waited:
                    self._patience.over("goes on", "graph")
                return
            name, block = found
            whose = "every page" if name == EVERY else f"page {page}"
            self._patience.tell(f"{whose} waits until {clock(block.until)}: {safe(block.reason, 120)}", "graph")
            waited = True
            await self._patience.sleep(min(_LOOK_S, max(0.0, block.until - time.time()) + 0.01))

    async def _learn(self) -> None:
        """Take over the pauses that workers keep, and that one was lifted."""
        found = await self._patience.insist(lambda: self._links.backlog(lambda backlog: backlog.pauses()), "queue")
        before, self._theirs = self._theirs, {pause.page: pause for pause in found}
        for name in before.keys() - self._theirs.keys():
            self._graph.limits.unblock(name)
        for pause in found:
            if pause.until:
                self._graph.limits.block(pause.page, pause.until, pause.reason)

    async def _tell_workers(self, page: str, *, answered: bool) -> None:
        """Let the workers wait for a block that the Graph API spoke of. That it cannot be reached from here is ours."""
        found = self._graph.limits.blocked(page)
        if not found or not answered or not self._share:
            return
        name, block = found
        known = self._theirs.get(name)
        if known and (not known.until or known.until >= block.until - 1.0):
            return
        pause = PagePause(name, "limit", block.until, block.reason)
        await self._patience.insist(lambda: self._links.backlog(lambda backlog: backlog.set_pause(pause)), "queue")
        self._theirs[name] = pause

    def _judge_away(self, error: GraphTroubleError) -> None:
        if error.answered or error.trouble.action is not Action.WAIT:
            self._away_since = None
            return
        now = time.monotonic()
        self._away_since = self._away_since or now
        if now - self._away_since > UNREACHABLE_S:
            raise UnreachableError(str(error), "leadsctl doctor looks at the way there") from None


def _open(pause: PagePause | None) -> bool:
    """Whether a pause lasts until an operator acts."""
    return pause is not None and not pause.until


def _hint(error: GraphTroubleError) -> str:
    return "leadsctl doctor says what to put right" if error.trouble.action is Action.ASK else ""
