"""Owns what the web process reads of queue and store for those who watch it: readiness and metrics, at small cost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from dataclasses import asdict
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


class Figures:
    """Reads; nothing here raises for a server that is away."""

    def __init__(self, inspector: Inspector, reader: Reader) -> None:
        self._inspector = inspector
        self._queue = Cached(inspector.snapshot, KEPT_S)
        self._tallies = Cached(inspector.tallies, KEPT_S)
        self._store = Cached(lambda: reader.snapshot(midnight(), latest=0), KEPT_S)
        self._readiness = Readiness({"redis": self._redis, "postgres": reader.ping}, ttl_s=KEPT_S)

    async def ready(self) -> tuple[bool, dict[str, object]]:
        """Whether Redis and Postgres do their part, and the answer that says so, with the queue's cause."""
        states = await self._readiness.states()
        cause = _cause(await _or_none(self._queue.get()), states)
        ready = all(state.ok for state in states.values())
        told: dict[str, object] = {name: asdict(state) for name, state in states.items()}
        queue = {"cause": cause.kind.value, "means": MEANINGS[cause.kind]}
        return ready, {"status": "ready" if ready else "not ready", **told, "queue": queue}

    async def scrape(self) -> Scrape:
        """Everything /metrics shows of queue and store."""
        states, queue, tallies, store = await asyncio.gather(
            self._readiness.states(),
            _or_none(self._queue.get()),
            _or_none(self._tallies.get()),
            _or_none(self._store.get()),
        )
        return Scrape(queue, tallies, store, _cause(queue, states))

    async def _redis(self) -> None:
        """Redis answers, and takes jobs. QueueUnavailableError."""
        await self._inspector.ping()
        refuses = (await self._queue.get()).refuses
        if refuses:
            raise QueueUnavailableError(f"Redis takes no jobs: {_REFUSES.get(refuses, refuses)}")


def midnight() -> datetime:
    """The beginning of this day, UTC."""
    return datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def _cause(queue: QueueSnapshot | None, states: dict[str, Check]) -> Cause:
    if queue is not None and not states["redis"].ok and not queue.refuses:
        queue = None
    postgres = states["postgres"]
    return why(queue, database=Database(postgres.ok, postgres.reason))


async def _or_none(asked: Awaitable[T]) -> T | None:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await asked
    except Exception:  # noqa: BLE001 - whatever is wrong with a server, its figures are left out
        return None
