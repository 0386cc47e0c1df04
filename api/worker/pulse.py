"""Owns what a worker says with its heartbeat: how Postgres and the Graph API treat it, and what it has done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from heapq import nlargest

from api.graph import GraphClient, GraphCounts
from api.models import WorkerState
from api.queue import Consumer
from api.tally import Tally
from api.worker.endings import Endings
from api.worker.storing import Storer

MAX_PAGES = 50
"""Pages whose use of the limits is told: those nearest to them."""


class Pulse:
    """Beats for one worker. `oldest_call_s` gives for how long the oldest call of the Graph API has lasted, seconds."""

    def __init__(
        self,
        consumer: Consumer,
        *,
        endings: Endings,
        storer: Storer,
        graph: GraphClient,
        oldest_call_s: Callable[[], float],
    ) -> None:
        self._consumer = consumer
        self._endings = endings
        self._storer = storer
        self._graph = graph
        self._oldest_call_s = oldest_call_s

    async def beat(self) -> None:
        """One heartbeat. QueueUnavailableError."""
        counts = self._graph.counts
        state, totals = self._state(counts.used), self._totals(counts)
        workers = await self._consumer.beat(self._endings.stored, self._endings.failed, state, totals)
        self._storer.share(workers)

    def _state(self, used: Mapping[str, float]) -> WorkerState:
        wait_s, write_s = self._storer.write_s
        highest = nlargest(MAX_PAGES, used.items(), key=lambda each: each[1])
        return WorkerState(
            store_error=self._storer.trouble,
            store_wait_s=round(wait_s, 3),
            store_write_s=round(write_s, 3),
            graph_wait_s=round(self._oldest_call_s(), 3),
            graph_used=tuple((page[:40], round(percent, 1)) for page, percent in highest),
        )

    def _totals(self, counts: GraphCounts) -> dict[str, int]:
        asked = Tally()
        for outcome, number in counts.calls.items():
            asked.add("graph_calls", outcome, number)
        asked.add("graph_leads_asked", by=counts.leads_asked)
        asked.add("graph_leads", by=counts.leads_got)
        return self._endings.tally.totals | asked.totals
