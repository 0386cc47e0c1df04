"""Owns the merging of several containers' lines by time: bounded lanes, filled by readers and emptied by one taker.

While a lane still catches up with what was written before, lines of the others that are newer than its newest wait for
it, so that history comes out in order. Once all have settled, lines are taken as they come.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Iterable
from heapq import merge
from operator import attrgetter

from console.snapshots import LogLine

LANE_LINES = 2_000
LANE_BYTES = 4 * 1024 * 1024
"""A reader waits while so many of its lines, or so much of its log, have not been taken."""

IDLE_S = 0.2
"""A follower that has been silent for so long has caught up."""

_at = attrgetter("at")


class Lane:
    """One container's lines on their way."""

    def __init__(self, changed: asyncio.Event) -> None:
        self._changed = changed
        self._room = asyncio.Event()
        self._room.set()
        self.lines: list[LogLine] = []
        self._size = 0
        self.settled = False
        self.closed = False
        self.touched = asyncio.get_running_loop().time()

    @property
    def full(self) -> bool:
        """Whether its reader waits for room."""
        return not self._room.is_set()

    async def put(self, lines: list[LogLine], size: int = 0) -> None:
        """Add lines in order, which were about `size` bytes; waits while the lane is full."""
        if not lines:
            return
        await self._room.wait()
        self.lines += lines
        self._size += size
        self.touched = asyncio.get_running_loop().time()
        if len(self.lines) >= LANE_LINES or self._size >= LANE_BYTES:
            self._room.clear()
        self._changed.set()

    def settle(self) -> None:
        """No more of the past comes: nobody waits for this lane any more."""
        self.settled = True
        self._changed.set()

    def close(self) -> None:
        """No more lines come at all."""
        self.closed = True
        self.settle()

    def take(self, until: float | None) -> list[LogLine]:
        """Remove and return the lines up to that time (epoch seconds), all for None."""
        cut = len(self.lines)
        if until is not None and cut and self.lines[-1].at > until:
            cut = bisect_right(self.lines, until, key=_at)
        self._size = self._size * (len(self.lines) - cut) // max(len(self.lines), 1)
        taken, self.lines = self.lines[:cut], self.lines[cut:]
        if len(self.lines) < LANE_LINES and self._size < LANE_BYTES:
            self._room.set()
        return taken


class Lanes:
    """The lanes of one log view. `changed` is set whenever `take` may give more than before."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self._lanes: list[Lane] = []

    def add(self) -> Lane:
        """A new lane."""
        lane = Lane(self.changed)
        self._lanes.append(lane)
        return lane

    async def settle(self, limit_s: float) -> None:
        """Return once every lane has caught up, which shows in its silence, or the time is over; all are settled."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + limit_s
        while (pause := min(self._settle_idle(loop.time()), deadline - loop.time())) > 0:  # noqa: ASYNC110 - silence
            await asyncio.sleep(pause)
        for lane in self._lanes:
            lane.settle()

    def _settle_idle(self, now: float) -> float:
        """Settle the lanes that have been silent; seconds after which to look again, 0 once all have settled."""
        for lane in self._lanes:
            if not lane.settled and not lane.full and now - lane.touched >= IDLE_S:
                lane.settle()
        return 0.0 if all(lane.settled for lane in self._lanes) else IDLE_S / 4

    @property
    def full(self) -> bool:
        """Whether a reader waits for room."""
        return any(lane.full for lane in self._lanes)

    @property
    def done(self) -> bool:
        """Whether every lane is closed and empty."""
        return all(lane.closed and not lane.lines for lane in self._lanes)

    def take(self) -> list[LogLine]:
        """What can be shown now, in order of time as far as it reaches; empty while one that catches up has nothing."""
        behind = [lane for lane in self._lanes if not lane.settled]
        if any(not lane.lines for lane in behind):
            return []
        until = min((lane.lines[-1].at for lane in behind), default=None)
        taken = in_order([lane.take(until) for lane in self._lanes])
        self._lanes = [lane for lane in self._lanes if lane.lines or not lane.closed]
        return taken


def in_order(runs: Iterable[list[LogLine]]) -> list[LogLine]:
    """Merge by time; each run keeps its own order, even where its clock went back."""
    full = [run for run in runs if run]
    return full[0] if len(full) == 1 else list(merge(*full, key=_at))
