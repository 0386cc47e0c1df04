"""Thousands of requests while Redis stands still, and greedy bodies: memory stays bounded, the rest is refused."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter

import pytest

from tests import servers
from tests.api.pressure.conftest import MakeWeb
from tests.api.pressure.crowd import (
    MIB,
    Caller,
    Reply,
    callers,
    eventually,
    fire,
    forget_peak,
    line_to,
    memory_of,
    metric,
    peak_of,
)
from tests.api.queue.conftest import hanging
from tests.api.web.conftest import Queue, WebProcess
from tests.api.web.test_process import HOST, head

HELD = "leads_webhook_body_bytes"
LIVE = b"GET /health/live HTTP/1.1\r\n" + HOST + b"\r\n"


async def warm(web: WebProcess, crowd: list[Caller]) -> int:
    """Let the process see normal traffic from so many connections; the memory it then takes."""
    for caller in crowd:
        reply = await caller.send(LIVE)
        assert reply.status == 200
    forget_peak(web)
    return memory_of(web)


async def test_a_flood_against_a_redis_that_stands_still(
    own_redis: servers.RedisServer, own_queue: Queue, make_web: MakeWeb
) -> None:
    web = make_web(own_redis.url, MAX_REQUESTS="200", MAX_BUFFERED_BYTES="8000000", LOG_LEVEL="error")
    async with callers(web, 600) as crowd:
        before = await warm(web, crowd)
        statuses: Counter[int] = Counter()
        with hanging(own_redis):

            async def keep_sending(start: int) -> None:
                for n in range(5):
                    reply = await fire(crowd[start], start * 5 + n + 1, pad=30_000)
                    statuses[reply.status] += 1

            peaks = [before]
            for _ in range(3):
                sending = asyncio.gather(*map(keep_sending, range(len(crowd))))
                async with callers(web, 1) as (caller,):
                    assert (await caller.send(LIVE)).status == 200
                await sending
                peaks.append(peak_of(web))
        assert statuses == {503: 9_000}
        print("memory, MiB: at rest, peak after 3,000, 6,000, 9,000:", *(f"{peak / MIB:.0f}" for peak in peaks))
        assert peaks[1] - before < 80 * MIB
        assert peaks[3] - peaks[1] < 16 * MIB
        await eventually(web, HELD, 0)
        for n, caller in enumerate(crowd[:50], 1):
            await delivered(caller, n)
    leads = [job.external_id for job in own_queue.ready()]
    assert len(leads) == len(set(leads))
    assert {str(n) for n in range(1, 51)} <= set(leads)


async def test_no_more_requests_wait_than_the_limit(own_redis: servers.RedisServer, make_web: MakeWeb) -> None:
    web = make_web(own_redis.url, MAX_REQUESTS="30")
    async with callers(web, 100) as crowd:
        assert (await fire(crowd[0], 999)).status == 200
        with hanging(own_redis):
            replies = await asyncio.gather(*(fire(caller, n) for n, caller in enumerate(crowd, 1)))
        assert [(reply.status, reply.headers["retry-after"]) for reply in replies] == [(503, "5")] * 100
        assert Counter(line["reason"] for line in rejections(web))["too many webhooks at once"] == 70
        await asyncio.gather(*(delivered(caller, n) for n, caller in enumerate(crowd, 1)))


@pytest.mark.parametrize(
    ("length", "step", "rounds"),
    [(3_000_000, 60_000, 5), (60_000, 20_000, 2)],
    ids=["500 x 3 MB", "500 x 60 KB"],
)
async def test_bodies_that_trickle_in_are_bounded_together(
    length: int, step: int, rounds: int, own_redis: servers.RedisServer, make_web: MakeWeb
) -> None:
    web = make_web(own_redis.url, MAX_BUFFERED_BYTES="16000000", BODY_TIMEOUT="3", LOG_LEVEL="error")
    async with callers(web, 500) as idle:
        before = await warm(web, idle)

    async def trickle() -> Reply | None:
        async with line_to(web) as line:
            await line.write(head(b"Content-Length: %d" % length))
            for _ in range(rounds):
                if not await line.write(b"x" * step):
                    break
                await asyncio.sleep(0.1)
            return await line.read()

    trickling = asyncio.gather(*(trickle() for _ in range(500)))
    async with callers(web, 1) as (caller,):
        while not trickling.done():
            assert (await caller.send(LIVE)).status == 200
            await asyncio.sleep(0.1)
    answers = Counter(reply.status if reply else 0 for reply in await trickling)
    grown = peak_of(web) - before
    print(f"memory grew by {grown / MIB:.0f} MiB over {before / MIB:.0f} MiB")
    print(dict(answers))
    assert set(answers) <= {408, 503}
    assert answers[408]
    assert grown < 64 * MIB
    await eventually(web, HELD, 0)
    async with callers(web, 1) as (caller,):
        assert (await fire(caller, 1)).status == 200


async def test_a_client_that_asks_and_never_reads_does_not_fill_the_memory(
    own_redis: servers.RedisServer, make_web: MakeWeb
) -> None:
    web = make_web(own_redis.url)
    async with callers(web, 50) as idle:
        before = await warm(web, idle)
    ask = b"GET /openapi.json HTTP/1.1\r\n" + HOST + b"\r\n"

    async def flood() -> None:
        async with line_to(web) as line:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(3):
                    for _ in range(200):
                        await line.write(ask * 100)

    await asyncio.gather(*(flood() for _ in range(20)))
    grown = peak_of(web) - before
    print(f"memory grew by {grown / MIB:.0f} MiB over {before / MIB:.0f} MiB")
    assert grown < 32 * MIB
    async with callers(web, 1) as (caller,):
        assert (await caller.send(LIVE)).status == 200
    assert await metric(web, HELD) == 0


def rejections(web: WebProcess) -> list[dict[str, str]]:
    return [line for line in web.log() if line["event"] == "webhook.rejected"]


async def delivered(caller: Caller, number: int) -> None:
    """Send a lead again until it is taken."""
    async with asyncio.timeout(60):
        while (await fire(caller, number)).status != 200:
            await asyncio.sleep(0.05)
