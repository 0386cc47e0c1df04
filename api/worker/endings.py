"""How a job leaves the worker's hand: off the queue, tried again later, waiting, buried. Insists until Redis has it."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import msgspec

from api import logs
from api.errors import QueueUnavailableError
from api.graph import Trouble
from api.graph.verdict import unreadable
from api.models import Job
from api.queue import Consumer, Taken
from api.settings import Settings
from api.store import Written
from api.tally import Tally
from api.worker.hand import Hand
from api.worker.policy import attempted, delay_after, waited

T = TypeVar("T")

ABREAST = 16
"""Jobs that are put back at once, each over a connection of its own."""

_MAX_PAUSE_S = 2.0


class _Stored(msgspec.Struct, kw_only=True):
    """The line in the log of a job that ended in a row."""

    ts: str
    level: str = "info"
    event: str
    job_id: str
    external_id: str
    request_id: str
    outcome: str
    lead_id: int
    attempt: int


class Endings:
    """Ends jobs, counts and logs what happened to them.

    Attributes:
        stored: jobs that ended in a row, since the start.
        failed: attempts that failed.
        tally: what became of jobs and attempts, for the metrics.
    """

    def __init__(self, settings: Settings, consumer: Consumer, hand: Hand) -> None:
        self.stored = 0
        self.failed = 0
        self.tally = Tally()
        self._settings = settings
        self._consumer = consumer
        self._hand = hand
        self._log = logs.get_logger()
        self._away = False
        self._abreast = asyncio.Semaphore(ABREAST)

    async def insist(self, call: Callable[[], Awaitable[T]]) -> T:
        """Repeat `call` until Redis answers."""
        pause_s = 0.1
        while True:
            try:
                result = await call()
            except QueueUnavailableError as error:
                self.queue_away(error)
                await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load
                pause_s = min(2 * pause_s, _MAX_PAUSE_S)
            else:
                self.queue_back()
                return result

    def queue_away(self, error: QueueUnavailableError) -> None:
        """Log, once, that Redis does not answer."""
        if not self._away:
            self._away = True
            self._log.warning("queue.unavailable", error=str(error))

    def queue_back(self) -> None:
        """Log that it answers again."""
        if self._away:
            self._away = False
            self._log.info("queue.available")

    async def settle(self, taken: Sequence[Taken]) -> None:
        """Take finished jobs off the queue."""
        ids = [each.entry_id for each in taken]
        await self.insist(lambda: self._consumer.settle(ids))
        self._hand.release(ids)

    async def wait(self, taken: Taken, until: float, reason: str) -> None:
        """Put a job back until `until` (epoch seconds) without burning an attempt."""
        job = waited(taken.job, self._settings.worker_name, time.time(), reason)
        moved = await self.insist(lambda: self._consumer.defer(taken, job, until, reason))
        self._hand.release([taken.entry_id])
        self._tell("info", "lead.waits", "waited", job, moved, reason=reason, until=round(until, 1))

    async def wait_each(self, waits: Sequence[tuple[Taken, float, str]]) -> None:
        """As `wait` for many, several at once."""
        await asyncio.gather(*(self._one_of_many(*each) for each in waits))

    async def give_back(self, taken: Taken) -> None:
        """Put a job back that nobody has begun with."""
        await self.insist(lambda: self._consumer.defer(taken, taken.job, 0.0, "handed back"))
        self._hand.release([taken.entry_id])

    async def fail(self, taken: Taken, trouble: Trouble, started_at: float, *, kind: str = "") -> bool:
        """Count a failed attempt, and try again later or bury it; whether it was buried. `kind` as in `bury`."""
        job = self._counted(taken, trouble.error, started_at, kind or trouble.label)
        delay_s = delay_after(
            job, trouble, max_attempts=self._settings.max_attempts, retry_base=self._settings.retry_base
        )
        if delay_s is None:
            await self._bury(taken, job, trouble.error)
            return True
        due_at = time.time() + delay_s
        moved = await self.insist(lambda: self._consumer.retry(taken, job, due_at, trouble.error))
        self._hand.release([taken.entry_id])
        self._tell("warning", "lead.retry", "retried", job, moved, error=trouble.error, delay_s=round(delay_s, 1))
        return False

    async def bury(self, taken: Taken, error: str, started_at: float, *, kind: str = "payload") -> None:
        """Give a job up at once, with its last attempt counted; `kind` is the metrics' word for the error."""
        await self._bury(taken, self._counted(taken, error, started_at, kind), error)

    async def fault(self, taken: Taken, error: Exception, started_at: float) -> None:
        """Our own code failed on a job: count it as a failed attempt, so that it is not held in hand for ever."""
        job = taken.job
        self._log.error(
            "worker.fault", job_id=job.id, external_id=job.external_id, request_id=job.request_id, exc_info=error
        )
        try:
            trouble = unreadable(f"fault in the worker ({type(error).__name__})")
            await self.fail(taken, trouble, started_at, kind="fault")
        except Exception as again:  # noqa: BLE001 - then it is taken over once its visibility timeout has passed
            self._hand.release([taken.entry_id])
            self._log.error("worker.fault", job_id=job.id, request_id=job.request_id, exc_info=again)

    def tell_stored(self, ended: Sequence[tuple[Job, Written, bool]]) -> None:
        """Count and log jobs that ended in rows: what became of each, and whether its lead is partial."""
        self.stored += len(ended)
        self.tally.add("attempts", "none", len(ended))
        for outcome, number in Counter([written.outcome for _, written, _ in ended]).items():
            self.tally.add("jobs", outcome, number)
        at = logs.timestamp()
        for job, written, partial in ended:
            line = _Stored(
                ts=at,
                event="lead.partial" if partial else "lead.stored",
                job_id=job.id,
                external_id=job.external_id,
                request_id=job.request_id,
                outcome=written.outcome,
                lead_id=written.lead_id,
                attempt=job.attempt,
            )
            logs.emit_struct("info", line)

    async def _one_of_many(self, taken: Taken, until: float, reason: str) -> None:
        async with self._abreast:
            await self.wait(taken, until, reason)

    def _counted(self, taken: Taken, error: str, started_at: float, kind: str) -> Job:
        self.failed += 1
        self.tally.add("attempts", kind)
        took_s = max(0.0, time.time() - started_at)
        return attempted(taken.job, self._settings.worker_name, started_at, took_s, error)

    async def _bury(self, taken: Taken, job: Job, error: str) -> None:
        moved = await self.insist(lambda: self._consumer.bury(taken, job, error))
        self._hand.release([taken.entry_id])
        self._tell("error", "lead.dead", "dead", job, moved, error=error)

    def _tell(self, level: str, event: str, outcome: str, job: Job, moved: bool, **more: object) -> None:
        """Count and log where a job went. `moved` false: another worker had taken it over, and decides."""
        if moved:
            self.tally.add("jobs", outcome)
            getattr(self._log, level)(
                event,
                job_id=job.id,
                external_id=job.external_id,
                request_id=job.request_id,
                page=job.page,
                attempt=job.attempt,
                **more,
            )
