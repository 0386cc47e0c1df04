"""The worker process: takes jobs, sends each on its way, keeps the queue moving, and drains when told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

from api import logs
from api.errors import PayloadError, QueueUnavailableError, StoreUnavailableError
from api.graph import GraphClient
from api.queue import Consumer, Taken
from api.settings import Settings
from api.sources import sources_of
from api.store import Write, Writer
from api.worker.endings import Endings
from api.worker.hand import Hand
from api.worker.lanes import Lanes
from api.worker.names import Names
from api.worker.pages import Pages
from api.worker.policy import MAX_DELIVERIES, attempted
from api.worker.prober import Prober
from api.worker.pulse import Pulse
from api.worker.storing import WRITERS, Ready, Storer

BEAT_S = 0.5
TEND_S = 0.25
RECLAIM_S = 0.25
PAUSES_S = 1.0
STORE_S = 2.0
DAY_S = 86_400.0

SUSPECT = 3
"""Jobs handed out so often without an end are worked on with nothing else in hand: one may be what kills the worker."""

_READ_S = 0.5
_ALONE_S = 10.0


class Worker:
    """One worker. `run` until `stop`."""

    def __init__(self, settings: Settings, *, consumer: Consumer, writer: Writer, graph: GraphClient) -> None:
        self._settings = settings
        self._sources = sources_of(settings)
        self._consumer = consumer
        self._writer = writer
        self._stopping = asyncio.Event()
        self._hand = Hand(settings.worker_prefetch)
        self._endings = Endings(settings, consumer, self._hand)
        self._storer = Storer(writer, self._endings, batch=settings.worker_batch)
        self._names = Names(graph, writer)
        self._pages = Pages(consumer, self._endings, graph, self._names, settings.retry_base)
        self._prober = Prober(consumer, self._endings, graph, self._pages)
        self._lanes = Lanes(
            graph,
            pages=self._pages,
            names=self._names,
            storer=self._storer,
            endings=self._endings,
            worker=settings.worker_name,
            region=settings.default_region,
        )
        self._pulse = Pulse(
            consumer,
            endings=self._endings,
            storer=self._storer,
            graph=graph,
            oldest_call_s=lambda: self._lanes.oldest_call_s,
        )
        self._store_told: bool | None = None
        self._done_at: dict[str, float] = {}
        self._log = logs.get_logger()

    def stop(self) -> None:
        """Take no more jobs, finish what has been begun, and return from `run`."""
        self._stopping.set()

    async def run(self) -> None:
        """Work until stopped, then drain."""
        name = self._settings.worker_name
        beating = asyncio.create_task(self._forever(self._pulse.beat, BEAT_S))
        try:
            await self._until_stopped(self._endings.insist(self._consumer.open))
            # Known before the first job is taken: calls during a block lengthen it.
            await self._until_stopped(self._pages.begin())
            self._prober.hurry()
            await self._until_stopped(self._storer.wait_up())
            if self._stopping.is_set():
                return
            self._log.info("worker.started", worker=name, batch=self._settings.worker_batch)
            tasks = [
                asyncio.create_task(self._forever(self._tend, TEND_S)),
                asyncio.create_task(self._forever(self._reclaim, RECLAIM_S)),
                *(asyncio.create_task(self._forever(partial(self._storer.run, n), 0.0)) for n in range(WRITERS)),
            ]
            try:
                await self._forever(self._feed, 0.0, until_stopped=True)
                await self._drain()
            finally:
                await _cancelled(tasks)
                await self._lanes.abandon()
                await self._prober.close()
                await self._names.close()
        finally:
            await _cancelled([beating])
            with contextlib.suppress(QueueUnavailableError):
                await self._pulse.beat()

    async def _drain(self) -> None:
        """Finish what is under way within the grace period; the rest is safe in the queue, in this worker's name."""
        began = time.monotonic()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.drain_timeout):
                await self._lanes.close()
        left = self._settings.drain_timeout - (time.monotonic() - began)
        await self._hand.emptied(max(0.0, left))
        self._log.info(
            "worker.drained",
            worker=self._settings.worker_name,
            left=len(self._hand),
            stored=self._endings.stored,
            failed=self._endings.failed,
            took_s=round(time.monotonic() - began, 3),
        )

    async def _feed(self) -> None:
        """Take jobs and send them on their way, as many as there is room for."""
        if not self._storer.up.is_set():
            await self._until_stopped(self._storer.up.wait(), 1.0)
            return
        batch, most = self._settings.worker_batch, self._settings.worker_prefetch
        # Among many workers, and of what waits for the Graph API, less is held: it is nearer to a row elsewhere, should
        # this one be gone.
        aside = most * (WRITERS - self._storer.writers) // WRITERS
        room = min(self._hand.room(self._lanes.slow) - aside, batch * 3 // 2 - self._lanes.quick)
        if room < min(batch, most) // 4 + 1:
            await self._lanes.shed()
            await self._hand.change(0.2)
            return
        taken = await self._consumer.read(min(batch, room), _READ_S)
        self._endings.queue_back()
        await self._route(taken)

    async def _route(self, taken: Sequence[Taken]) -> None:
        """Send jobs to the storer, to their page's lane, off the queue or to the dead."""
        self._hand.take(taken)
        again = [each for each in taken if each.deliveries > 1]
        if again:
            ended = await self._storer.ended([each.job.id for each in again])
            done = [each for each in again if each.job.id in ended]
            if done:
                await self._endings.settle(done)
                taken = [each for each in taken if each.job.id not in ended]
        started_at = time.time()
        suspects = [each.entry_id for each in taken if each.deliveries >= SUSPECT]
        async with self._hand.alone(suspects, _ALONE_S) if suspects else nullcontext():
            for each in taken:
                if each.deliveries > MAX_DELIVERIES:
                    error = f"handed to workers {each.deliveries} times without an end: it may be what stops them"
                    await self._endings.bury(each, error, started_at, kind="suspect")
                else:
                    await self._send(each, started_at)

    async def _send(self, taken: Taken, started_at: float) -> None:
        job = taken.job
        source = self._sources.get(job.source)
        if source is not None and source.fetched:
            self._lanes.put(taken)
            return
        try:
            if source is None:
                raise PayloadError(f"no such source: {job.source[:50]!a}")
            lead = source.lead(job)
        except PayloadError as error:
            await self._endings.bury(taken, str(error), started_at)
            return
        except Exception as error:  # noqa: BLE001 - a fault of ours must not keep jobs in hand for ever
            await self._endings.fault(taken, error, started_at)
            return
        name = self._settings.worker_name
        done = attempted(job, name, started_at, time.time() - started_at)
        self._storer.put(Ready(taken, Write(done, lead, name), started_at))

    async def _tend(self) -> None:
        """Make due retries ready, hold on to what takes long, learn of pauses, forget what is old."""
        while await self._consumer.promote_due():
            pass
        await self._consumer.extend(self._hand.to_extend(self._settings.visibility_timeout / 4))
        await self._now_and_then("pauses", PAUSES_S, self._pages.refresh)
        self._prober.tend()
        await self._now_and_then("store", STORE_S, self._tell_store)
        await self._now_and_then("old", DAY_S, self._forget)

    async def _reclaim(self) -> None:
        """Take over what other workers have left behind. Not while Postgres is away: they wait as this one does."""
        if self._stopping.is_set():
            return
        # A backlog keeps the hand full, and what a dead worker has left behind is older than all of it.
        room = self._hand.room(self._lanes.slow, spare=self._settings.worker_prefetch)
        if room and self._storer.up.is_set() and not await self._consumer.paused():
            taken = [each for each in await self._consumer.reclaim(room) if each.entry_id not in self._hand]
            if taken:
                self._log.info("worker.reclaimed", worker=self._settings.worker_name, jobs=len(taken))
            await self._route(taken)

    async def _tell_store(self) -> None:
        """Let the operator know whether jobs wait for Postgres."""
        up = self._storer.up.is_set()
        if not up:
            await self._consumer.warn("store", "Postgres does not answer: leads wait in the queue")
        elif self._store_told is not up:
            await self._consumer.clear_warning("store")
        self._store_told = up

    async def _forget(self) -> None:
        """Drop what was discarded a month ago, and counters nobody reads any more."""
        while await self._consumer.purge_discarded():
            pass
        with contextlib.suppress(StoreUnavailableError):
            await self._writer.tidy()

    async def _now_and_then(self, what: str, every_s: float, call: Callable[[], Awaitable[None]]) -> None:
        """Do it if it has not been done for so many seconds."""
        if time.monotonic() - self._done_at.get(what, float("-inf")) >= every_s:
            await call()
            self._done_at[what] = time.monotonic()

    async def _forever(
        self, step: Callable[[], Awaitable[None]], every_s: float, *, until_stopped: bool = False
    ) -> None:
        """Repeat a step, whatever happens in it."""
        pause_s = 0.1
        while not (until_stopped and self._stopping.is_set()):
            try:
                await step()
            except QueueUnavailableError as error:
                self._endings.queue_away(error)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, 1.0)
                continue
            except Exception as error:  # noqa: BLE001 - whatever it was, the worker goes on
                self._log.error("worker.fault", exc_info=error)
                await asyncio.sleep(1.0)
            pause_s = 0.1
            if every_s:
                await asyncio.sleep(every_s)

    async def _until_stopped(self, what: Coroutine[Any, Any, Any], timeout_s: float | None = None) -> None:
        """Wait for `what`, but no longer than until the worker is told to stop, or `timeout_s`."""
        tasks = [asyncio.ensure_future(what), asyncio.ensure_future(self._stopping.wait())]
        try:
            await asyncio.wait(tasks, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _cancelled(tasks)


async def _cancelled(tasks: Sequence[asyncio.Future[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def work(settings: Settings) -> None:
    """Run one worker until SIGTERM or SIGINT, then drain."""
    loop = asyncio.get_running_loop()
    consumer = Consumer(settings.redis_url, settings.queue_namespace, settings.worker_name, settings.visibility_timeout)
    writer = Writer(settings.database_url, size=WRITERS + 1)
    graph = GraphClient.of(settings, connections=64)
    worker = Worker(settings, consumer=consumer, writer=writer, graph=graph)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, worker.stop)
    try:
        await worker.run()
    finally:
        await graph.close()
        await writer.close()
        await consumer.close()


def run(settings: Settings) -> int:
    """See `api.worker.run`."""
    # A batch is thousands of values that live for a moment and form no cycles: looking for garbage there is in vain.
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    try:
        import uvloop
    except ImportError:
        asyncio.run(work(settings))
    else:
        uvloop.run(work(settings))
    return 0
