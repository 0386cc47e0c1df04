"""One read in flight, a timeout, backoff without end, one reading after each try."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from console.errors import UnreachableError
from console.poller import BACKOFF_MAX_S, Poller, one_line
from console.snapshots import Reading


class Reader:
    """A source whose answers a test gives, and what was shown of them."""

    def __init__(self) -> None:
        self.begun = 0
        self.in_flight = 0
        self.most_in_flight = 0
        self.answer: Callable[[], Awaitable[int]] = self.number
        self.readings: asyncio.Queue[Reading[int]] = asyncio.Queue()

    async def number(self) -> int:
        return self.begun

    async def read(self) -> int:
        self.begun += 1
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            return await self.answer()
        finally:
            self.in_flight -= 1

    def poller(self, **options: float) -> Poller[int]:
        settings = {"interval_s": 0.005, "timeout_s": 1.0, **options}
        return Poller(self.read, self.readings.put_nowait, clock=lambda: 1000.0, **settings)


@pytest.fixture
def reader() -> Reader:
    return Reader()


async def test_reads_again_and_again(reader: Reader) -> None:
    poller = reader.poller()
    poller.start()
    poller.start()
    got = [await reader.readings.get() for _ in range(3)]
    await poller.stop()
    assert [(r.value, r.seq, r.error, r.taken_at) for r in got] == [(n, n, "", 1000.0) for n in (1, 2, 3)]
    assert poller.reading.seq >= 3
    assert reader.most_in_flight == 1


async def test_a_failure_keeps_the_last_good_value(reader: Reader) -> None:
    async def fail() -> int:
        if reader.begun == 1:
            return 7
        raise UnreachableError("Redis does not answer", "Start it")

    reader.answer = fail
    poller = reader.poller(interval_s=0.01)
    poller.start()
    await reader.readings.get()
    failed = await reader.readings.get()
    await poller.stop()
    assert failed == Reading(7, "Redis does not answer. Start it", 1000.0, 1000.02, 2)


async def test_backoff_doubles_and_has_a_ceiling(reader: Reader) -> None:
    async def fail() -> int:
        raise ConnectionError("away")

    reader.answer = fail
    poller = reader.poller(interval_s=1.0)
    poller.start()
    waits = []
    for _ in range(8):
        waits.append((await reader.readings.get()).next_try - 1000.0)
        poller.poke()
    await poller.stop()
    assert waits == [2.0, 4.0, 8.0, 16.0, BACKOFF_MAX_S, BACKOFF_MAX_S, BACKOFF_MAX_S, BACKOFF_MAX_S]


async def test_success_ends_the_backoff(reader: Reader) -> None:
    async def once() -> int:
        if reader.begun == 1:
            raise ConnectionError("away")
        return 5

    reader.answer = once
    poller = reader.poller()
    poller.start()
    first = await reader.readings.get()
    second = await reader.readings.get()
    await poller.stop()
    assert (first.error, first.value) == ("away", None)
    assert second == Reading(5, "", 1000.0, 0.0, 2)


async def test_poke_reads_at_once_and_again_after_a_read_under_way(reader: Reader) -> None:
    gate = asyncio.Event()

    async def wait() -> int:
        await gate.wait()
        return reader.begun

    reader.answer = wait
    poller = reader.poller(interval_s=60.0)
    poller.start()
    await asyncio.sleep(0)
    poller.poke()
    gate.set()
    assert (await reader.readings.get()).value == 1
    assert (await reader.readings.get()).value == 2, "the read under way may have begun too early"
    poller.poke()
    assert (await reader.readings.get()).value == 3
    await poller.stop()


async def test_a_slow_read_is_given_up(reader: Reader) -> None:
    async def hang() -> int:
        await asyncio.Event().wait()
        return 0

    reader.answer = hang
    poller = reader.poller(timeout_s=0.01)
    poller.start()
    reading = await reader.readings.get()
    await poller.stop()
    assert reading.error == "no answer within 0.01 s"
    assert reader.in_flight == 0


async def test_a_read_that_cannot_be_cancelled_stays_the_only_one(reader: Reader) -> None:
    gate = asyncio.Event()

    async def stubborn() -> int:
        while not gate.is_set():
            try:
                await gate.wait()
            except asyncio.CancelledError:
                continue
        return 9

    reader.answer = stubborn
    poller = reader.poller(timeout_s=0.01, interval_s=0.001)
    poller.start()
    for _ in range(3):
        assert (await reader.readings.get()).error
    assert reader.begun == 1
    gate.set()
    reading = await reader.readings.get()
    while reading.error:
        reading = await reader.readings.get()
    assert reading.value == 9
    await poller.stop()
    assert reader.most_in_flight == 1


async def test_stop_cancels_the_read_under_way(reader: Reader) -> None:
    async def hang() -> int:
        await asyncio.Event().wait()
        return 0

    reader.answer = hang
    poller = reader.poller()
    poller.start()
    while not reader.in_flight:
        await asyncio.sleep(0)
    await poller.stop()
    while reader.in_flight:
        await asyncio.sleep(0)
    await poller.stop()
    assert reader.readings.empty()


def test_errors_become_one_safe_line() -> None:
    assert one_line(ValueError("a\nb\x1b[31m  c")) == "a b c"
    assert one_line(ValueError()) == "ValueError"
    assert one_line(UnreachableError("No engine.", "Start it")) == "No engine. Start it"
