"""Clients that send or read too slowly, or nothing at all, are hung up on; the others do not notice them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests import servers
from tests.api.pressure.conftest import MakeWeb
from tests.api.pressure.crowd import Line, callers, eventually, fire, line_to
from tests.api.web.conftest import WebProcess
from tests.api.web.test_process import HOST, head, statuses

Behaviour = Callable[[Line], Awaitable[None]]

PATIENCE_S = 45.0
"""Far beyond the longest limit of the server: a connection that still lives then would live for ever."""

LIVE = b"GET /health/live HTTP/1.1\r\n" + HOST + b"\r\n"


async def says_nothing(_line: Line) -> None: ...


async def stops_in_its_head(line: Line) -> None:
    await line.write(b"POST /webhooks/meta HTTP/1.1\r\nHost: lea")


async def trickles_its_head(line: Line) -> None:
    await line.write(b"POST /webhooks/meta HTTP/1.1\r\n" + HOST)
    while await line.write(b"X-More: 1\r\n"):
        await asyncio.sleep(0.5)


async def stops_in_its_body(line: Line) -> None:
    await line.write(head(b"Content-Length: 100") + b"{")


async def trickles_its_body(line: Line) -> None:
    await line.write(head(b"Content-Length: 100000"))
    while await line.write(b"x"):
        await asyncio.sleep(0.2)


async def trickles_its_chunks(line: Line) -> None:
    await line.write(head(b"Transfer-Encoding: chunked"))
    while await line.write(b"1\r\nx\r\n"):
        await asyncio.sleep(0.2)


async def stays_after_its_answer(line: Line) -> None:
    await line.write(LIVE)


async def stops_in_its_second_head(line: Line) -> None:
    await line.write(LIVE + b"GET /health/l")


WAYS: tuple[tuple[Behaviour, list[int]], ...] = (
    (says_nothing, []),
    (stops_in_its_head, []),
    (trickles_its_head, []),
    (stops_in_its_body, [408]),
    (trickles_its_body, [408]),
    (trickles_its_chunks, [408]),
    (stays_after_its_answer, [200]),
    (stops_in_its_second_head, [200]),
)


@pytest.mark.timeout(180)
async def test_whoever_is_too_slow_is_hung_up_on(own_redis: servers.RedisServer, make_web: MakeWeb) -> None:
    web = make_web(own_redis.url, BODY_TIMEOUT="2")
    waiting = asyncio.gather(*(outcome(web, way) for way, _ in WAYS for _ in range(25)))
    async with callers(web, 1) as (caller,):
        number = 0
        while not waiting.done():
            number += 1
            assert (await fire(caller, number)).status == 200
            await asyncio.sleep(0.1)
    expected = [answers for _, answers in WAYS for _ in range(25)]
    for got, answers in zip(await waiting, expected, strict=True):
        # Whoever did not finish its head may be told so.
        assert got in (answers, [*answers, 408] if 408 not in answers else answers)
    await eventually(web, "leads_webhook_body_bytes", 0)


async def outcome(web: WebProcess, way: Behaviour) -> list[int]:
    """The status codes that such a client gets before the server hangs up."""
    async with line_to(web) as line:
        behaving = asyncio.ensure_future(way(line))
        try:
            return statuses(await line.ended(PATIENCE_S))
        finally:
            behaving.cancel()
