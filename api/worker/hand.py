"""The jobs a worker has in hand: how many more it may take, which ones it must say it still works on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from contextlib import asynccontextmanager

from api.queue import Taken

MAX_BYTES = 64_000_000
"""Payload that may be in hand at once."""


class Hand:
    """Jobs from their taking to their end, bounded by number and by size."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._held: dict[str, int] = {}
        self._bytes = 0
        self._changed = asyncio.Event()
        self._extended_at = time.monotonic()
        self._apart: set[str] = set()
        self._turn = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, entry_id: str) -> bool:
        return entry_id in self._held

    def take(self, taken: Iterable[Taken]) -> None:
        """These are in hand now."""
        for each in taken:
            size = len(each.job.payload)
            self._bytes += size - self._held.get(each.entry_id, 0)
            self._held[each.entry_id] = size

    def release(self, entry_ids: Iterable[str]) -> None:
        """These have ended, one way or another."""
        for entry_id in entry_ids:
            self._bytes -= self._held.pop(entry_id, 0)
        self._changed.set()

    def room(self, set_aside: int = 0, *, spare: int = 0) -> int:
        """How many more may be taken. `set_aside` of those in hand wait for something slow and do not count, unless
        they become ten times what may be in hand. `spare` may be taken beyond what is usual: by whoever cannot wait
        until a backlog makes room.
        """
        if self._bytes >= MAX_BYTES:
            return 0
        counted = max(len(self._held) - set_aside, len(self._held) - 9 * self._capacity)
        return max(0, self._capacity + spare - counted)

    async def change(self, timeout_s: float) -> None:
        """Return when something has ended, or after `timeout_s`."""
        self._changed.clear()
        try:
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def emptied(self, timeout_s: float) -> bool:
        """Wait until nothing is in hand; False if that takes longer than `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while self._held:
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            await self.change(left)
        return True

    async def emptied_but(self, entry_ids: Collection[str], timeout_s: float) -> None:
        """Wait until nothing else is in hand, or `timeout_s` have passed."""
        deadline = time.monotonic() + timeout_s
        while self._held.keys() - set(entry_ids) and (left := deadline - time.monotonic()) > 0:
            await self.change(left)

    @asynccontextmanager
    async def alone(self, entry_ids: Collection[str], timeout_s: float) -> AsyncIterator[None]:
        """Begin these with nothing else in hand, and end once they have: each for `timeout_s` at most.

        Others that wait to be alone are in hand, too, but not begun: they do not count.
        """
        self._apart.update(entry_ids)
        self._changed.set()
        try:
            async with self._turn:
                await self.emptied_but(self._apart, timeout_s)
                self._apart.difference_update(entry_ids)
                yield
                await self.emptied_but(self._apart, timeout_s)
        finally:
            self._apart.difference_update(entry_ids)

    def to_extend(self, every_s: float) -> Sequence[str]:
        """What is in hand, once `every_s` seconds have passed since the last time it was asked for; else nothing."""
        now = time.monotonic()
        if now - self._extended_at < every_s:
            return ()
        self._extended_at = now
        return list(self._held)
