"""Readiness: asked together, within its limit; an answer that does not deny itself."""

from __future__ import annotations

import asyncio
import time
from typing import cast

import pytest

from api.errors import QueueUnavailableError, StoreUnavailableError
from api.models import QueueSnapshot, StoreSnapshot
from api.queue import Inspector
from api.store import Reader
from api.web import figures
from api.web.cached import Cached
from api.web.health import Check as State
from api.web.health import Readiness


class Check:
    """Counts how often it is asked; fails with `error`, or hangs."""

    def __init__(self, error: BaseException | None = None, *, hangs: bool = False) -> None:
        self.asked = 0
        self.error = error
        self.hangs = hangs

    async def __call__(self) -> str:
        self.asked += 1
        await asyncio.sleep(0)
        if self.hangs:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        return "15.8"


async def test_each_failure_is_named_and_none_hides_another() -> None:
    readiness = Readiness(
        {
            "a": Check(hangs=True),
            "b": Check(RuntimeError("secret")),
            "c": Check(StoreUnavailableError('connection to server at "10.0.0.1" failed: Connection refused')),
            "d": Check(),
        },
        timeout_s=0.05,
    )
    states = await readiness.states()
    assert {name: state.reason for name, state in states.items()} == {
        "a": "does not answer in time",
        "b": "not available",
        "c": "connection refused",
        "d": "",
    }
    assert states["a"].ms >= 50
    assert states["d"] == State(ok=True, ms=states["d"].ms)


async def test_a_failure_passes() -> None:
    check = Check(StoreUnavailableError("away"))
    readiness = Readiness({"redis": check})
    assert (await readiness.states())["redis"].reason == "not available"
    check.error = None
    assert (await readiness.states())["redis"].ok


class Slow:
    """Postgres as the service looks at it: takes its time, and can be taken away."""

    def __init__(self) -> None:
        self.away = False

    async def ping(self) -> None:
        """StoreUnavailableError while it is away."""
        await asyncio.sleep(0.03)
        if self.away:
            raise StoreUnavailableError("Postgres does not answer")

    async def snapshot(self, _midnight: object, *, latest: int) -> StoreSnapshot:
        """The same."""
        await self.ping()
        return StoreSnapshot(latest, 0, ())


class Redis:
    """As the service looks at it: can be taken away."""

    def __init__(self) -> None:
        self.away = False
        self.looks = 0
        self.postgres = Slow()

    async def ping(self) -> None:
        """QueueUnavailableError while it is away."""
        if self.away:
            raise QueueUnavailableError("Redis does not answer")

    async def snapshot(self) -> QueueSnapshot:
        """The same."""
        self.looks += 1
        await self.ping()
        return QueueSnapshot(taken_at=time.time())

    def figures(self) -> figures.Figures:
        """What the service makes of both."""
        return figures.Figures(cast(Inspector, self), cast(Reader, self.postgres))

    async def tallies(self) -> dict[str, int]:
        """None."""
        await self.ping()
        return {}


async def test_those_who_ask_together_share_one_look() -> None:
    server = Redis()
    seen = server.figures()
    answers = await asyncio.gather(*(seen.ready() for _ in range(20)))
    assert all(ready for ready, _ in answers)
    assert (await seen.ready())[0]
    assert server.looks == 1


async def test_no_answer_says_that_redis_is_well_and_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """It did for up to a second: how Redis is and what the queue is like were kept apart."""
    monkeypatch.setattr(figures, "KEPT_S", 0.05)
    for _ in range(10):
        server = Redis()
        seen = server.figures()
        asyncio.get_running_loop().call_later(0.1, setattr, server, "away", True)
        while True:
            ready, told = await seen.ready()
            away = cast(dict[str, str], told["queue"])["cause"] == "redis_away"
            assert away is not ready, told
            if away:
                break
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("postgres", [False, True])
async def test_no_page_shows_figures_of_a_server_that_it_says_is_away(
    monkeypatch: pytest.MonkeyPatch, postgres: bool
) -> None:
    """It did for up to a second: the figures are kept by themselves, and may be of a time before."""
    monkeypatch.setattr(figures, "KEPT_S", 60.0)
    server = Redis()
    seen = server.figures()
    monkeypatch.setattr(seen, "_looks", Cached(seen._look, ttl_s=0))
    before = await seen.scrape()
    assert (before.tallies, before.store) == ({}, StoreSnapshot(0, 0, ()))
    (server.postgres if postgres else server).away = True
    page = await seen.scrape()
    assert (page.tallies is None, page.store is None) == (not postgres, postgres)
