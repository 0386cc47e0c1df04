"""Remembers recent readings in bounded rings, and tells rates from counters."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from api import cause
from api.models import QueueSnapshot


class Ring:
    """The last `size` samples of one figure, each with its time (epoch s). Times must not go back: such are dropped."""

    def __init__(self, size: int = 600) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=size)

    def __len__(self) -> int:
        return len(self._samples)

    def __iter__(self) -> Iterator[tuple[float, float]]:
        return iter(self._samples)

    def add(self, at: float, value: float) -> None:
        """Append a sample; one that is not newer than the last is ignored."""
        if not self._samples or at > self._samples[-1][0]:
            self._samples.append((at, value))

    @property
    def last(self) -> float | None:
        """The newest value, None before the first."""
        return self._samples[-1][1] if self._samples else None

    def columns(self, count: int, now: float, span_s: float) -> list[float | None]:
        """`count` equal slices of the last `span_s` seconds, oldest first: the greatest value of each.

        A slice without a sample repeats the one before for up to two slices (polls do not hit every slice), then it is
        None: nothing was read. Slices stand on fixed times, so that a chart moves by whole columns.
        """
        slots: list[float | None] = [None] * max(count, 0)
        if count <= 0:
            return slots
        slice_s = span_s / count
        last = now // slice_s
        for at, value in self._samples:
            index = min(count - 1 - int(last - at // slice_s), count - 1)
            if 0 <= index < count:
                held = slots[index]
                slots[index] = value if held is None else max(held, value)
        return _bridged(slots, 2)


def _bridged(slots: list[float | None], reach: int) -> list[float | None]:
    out = list(slots)
    gap = reach + 1
    for index, value in enumerate(slots):
        gap = 0 if value is not None else gap + 1
        if value is None and gap <= reach:
            out[index] = out[index - 1]
    return out


Rates = cause.Rates


class QueueHistory:
    """What the queue was like: depth, rates in and out, for `size` readings.

    `window_s` is the time over which a rate is taken: short enough to follow, long enough not to flicker.
    """

    def __init__(self, size: int = 900, window_s: float = 10.0) -> None:
        self.depth = Ring(size)
        self.arriving = Ring(size)
        self.leaving = Ring(size)
        self.memory = Ring(size)
        self._window_s = window_s
        self._counters: deque[tuple[float, int, int]] = deque()
        self._rates = Rates()

    @property
    def rates(self) -> Rates:
        """The current rates."""
        return self._rates

    def add(self, snapshot: QueueSnapshot) -> None:
        """Take in a reading. A counter that went back (the queue was emptied, another server) starts anew."""
        at = snapshot.taken_at
        gone = snapshot.accepted - snapshot.depth - snapshot.dead - snapshot.discarded
        if self._counters and at <= self._counters[-1][0]:
            if at > self._counters[-1][0] - 60:
                return
            self._counters.clear()
        if self._counters and snapshot.accepted < self._counters[-1][1]:
            self._counters.clear()
        self._counters.append((at, snapshot.accepted, gone))
        while len(self._counters) > 2 and self._counters[1][0] <= at - self._window_s:
            self._counters.popleft()
        self.depth.add(at, float(snapshot.depth))
        self.memory.add(at, float(snapshot.memory_bytes))
        since, accepted, before = self._counters[0]
        if at > since:
            self._rates = Rates(
                max((snapshot.accepted - accepted) / (at - since), 0.0), max((gone - before) / (at - since), 0.0)
            )
            self.arriving.add(at, self._rates.arriving or 0.0)
            self.leaving.add(at, self._rates.leaving or 0.0)
