"""Names of forms and pages, asked for once and remembered: a lead's answer has only their ids."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from api.errors import StoreUnavailableError
from api.graph import GraphClient
from api.store import Writer

KEEP_S = 3_600.0
KEEP_NONE_S = 600.0
_MAX_KEPT = 10_000
_MAX_WAIT_S = 3.0


class Names:
    """What is known of names. A name that cannot be had in a moment is left out: no lead waits for it."""

    def __init__(self, graph: GraphClient, store: Writer | None = None) -> None:
        """`store`: knows what pages were called before."""
        self._graph = graph
        self._store = store
        self._known: dict[str, tuple[str, float]] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}

    async def of(self, page: str, ids: Iterable[str]) -> dict[str, str]:
        """The names of these forms and pages as far as they are known within a moment; asked with the page's token."""
        wanted = {each for each in ids if each}
        now = time.monotonic()
        unknown = [each for each in sorted(wanted) if self._known.get(each, ("", 0.0))[1] <= now]
        if self._graph.limits.paced(page):
            # What is left of the limit is for leads.
            unknown = []
        new = [each for each in unknown if each not in self._asking]
        if new:
            self._asking |= dict.fromkeys(new, asyncio.create_task(self._ask(page, new)))
        if unknown:
            await asyncio.wait({self._asking[each] for each in unknown}, timeout=_MAX_WAIT_S)
        return {each: self._known[each][0] for each in wanted if self._known.get(each, ("",))[0]}

    async def page_name(self, page: str) -> str:
        """What a page is called as far as that is known without asking the Graph API, "" if it is not."""
        name, _ = self._known.get(page, ("", 0.0))
        if not name and page and self._store is not None:
            try:
                async with asyncio.timeout(_MAX_WAIT_S):
                    name = await self._store.name_of("page", page)
            except (StoreUnavailableError, TimeoutError):
                name = ""
        return name

    async def close(self) -> None:
        """Ask no more."""
        asking = set(self._asking.values())
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    async def _ask(self, page: str, ids: list[str]) -> None:
        try:
            names = await self._graph.names(page, ids)
            if len(self._known) > _MAX_KEPT:
                self._known.clear()
            for each in ids:
                name = names.get(each) or self._known.get(each, ("",))[0]
                self._known[each] = (name, time.monotonic() + (KEEP_S if name else KEEP_NONE_S))
        finally:
            for each in ids:
                del self._asking[each]
