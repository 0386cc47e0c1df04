"""Owns what the web process reads of queue and store for those who watch it: readiness and metrics, at small cost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TypeVar

from api.cause import MEANINGS, Cause, Database, why
from api.errors import QueueUnavailableError
from api.models import QueueSnapshot
from api.queue import Inspector
from api.scrape import Scrape
from api.store import Reader
from api.web.cached import Cached
from api.web.health import Check, Readiness

T = TypeVar("T")

KEPT_S = 1.0
"""However many ask, each server is asked once in so long."""

_PATIENCE_S = 3.0
_REFUSES = {"memory": "out of memory", "disk": "cannot write: misconf"}


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look at both servers found: nothing else is judged, so no part of an answer denies another.

    `queue` is None if Redis does not tell.
    """

    states: dict[str, Check]
    queue: QueueSnapshot | None

    @property
    def cause(self) -> Cause:
        postgres = self.states["postgres"]
        return why(self.queue, database=Database(postgres.ok, postgres.reason))


class Figures:
    """Reads; nothing here raises for a server that is away."""

    def __init__(self, inspector: Inspector, reader: Reader) -> None:
        self._inspector = inspector
        self._queue: QueueSnapshot | None = None
        self._tallies = Cached(inspector.tallies, KEPT_S)
        self._store = Cached(lambda: reader.snapshot(midnight(), latest=0), KEPT_S)
        self._readiness = Readiness({"redis": self._redis, "postgres": reader.ping})
        self._looks = Cached(self._look, KEPT_S)

    async def ready(self) -> tuple[bool, dict[str, object]]:
        """Whether Redis and Postgres do their part, and the answer that says so, with the queue's cause."""
        look = await self._looks.get()
        ready = all(state.ok for state in look.states.values())
        told: dict[str, object] = {name: asdict(state) for name, state in look.states.items()}
        queue = {"cause": look.cause.kind.value, "means": MEANINGS[look.cause.kind]}
        return ready, {"status": "ready" if ready else "not ready", **told, "queue": queue}

    async def scrape(self) -> Scrape:
        """Everything /metrics shows of queue and store. What is kept of a server goes when a look finds that away."""
        look, tallies, store = await asyncio.gather(
            self._looks.get(), _or_none(self._tallies.get()), _or_none(self._store.get())
        )
        if look.queue is None:
            tallies = None
        if not look.states["postgres"].ok:
            store = None
        return Scrape(look.queue, tallies, store, look.cause)

    async def _look(self) -> _Look:
        states = await self._readiness.states()
        return _Look(states, self._queue)

    async def _redis(self) -> None:
        """Redis answers, and takes jobs. QueueUnavailableError."""
        self._queue = None
        await self._inspector.ping()
        self._queue = await self._inspector.snapshot()
        if self._queue.refuses:
            reason = _REFUSES.get(self._queue.refuses, self._queue.refuses)
            raise QueueUnavailableError(f"Redis takes no jobs: {reason}")


def midnight() -> datetime:
    """The beginning of this day, UTC."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


async def _or_none(asked: Awaitable[T]) -> T | None:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await asked
    except Exception:  # noqa: BLE001 - whatever is wrong with a server, its figures are left out
        return None
