"""Owns putting jobs into the queue: concurrent calls share one round trip and one fsync (group commit)."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self, cast

import hiredis

from api.models import Job
from api.queue import lua
from api.queue.batch import Call, Done, Item, Outcome, expire, fail, items_of, packed, tell
from api.queue.codec import clip
from api.queue.keys import Keys
from api.queue.types import Published
from api.queue.wire import Wire, WireError, connect, target_of

BATCH_JOBS = 1_000
BATCH_BYTES = 2_000_000
PENDING_BYTES = 64_000_000
PENDING_JOBS = 50_000
IN_FLIGHT = 2
"""Batches at Redis at once: while it writes one to disk, the next is made ready. More of them gain nothing."""
AT_ONCE = 32
"""So many waiting jobs are sent without waiting for the end of the event loop's turn: else Redis stands still while all
that came together is read, and this process while Redis writes all of it."""
GRACE_S = 1.0
"""How long into an outage calls still wait for its end; later ones fail at once until Redis is back."""
LATE_S = 0.01
"""Calls whose time is up one after another are told together, so much later at most: an outage costs little then."""
BACKOFF_S = (0.02, 0.05, 0.1, 0.2, 0.5)


class Publisher:
    """Puts jobs into the queue, each lead once in seven days.

    Use it as an async context manager, or `close` it. It connects on the first publish and reconnects by itself.
    What a lost connection leaves open is sent again while its callers still wait: the script knows its own jobs.
    """

    def __init__(self, redis_url: str, namespace: str = "leads", *, timeout_s: float = 2.0) -> None:
        """`redis_url` is redis://, rediss:// or unix:// (ValueError if not); `timeout_s` bounds a publish."""
        self._target = target_of(redis_url)
        self._keys = Keys(namespace)
        self._timeout_s = timeout_s
        self._script = lua.load("publish")
        self._named = [key.encode() for key in self._keys.all_of(self._script.keys)]
        self._queue: deque[Item] = deque()
        self._pending_bytes = 0
        self._wire: Wire | None = None
        self._up = asyncio.Event()
        self._down_since: float | None = None
        self._trouble = "not connected yet"
        self._flushers: set[asyncio.Task[None]] = set()
        self._connector: asyncio.Task[None] | None = None
        self._closed = False

    async def publish(self, jobs: Sequence[Job], dead: Sequence[tuple[Job, str]] = ()) -> Published:
        """Accept jobs; returns once Redis has acknowledged all of them (with appendfsync always: once on disk).

        `dead` are jobs born dead with the reason: kept for the operator, deduplicated and counted as accepted in the
        queue's figures, but not in what is returned. A job whose (source, external_id) was accepted within seven days
        is a duplicate and dropped. After an error some of the jobs may have been accepted: publish all of them again.

        Raises:
            QueueUnavailableError: Redis is away, slow, out of memory or refuses writes, or too much waits already.
        """
        answered: asyncio.Future[Published] = asyncio.get_running_loop().create_future()

        def done(outcome: Outcome) -> None:
            if answered.done():
                return
            if isinstance(outcome, Published):
                answered.set_result(outcome)
            else:
                answered.set_exception(outcome)

        call = self.submit(jobs, dead, done)
        try:
            return await answered
        finally:
            call.over = True

    def submit(self, jobs: Sequence[Job], dead: Sequence[tuple[Job, str]], done: Done) -> Call:
        """As `publish`, without a task or a future: `done` is called once with what came of it, perhaps at once."""
        call = Call(len(jobs) + len(dead), asyncio.get_running_loop().time() + self._timeout_s, done)
        if self._closed:
            call.fail("the service is stopping")
            return call
        if not jobs and not dead:
            call.over = True
            done(Published(0, 0))
            return call
        if self._down_since is not None and self._given_up(self._down_since):
            call.fail(self._reason())
            return call
        items = items_of(self._keys, call, jobs, dead)
        size = sum([item.size for item in items]) if len(items) > 1 else items[0].size
        if self._queue and (self._pending_bytes + size > PENDING_BYTES or len(self._queue) + len(items) > PENDING_JOBS):
            call.fail("too many jobs wait for Redis already")
            return call
        self._queue.extend(items)
        self._pending_bytes += size
        wire = self._wire
        if len(self._queue) >= AT_ONCE and len(self._flushers) <= IN_FLIGHT and wire is not None and wire.alive:
            self._send_at_once(wire)
        elif len(self._flushers) < IN_FLIGHT:
            self._flushers.add(asyncio.create_task(self._flush()))
        return call

    async def close(self) -> None:
        """Finish what is under way, then close the connection."""
        self._closed = True
        if self._flushers:
            await asyncio.wait(self._flushers, timeout=self._timeout_s)
        tasks = [task for task in (*self._flushers, self._connector) if task is not None and not task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        fail(self._queue, "the service is stopping")
        self._queue.clear()
        if self._wire is not None:
            self._wire.drop()

    def _send_at_once(self, wire: Wire) -> None:
        batch = self._next_batch()
        if batch:
            sent = wire.send(packed(b"EVALSHA", self._script.sha, self._named, batch))
            self._flushers.add(asyncio.create_task(self._flush(batch, sent)))

    async def _flush(self, batch: list[Item] | None = None, sent: asyncio.Future[Any] | None = None) -> None:
        """Have what waits acknowledged, batch by batch; before it, one that has been `sent` already."""
        try:
            while batch or self._queue:
                batch = batch or self._next_batch()
                if not batch:
                    continue
                try:
                    await self._commit(batch, sent)
                except BaseException:
                    fail(batch, "the service is stopping")
                    raise
                batch = sent = None
        finally:
            # At once, not when the task is done: a call may come in between, and must not count on this one.
            self._flushers.discard(cast("asyncio.Task[None]", asyncio.current_task()))

    def _next_batch(self) -> list[Item]:
        """The next jobs that still matter to somebody, within the bounds of a script; live ones first."""
        now = _now()
        batch: list[Item] = []
        size = 0
        while self._queue and len(batch) < BATCH_JOBS and (not batch or size + self._queue[0].size <= BATCH_BYTES):
            item = self._queue.popleft()
            self._pending_bytes -= item.size
            if item.call.deadline <= now:
                item.call.fail(self._reason())
            if not item.call.over:
                batch.append(item)
                size += item.size
        if not all(item.live for item in batch):
            batch.sort(key=lambda item: not item.live)
        return batch

    async def _commit(self, batch: list[Item], sent: asyncio.Future[Any] | None) -> None:
        """Have one batch acknowledged, on whatever connection there is while any of its callers waits."""
        command, script = b"EVALSHA", self._script.sha
        until = min([item.call.deadline for item in batch])
        try:
            while True:
                try:
                    if sent is None:
                        wire = await self._connected(until)
                        batch = [item for item in batch if not item.call.over]
                        if not batch:
                            return
                        sent = wire.send(packed(command, script, self._named, batch))
                    reply = await self._reply(sent, until)
                except TimeoutError:
                    now = _now()
                    following = expire(batch, now, self._reason())
                    if following is None:
                        return
                    until = max(following, now + LATE_S)
                    if sent is not None:
                        sent = self._wire.renewed(sent) if self._wire is not None else None
                except WireError:
                    sent = None
                else:
                    if not (isinstance(reply, hiredis.ReplyError) and str(reply).startswith("NOSCRIPT")):
                        self._answer(batch, reply)
                        return
                    command, script, sent = b"EVAL", self._script.text, None
        finally:
            if sent is not None:
                sent.cancel()

    async def _reply(self, sent: asyncio.Future[Any], until: float) -> Any:
        """What Redis answers. TimeoutError if it has not by then.

        A connection is dropped for its own silence only: a caller who first waited for one has little time left.
        """
        wire = self._wire
        silent = until if wire is None else wire.waiting_since + self._timeout_s
        try:
            async with asyncio.timeout_at(min(until, silent)):
                return await sent
        except TimeoutError:
            if sent.done() and not sent.cancelled():
                return sent.result()
            if wire is not None and wire.alive and wire.waiting_since + self._timeout_s <= _now():
                self._lose(f"no answer within {self._timeout_s:g} s")
            raise

    def _answer(self, batch: list[Item], reply: Any) -> None:
        if isinstance(reply, bytes) and len(reply) == len(batch):
            # The next batch is sent first: Redis is at work while these callers are answered.
            asyncio.get_running_loop().call_soon(tell, batch, reply)
            return
        reason = clip(str(reply), 200)
        fail(batch, f"Redis refused: {reason}")
        if reason.startswith(("READONLY", "LOADING", "MASTERDOWN")):
            self._lose(reason)

    async def _connected(self, until: float) -> Wire:
        if self._wire is None or not self._wire.alive:
            self._start_connecting()
            async with asyncio.timeout_at(until):
                await self._up.wait()
        if self._wire is None:
            raise WireError("connection lost again")
        return self._wire

    def _given_up(self, down_since: float) -> bool:
        """Whether the outage has lasted so long that nobody should begin to wait for its end."""
        return _now() - down_since > GRACE_S

    def _reason(self) -> str:
        """Why a call fails now."""
        late = f"no answer within {self._timeout_s:g} s"
        return f"Redis does not answer: {late if self._down_since is None else self._trouble}"

    def _lose(self, reason: str) -> None:
        self._trouble = reason
        if self._wire is not None:
            self._wire.drop()
        self._start_connecting()

    def _lost(self, wire: Wire) -> None:
        if wire is not self._wire:
            return
        self._wire = None
        if not self._closed and not self._connecting():
            self._trouble = "connection lost"
            self._start_connecting()

    def _connecting(self) -> bool:
        return self._connector is not None and not self._connector.done()

    def _start_connecting(self) -> None:
        if not self._connecting():
            self._up.clear()
            self._connector = asyncio.create_task(self._connect())

    async def _connect(self) -> None:
        loop = asyncio.get_running_loop()
        self._down_since = self._down_since or loop.time()
        attempt = 0
        while True:
            try:
                async with asyncio.timeout(self._timeout_s):
                    self._wire = await connect(self._target, self._lost)
            except TimeoutError:
                self._trouble = f"no answer within {self._timeout_s:g} s"
            except WireError as error:
                self._trouble = str(error)
            else:
                self._down_since = None
                self._up.set()
                return
            await asyncio.sleep(BACKOFF_S[min(attempt, len(BACKOFF_S) - 1)])
            attempt += 1

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def _now() -> float:
    return asyncio.get_running_loop().time()
