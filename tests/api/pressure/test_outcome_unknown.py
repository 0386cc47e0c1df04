"""Answers of Redis come late, get lost or break off: whoever gets a 503 sends again, and each lead is there once."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from tests import servers
from tests.api.pressure.conftest import MakeWeb
from tests.api.pressure.crowd import ANSWER_S, Caller, callers, fire
from tests.api.pressure.proxy import Proxy
from tests.api.web.conftest import Queue, WebProcess


@pytest.fixture
async def proxy(own_redis: servers.RedisServer) -> AsyncIterator[Proxy]:
    """A way to this test's Redis that can be spoilt."""
    async with Proxy(own_redis.port) as made:
        yield made


@pytest.fixture
def web(own_redis: servers.RedisServer, proxy: Proxy, make_web: MakeWeb) -> WebProcess:
    """A web process that reaches Redis through the proxy."""
    return make_web(own_redis.url.replace(f":{own_redis.port}/", f":{proxy.port}/"))


async def test_answers_that_come_late_are_waited_for(web: WebProcess, proxy: Proxy, own_queue: Queue) -> None:
    proxy.delay_s = 0.1
    async with callers(web, 50) as crowd:
        for first in (1, 51):
            replies = await asyncio.gather(*(fire(caller, first + n) for n, caller in enumerate(crowd)))
            assert {(reply.status, reply.body) for reply in replies} == {
                (200, b'{"accepted":1,"duplicates":0,"ignored":0}')
            }
    assert len(own_queue.ready()) == 100


@pytest.mark.parametrize(("delay_s", "swallow"), [(ANSWER_S, False), (0.0, True)])
async def test_what_redis_did_without_an_answer_is_a_503_and_then_a_duplicate(
    web: WebProcess, proxy: Proxy, own_queue: Queue, delay_s: float, swallow: bool
) -> None:
    async with callers(web, 20) as crowd:
        assert (await fire(crowd[0], 999)).status == 200
        proxy.delay_s, proxy.swallow = delay_s, swallow
        replies = await asyncio.gather(*(fire(caller, n) for n, caller in enumerate(crowd, 1)))
        assert {(reply.status, reply.headers["retry-after"]) for reply in replies} == {(503, "5")}
        proxy.delay_s, proxy.swallow = 0.0, False
        proxy.cut()
        done = [await persist(caller, n) for n, caller in enumerate(crowd, 1)]
    leads = [job.external_id for job in own_queue.ready()]
    assert sorted(leads, key=int) == [*(str(n) for n in range(1, 21)), "999"]
    # The first requests' work had been done: at least their leads were known when they came again.
    assert sum(done) >= 1


async def test_every_200_is_there_once_however_the_connection_fares(
    web: WebProcess, proxy: Proxy, own_queue: Queue
) -> None:
    chance = random.Random(5)
    numbers = itertools.count(1)
    taken: set[str] = set()
    refused = 0
    stopping = False

    async def keep_sending(caller: Caller) -> None:
        nonlocal refused
        while not stopping:
            number = next(numbers)
            while (reply := await fire(caller, number)).status != 200:
                assert (reply.status, reply.headers["retry-after"]) == (503, "5")
                refused += 1
                await asyncio.sleep(0.02)
            taken.add(str(number))

    async with callers(web, 32) as crowd, asyncio.timeout(90):
        sending = [asyncio.create_task(keep_sending(caller)) for caller in crowd]
        for turn in range(6):
            before = len(taken)
            while len(taken) < before + 100:
                await asyncio.sleep(0.01)
            if chance.random() < 0.5:
                proxy.cut()
            await asyncio.sleep(chance.choice((0.0, 0.05)))
            proxy.swallow = True
            await asyncio.sleep(chance.choice((0.0, 0.05, 0.4)))
            proxy.refuse = turn % 2 == 0
            proxy.cut()
            known = refused
            # A short outage is waited out; one with refused connections lasts until somebody has been turned away.
            while proxy.refuse and refused == known:
                await asyncio.sleep(0.01)
            proxy.refuse = proxy.swallow = False
            proxy.cut()
        stopping = True
        await asyncio.gather(*sending)
    found = Counter(job.external_id for job in own_queue.ready())
    assert set(found.values()) == {1}
    assert set(found) == taken
    assert refused


async def persist(caller: Caller, number: int) -> int:
    """Send a lead until it is taken; 1 if it had been there already."""
    async with asyncio.timeout(60):
        while (reply := await fire(caller, number)).status != 200:
            await asyncio.sleep(0.05)
    return reply.counts["duplicates"]
