"""Owns the worker's side of the queue: taking jobs, ending them, and taking over from workers that are gone."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

from api.errors import QueueUnavailableError
from api.models import Job, PagePause, WorkerState
from api.queue import pauses
from api.queue.codec import (
    KEY_LENGTH,
    TEXT_LENGTH,
    Beat,
    clip,
    encode,
    job_or_rest,
    text,
)
from api.queue.link import Link, Linked, NoGroupError
from api.queue.parking import TAKE_BYTES, Parking
from api.queue.report import Report
from api.queue.types import Taken

SETTLE_STEP = 1_000
NEVER_MS = 10**12
PAUSED_POLL_S = 0.5
REAP_EVERY_S = 60.0
FORGET_AFTER_S = 600.0
WARNINGS_KEPT = 100

_HOST = socket.gethostname()
_WELL = WorkerState()
_NONE: Mapping[str, int] = {}


class Consumer(Linked):
    """One worker's hold on the queue. Every method raises QueueUnavailableError while Redis does not answer.

    Call `beat` about once a second: a consumer without a beat for `gone_after` seconds loses its jobs to the others.
    `retry`, `defer` and `bury` that are awaited together (asyncio.gather) share round trips.
    """

    def __init__(
        self,
        redis_url: str,
        namespace: str,
        name: str,
        visibility_timeout: float = 60.0,
        gone_after: float = 2.5,
        *,
        timeout_s: float = 5.0,
    ) -> None:
        """`name` must be stable across restarts and unique among running workers. Times are seconds."""
        super().__init__(Link(redis_url, namespace, timeout_s=timeout_s))
        self.name = name
        self._visibility_ms = round(visibility_timeout * 1000)
        self._gone_s = gone_after
        self._beat_at = self._steady_since = float("-inf")
        self._started_at = time.time()
        self._held: set[str] = set()
        self._look_back = True
        self._parking = Parking(self._link, name)
        self._reap_at = time.monotonic() + REAP_EVERY_S
        self._report = Report()

    async def open(self) -> None:
        """Create stream and group where they are missing, and beat once."""
        await self._link.run("open")
        await self.beat()

    async def read(self, count: int, block_s: float) -> list[Taken]:
        """Take up to `count` jobs, waiting up to `block_s` seconds for the first; empty while the queue is paused.

        After a start (and after a read that failed half-way) jobs this name already holds come first. Jobs handed
        out twice before without an end come a hundred at once, then ten, then each alone, so that one that kills its
        worker is found. Fewer than `count` also come when they are large.
        """
        if count < 1:
            return []
        if self._look_back:
            taken = await self._recover(count)
            if taken:
                return taken
            self._look_back = False
        deadline = time.monotonic() + block_s
        while True:
            paused, last, taken = await self._take(count)
            left = deadline - time.monotonic()
            if taken or left <= 0:
                return taken
            if paused:
                await asyncio.sleep(min(PAUSED_POLL_S, left))
            else:
                await self._wait_after(last, left)

    async def settle(self, entry_ids: Sequence[str]) -> int:
        """Remove finished jobs from the queue, whoever holds them by now; how many were still there.

        What is done is done: a job that somebody else has taken over meanwhile needs no second try either.
        """
        removed = 0
        for start in range(0, len(entry_ids), SETTLE_STEP):
            step = entry_ids[start : start + SETTLE_STEP]
            removed += await self._link.run("settle", *step)
            self._held.difference_update(step)
        return removed

    async def extend(self, entry_ids: Sequence[str]) -> int:
        """Say that these held jobs are still being worked on: their visibility timeout starts anew; how many are held.

        For a worker that has to wait with jobs in hand, as when the database is away.
        """
        return int(await self._link.run("extend", self.name, *entry_ids)) if entry_ids else 0

    async def retry(self, taken: Taken, job: Job, due_at: float, error: str) -> bool:
        """Put `job` (with its new history) in place of a held one, to be ready again at `due_at` (epoch seconds).

        False, and nothing changed, if this consumer does not hold it any more.
        """
        return await self._park(taken, job, "retry", due_at, error)

    async def defer(self, taken: Taken, job: Job, until: float, reason: str = "") -> bool:
        """As `retry`, for a wait that burns no attempt: until `until` (epoch seconds), or its page is released."""
        return await self._park(taken, job, "wait", until, reason)

    async def bury(self, taken: Taken, job: Job, error: str) -> bool:
        """Put a held job among the dead, where it waits for an operator. False if it is not held any more."""
        return await self._park(taken, job, "dead", 0.0, error)

    async def beat(
        self, stored: int = 0, failed: int = 0, state: WorkerState = _WELL, totals: Mapping[str, int] = _NONE
    ) -> int:
        """Say that this worker lives, how it is, and what it has done since its start (the counts).

        Returns how many workers there are, itself and those lately gone included.
        """
        beat = Beat(pid=os.getpid(), host=_HOST, started_at=self._started_at, stored=stored, failed=failed, state=state)
        workers = await self._link.run("beat", self.name, encode(beat), *self._report.words(totals))
        self._report.counted()
        now = time.monotonic()
        if self._beat_at + self._gone_s / 2 < now and self._beat_at > float("-inf"):
            self._steady_since = now
        self._beat_at = now
        return int(workers)

    async def promote_due(self, limit: int = 500) -> int:
        """Make up to `limit` due retries ready; how many. Call again at once until it returns 0."""
        return int(await self._link.run("promote", limit, TAKE_BYTES))

    async def reclaim(self, count: int) -> list[Taken]:
        """Take over up to `count` jobs from others: in flight past the visibility timeout, or their worker gone.

        When this worker's own heartbeats came late, Redis stood still or the machine was busy, and the others' are late
        too: nobody counts as gone until they have had the time to be heard. Now and then it also forgets consumers long
        gone that hold nothing.
        """
        if time.monotonic() >= self._reap_at:
            self._reap_at = time.monotonic() + REAP_EVERY_S
            await self.reap()
        steady = time.monotonic() - self._steady_since >= self._gone_s
        gone_ms = round(self._gone_s * 1000) if steady else NEVER_MS
        rows = await self._handing_out("reclaim", self.name, count, TAKE_BYTES, self._visibility_ms, gone_ms)
        return self._taken(rows)

    async def reap(self, forget_after_s: float = FORGET_AFTER_S) -> int:
        """Forget consumers that hold nothing and were silent for so long; how many. `reclaim` does it by itself."""
        return int(await self._link.run("reap", round(forget_after_s * 1000), self.name))

    async def set_pause(self, pause: PagePause) -> None:
        """Record that a page's Graph calls wait; replaces the page's former pause."""
        await pauses.write(self._link, pause)

    async def clear_pause(self, page: str) -> bool:
        """Lift a page's pause; whether there was one."""
        return bool(await self._link.call("HDEL", self._link.keys.of("pauses"), clip(page, KEY_LENGTH)))

    async def release(self, page: str) -> int:
        """Make what waits for a page ready at once ("*": for any page without a pause of its own); how many."""
        return await pauses.release(self._link, page)

    async def claim(self, page: str, hold_s: float, *, again: bool = False) -> bool:
        """Whether it is for this worker to try a paused page now; nobody else may for `hold_s`. `again`: always."""
        return await pauses.claim(self._link, page, self.name, hold_s, again=again)

    async def pauses(self) -> tuple[PagePause, ...]:
        """Pauses in force, without those that have run out. `waiting` is left to the snapshot."""
        return await pauses.read(self._link)

    async def paused(self) -> bool:
        """Whether the operator has paused the queue (`read` respects it by itself)."""
        return bool(await self._link.call("HEXISTS", self._link.keys.of("control"), "paused"))

    async def warn(self, key: str, text: str) -> None:
        """Tell the operator something; the same `key` again only counts up and renews the text.

        The last hundred different ones are kept.
        """
        await self._link.run("warn", clip(key, KEY_LENGTH), clip(text, TEXT_LENGTH), WARNINGS_KEPT)

    async def clear_warning(self, key: str) -> bool:
        """Withdraw a warning; whether there was one."""
        return bool(await self._link.call("HDEL", self._link.keys.of("warnings"), clip(key, KEY_LENGTH)))

    async def purge_discarded(self, older_than_s: float = 30 * 86_400.0, limit: int = 1_000) -> int:
        """Forget up to `limit` jobs discarded longer ago than that; how many."""
        return int(await self._link.run("purge", round(older_than_s * 1000), limit))

    async def close(self) -> None:
        """Leave: forget this consumer if it holds nothing, and close the connections."""
        await self._parking.close()
        try:
            await self._link.run("leave", self.name)
        except QueueUnavailableError:
            pass
        finally:
            await super().close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def _park(self, taken: Taken, job: Job, place: str, due_at: float, error: str) -> bool:
        moved = await self._parking.park(taken, job, place, due_at, error)
        self._held.discard(taken.entry_id)
        return moved

    async def _take(self, count: int) -> tuple[bool, bytes, list[Taken]]:
        paused, last, rows = await self._handing_out("take", self.name, count, TAKE_BYTES)
        return bool(paused), last, self._taken(rows)

    async def _handing_out(self, script: str, *args: str | int) -> Any:
        """Run a script that hands out jobs. If its answer is lost, they are ours all the same: look back for them."""
        done = False
        try:
            answer = await self._run_in_group(script, *args)
            done = True
            return answer
        finally:
            self._look_back = self._look_back or not done

    async def _run_in_group(self, script: str, *args: str | int) -> Any:
        try:
            return await self._link.run(script, *args)
        except NoGroupError:
            await self._link.run("open")
            return await self._link.run(script, *args)

    async def _recover(self, count: int) -> list[Taken]:
        """What this name holds according to Redis and this process knows nothing of."""
        ready, start = self._link.keys.ready, "-"
        while True:
            try:
                pending = await self._link.call("XPENDING", ready, "workers", start, "+", SETTLE_STEP, self.name)
            except NoGroupError:
                return []
            entries = [text(row[0]) for row in pending]
            unknown = [entry for entry in entries if entry not in self._held]
            if unknown:
                return self._taken(await self._link.run("recover", self.name, count, TAKE_BYTES, *unknown))
            if len(entries) < SETTLE_STEP:
                return []
            start = f"({entries[-1]}"

    async def _wait_after(self, last: bytes, block_s: float) -> None:
        """Return when there may be an entry after `last`, taking none: being cancelled here loses nothing."""
        block_ms = max(1, round(block_s * 1000))
        ready = self._link.keys.ready
        await self._link.call("XREAD", "COUNT", 1, "BLOCK", block_ms, "STREAMS", ready, last, wait_s=block_s)

    def _taken(self, rows: Iterable[Sequence[Any]]) -> list[Taken]:
        taken = []
        for entry, value, seq, deliveries in rows:
            entry_id = text(entry)
            job = job_or_rest(value, int(seq) if seq.isdigit() else 0, entry_id)
            taken.append(Taken(entry_id, job, int(deliveries)))
            self._held.add(entry_id)
        return taken
