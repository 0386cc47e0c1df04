"""Writes what is ready as whole batches, takes it off the queue, and keeps a bad lead from failing its batch."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from api import logs
from api.errors import PayloadError, StoreUnavailableError
from api.models import Outcome
from api.queue import Taken
from api.reasons import reason_of
from api.store import Write, Writer, Written
from api.worker.decode import with_plain_raw
from api.worker.endings import Endings

T = TypeVar("T")

MAX_BYTES = 16_000_000
"""Of raw text in one transaction."""

WRITERS = 4
"""Transactions of a worker that may overlap: while some wait for the disk and for Postgres, the next are made ready."""

LEAST_WRITERS = 2
ALL_WRITERS = 8
"""Transactions of all workers that help. More wait for one another, for their turn to lengthen the index's file."""

GATHER_S = 0.02
"""For which a batch grows while others are being written, unless it is half full before."""

_MAX_PAUSE_S = 5.0
_ASIDE_S = 0.1
_LATELY_S = 10.0


@dataclass(frozen=True, slots=True)
class Ready:
    """A job whose lead can be written. `started_at` (epoch seconds) is when its attempt began."""

    taken: Taken
    write: Write
    started_at: float


@dataclass(frozen=True, slots=True)
class _Wrote:
    """The last write: when it ended (monotonic seconds), and how long it took."""

    at: float = float("-inf")
    took_s: float = 0.0


class Storer:
    """Takes what is ready in batches as large as they have become. Run `run` for each of the WRITERS.

    `up` is set while Postgres answers, as far as is known. `writers` is how many of the WRITERS work.
    """

    def __init__(self, writer: Writer, endings: Endings, *, batch: int) -> None:
        self.up = asyncio.Event()
        self.up.set()
        self._writer = writer
        self._endings = endings
        self._batch = batch
        self._ready: deque[Ready] = deque()
        self._some = asyncio.Event()
        self._many = asyncio.Event()
        self._next_one = asyncio.Lock()
        self.writers = WRITERS
        self._told = ""
        self._error: StoreUnavailableError | None = None
        self._writing: list[float] = []
        self._wrote = _Wrote()
        self._log = logs.get_logger()

    def put(self, ready: Ready) -> None:
        """Have this written, soon."""
        self._ready.append(ready)
        self._some.set()
        if 2 * len(self._ready) >= self._batch:
            self._many.set()

    def share(self, workers: int) -> None:
        """So many workers write to the same tables, this one included."""
        self.writers = max(LEAST_WRITERS, min(WRITERS, ALL_WRITERS // max(1, workers)))

    async def run(self, place: int = 0) -> None:
        """Write what comes, without end; the writers in the last places stand aside where there are many workers."""
        while True:
            if place >= self.writers:
                await asyncio.sleep(_ASIDE_S)
                continue
            batch = await self._gathered()
            try:
                await self.store(batch)
            except Exception as error:  # noqa: BLE001 - a fault of ours must not keep jobs in hand for ever
                for ready in batch:
                    await self._endings.fault(ready.taken, error, ready.started_at)

    async def wait_up(self) -> None:
        """Return once Postgres answers and has the schema."""
        await self._patiently(self._writer.ping)

    async def store(self, batch: Sequence[Ready]) -> None:
        """Write a batch and take it off the queue. A value that Postgres refuses is hunted down by halving."""
        if not batch:
            return
        try:
            written = await self._patiently(lambda: self._write(batch))
        except PayloadError as error:
            await self._split(batch, error)
            return
        await self._endings.settle([ready.taken for ready in batch])
        self._endings.tell_stored(
            [
                (ready.write.job, result, result.outcome is Outcome.STORED and ready.write.lead.status == "partial")
                for ready, result in zip(batch, written, strict=True)
            ]
        )

    @property
    def trouble(self) -> str:
        """Why Postgres takes no rows, in a few fixed words; "" while it does, as far as is known."""
        return "" if self.up.is_set() or self._error is None else reason_of(self._error)

    @property
    def write_s(self) -> tuple[float, float]:
        """Seconds that the oldest write under way has lasted, and that a batch took lately; 0 where there is none."""
        now = time.monotonic()
        lately = self._wrote.took_s if now - self._wrote.at < _LATELY_S else 0.0
        return now - min(self._writing, default=now), lately

    async def ended(self, job_ids: Sequence[str]) -> set[str]:
        """Which of the jobs have a row already. Empty while Postgres does not answer: then they will be found later."""
        try:
            return await self._writer.ended(job_ids)
        except StoreUnavailableError:
            return set()

    async def _write(self, batch: Sequence[Ready]) -> list[Written]:
        began = time.monotonic()
        self._writing.append(began)
        try:
            written = await self._writer.write([ready.write for ready in batch])
        finally:
            self._writing.remove(began)
        ended = time.monotonic()
        self._wrote = _Wrote(ended, ended - began)
        self._endings.tally.observe("store_write_seconds", ended - began)
        self._endings.tally.observe("store_batch_jobs", len(batch))
        return written

    async def _gathered(self) -> list[Ready]:
        """The next batch: at once if nothing else is being written. Many small transactions cost more than a few."""
        async with self._next_one:
            await self._some.wait()
            if self._writing:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(GATHER_S):
                        await self._many.wait()
            return self._next()

    def _next(self) -> list[Ready]:
        batch: list[Ready] = []
        size = 0
        while self._ready and len(batch) < self._batch and size < MAX_BYTES:
            ready = self._ready.popleft()
            size += len(ready.write.lead.raw)
            batch.append(ready)
        if not self._ready:
            self._some.clear()
        if 2 * len(self._ready) < self._batch:
            self._many.clear()
        return batch

    async def _split(self, batch: Sequence[Ready], error: PayloadError) -> None:
        if len(batch) > 1:
            middle = len(batch) // 2
            await self.store(batch[:middle])
            await self.store(batch[middle:])
            return
        (ready,) = batch
        lead = ready.write.lead
        if not lead.raw.startswith('"'):
            # JSON that jsonb cannot hold, most likely: the lead itself is well.
            await self.store([replace(ready, write=replace(ready.write, lead=with_plain_raw(lead)))])
            return
        await self._endings.bury(ready.taken, str(error), ready.started_at)

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Repeat `call` until Postgres answers; the jobs stay in hand and lose no attempt meanwhile."""
        pause_s = 0.2
        while True:
            try:
                result = await call()
            except StoreUnavailableError as error:
                self._error = error
                if self.up.is_set() or str(error) != self._told:
                    self.up.clear()
                    self._told = str(error)
                    self._log.warning("store.unavailable", error=self._told)
                await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load
                pause_s = min(2 * pause_s, _MAX_PAUSE_S)
            else:
                if not self.up.is_set():
                    self.up.set()
                    self._log.info("store.available")
                return result
