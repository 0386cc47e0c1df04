"""Reads one source again and again: one read in flight, a timeout, backoff without end, one Reading after each try."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Generic, TypeVar

from console.errors import ConsoleError
from console.format import safe, with_hint
from console.snapshots import Reading

T = TypeVar("T")

BACKOFF_MAX_S = 30.0


class Poller(Generic[T]):
    """Calls `read` every `interval_s` and hands each outcome to `show` as a Reading; never stops by itself.

    Reads begin at whole intervals after `start`, however long they take: pollers that start together stay together.
    After a failure the wait doubles from `interval_s` up to 30 s; `poke` reads at once (and again after the read under
    way, which may have begun before what the caller wants to see). A read that takes longer than `timeout_s` is
    cancelled and counts as failed. If it does not let itself be cancelled, no other is begun until it has ended.

    `clock` gives epoch seconds. `show` is called in the event loop's thread and must not block.
    """

    def __init__(
        self,
        read: Callable[[], Awaitable[T]],
        show: Callable[[Reading[T]], None],
        *,
        interval_s: float = 1.0,
        timeout_s: float = 5.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._read = read
        self._show = show
        self._interval_s = interval_s
        self._timeout_s = timeout_s
        self._clock = clock
        self._reading: Reading[T] = Reading()
        self._failures = 0
        self._poked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._in_flight: asyncio.Future[T] | None = None

    @property
    def reading(self) -> Reading[T]:
        """The latest outcome."""
        return self._reading

    def start(self) -> None:
        """Begin, in the running event loop. A second call does nothing."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="poller")

    async def stop(self) -> None:
        """End, cancelling a read under way; returns once it has ended."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def poke(self) -> None:
        """Read now, whatever the interval or backoff says."""
        self._poked.set()

    def pace(self, interval_s: float) -> None:
        """Read at another interval, from the next wait on."""
        self._interval_s = interval_s

    async def _run(self) -> None:
        begun = time.monotonic()
        while True:
            self._poked.clear()
            await self._once()
            wait_s = self._backoff_s()
            if not self._failures:
                wait_s -= (time.monotonic() - begun) % self._interval_s
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):  # not wait_for, which before 3.12 may swallow a cancellation
                    await self._poked.wait()

    def _backoff_s(self) -> float:
        return min(self._interval_s * float(2 ** min(self._failures, 10)), max(BACKOFF_MAX_S, self._interval_s))

    async def _once(self) -> None:
        try:
            value = await self._bounded()
        except asyncio.CancelledError:
            raise
        except TimeoutError:
            self._failed(f"no answer within {self._timeout_s:g} s")
        except Exception as error:  # noqa: BLE001 - whatever a source raises is shown, and tried again
            self._failed(one_line(error))
        else:
            self._failures = 0
            self._publish(Reading(value, taken_at=self._clock(), seq=self._reading.seq + 1))

    async def _bounded(self) -> T:
        if self._in_flight is None or self._in_flight.done():
            self._in_flight = asyncio.ensure_future(self._read())
        task = self._in_flight
        try:
            await asyncio.wait((task,), timeout=self._timeout_s)
            if not task.done():
                task.cancel()
                await asyncio.wait((task,), timeout=self._timeout_s)
                raise TimeoutError
        except asyncio.CancelledError:
            task.cancel()
            raise
        if task.cancelled():
            raise ConnectionError("the read was given up")
        return task.result()

    def _failed(self, error: str) -> None:
        self._failures += 1
        now = self._clock()
        seq = self._reading.seq + 1
        self._publish(replace(self._reading, error=error, next_try=now + self._backoff_s(), seq=seq))

    def _publish(self, reading: Reading[T]) -> None:
        self._reading = reading
        self._show(reading)


def one_line(error: BaseException) -> str:
    """What an error says, as one safe line, with the hint if it carries one. Never empty."""
    text = safe(" ".join(str(error).split())) or type(error).__name__
    if isinstance(error, ConsoleError) and error.hint:
        text = with_hint(text, safe(error.hint))
    return text
