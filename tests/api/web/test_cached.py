"""Asking at most once in a while: shared, kept for its time, also when it failed."""

from __future__ import annotations

import asyncio

import pytest

from api.web.cached import Cached


class Source:
    """Counts how often it is asked; fails while `away`."""

    def __init__(self) -> None:
        self.asked = 0
        self.away = False

    async def __call__(self) -> int:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise OSError
        return self.asked


async def test_an_answer_is_shared_and_kept() -> None:
    source = Source()
    cached = Cached(source, ttl_s=60)
    assert await asyncio.gather(*(cached.get() for _ in range(20))) == [1] * 20
    assert await cached.get() == 1


async def test_an_answer_is_not_kept_for_longer() -> None:
    cached = Cached(Source(), ttl_s=0)
    assert [await cached.get() for _ in range(3)] == [1, 2, 3]


async def test_a_failure_is_shared_and_kept_too() -> None:
    source = Source()
    source.away = True
    cached = Cached(source, ttl_s=60)
    for _ in range(3):
        with pytest.raises(OSError):  # noqa: PT011 - a bare one is raised above
            await cached.get()
    assert source.asked == 1


async def test_one_who_goes_away_does_not_take_the_answer_from_the_others() -> None:
    source = Source()
    cached = Cached(source, ttl_s=60)
    impatient = asyncio.create_task(cached.get())
    patient = asyncio.create_task(cached.get())
    await asyncio.sleep(0)
    impatient.cancel()
    assert await patient == 1
    assert source.asked == 1
