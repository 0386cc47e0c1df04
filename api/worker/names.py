"""Names of forms and pages, asked for once and remembered: a lead's answer has only their ids."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable

from api.graph import GraphClient

KEEP_S = 3_600.0
KEEP_NONE_S = 600.0
_MAX_KEPT = 10_000
_MAX_WAIT_S = 3.0


class Names:
    """What is known of names. A name that cannot be had in a moment is left out: no lead waits for it."""

    def __init__(self, graph: GraphClient) -> None:
        self._graph = graph
        self._known: dict[str, tuple[str, float]] = {}

    async def of(self, page: str, ids: Iterable[str]) -> dict[str, str]:
        """The names of these forms and pages as far as they are known within a moment; asked with the page's token."""
        wanted = {each for each in ids if each}
        now = time.monotonic()
        unknown = sorted(each for each in wanted if self._known.get(each, ("", 0.0))[1] <= now)
        if unknown:
            # One asks; whoever comes meanwhile does without.
            self._keep(unknown, {}, now)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_MAX_WAIT_S):
                    self._keep(unknown, await self._graph.names(page, unknown), now)
        return {each: self._known[each][0] for each in wanted if each in self._known and self._known[each][0]}

    def _keep(self, ids: list[str], names: dict[str, str], now: float) -> None:
        if len(self._known) > _MAX_KEPT:
            self._known.clear()
        for each in ids:
            old = self._known.get(each, ("", 0.0))[0]
            name = names.get(each, old)
            self._known[each] = (name, now + (KEEP_S if name else KEEP_NONE_S))
