"""Bodies too large, cut short or broken off, and requests sent ahead: refused while they come, answered in order."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator

import pytest

from tests import servers
from tests.api.pressure.conftest import MakeWeb
from tests.api.pressure.crowd import Line, callers, eventually, fire, line_to, signature_of
from tests.api.web.conftest import Queue, WebProcess
from tests.api.web.test_app import leads
from tests.api.web.test_process import head, post, statuses

LIMIT = 1_000_000
HELD = "leads_webhook_body_bytes"
CHUNKED = b"Transfer-Encoding: chunked"


@pytest.fixture
async def web(own_redis: servers.RedisServer, make_web: MakeWeb) -> AsyncIterator[WebProcess]:
    """A web process that takes bodies of up to a million bytes. It must hold none when the test is over."""
    made = make_web(own_redis.url, MAX_BODY_BYTES=str(LIMIT), BODY_TIMEOUT="2")
    yield made
    await eventually(made, HELD, 0)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


async def test_a_body_declared_too_large_is_refused_unread(web: WebProcess) -> None:
    for more in ([], [b"Expect: 100-continue"], [b"Content-Type: application/json"]):
        async with line_to(web) as line:
            await line.write(head(b"Content-Length: %d" % (LIMIT + 1), *more))
            reply = await line.read()
            assert reply is not None
            assert (reply.status, reply.headers["connection"]) == (413, "close")
            assert await line.ended() == b""


async def test_a_body_without_an_end_is_refused_while_it_comes(web: WebProcess) -> None:
    sent = 0
    async with line_to(web) as line:
        await line.write(head(CHUNKED))
        piece = chunk(b"x" * 50_000)

        async def pour() -> None:
            nonlocal sent
            while await line.write(piece):
                sent += 50_000

        pouring = asyncio.create_task(pour())
        reply = await line.read()
        assert reply is not None
        assert reply.status == 413
        # What comes after the refusal is read and dropped for a while, so that the client sees the answer.
        assert sent >= LIMIT
        await line.ended()
        pouring.cancel()


@pytest.mark.parametrize("size", [LIMIT - 1, LIMIT, LIMIT + 1])
async def test_the_limit_is_exact_for_both_framings(web: WebProcess, own_queue: Queue, size: int) -> None:
    body = leads(1)
    body += b" " * (size - len(body))
    whole = post(body, b"Connection: close")
    pieces = [head(signature_of(body), CHUNKED, b"Connection: close")]
    pieces += [chunk(body[at : at + 99_991]) for at in range(0, size, 99_991)] + [b"0\r\n\r\n"]
    for request in ([whole], pieces):
        async with line_to(web) as line:
            for piece in request:
                await line.write(piece)
            reply = await line.read()
            assert reply is not None
            assert reply.status == (200 if size <= LIMIT else 413)
    assert len(own_queue.ready()) == (size <= LIMIT)


async def test_requests_sent_ahead_are_answered_in_order(web: WebProcess, own_queue: Queue) -> None:
    live = b"GET /health/live HTTP/1.1\r\nHost: leads.test\r\n\r\n"
    body = leads(*range(1, 200), pad="y" * 400)
    chunked = head(signature_of(body), CHUNKED) + chunk(body[:70_000]) + chunk(body[70_000:]) + b"0\r\n\r\n"
    round_ = [(post(leads(n)), 200) for n in range(300, 320)]
    round_ += [(live, 200), (post(b"{}", signature=b"x"), 401), (chunked, 200), (head(b"Content-Length: 0"), 401)]
    round_ += [(b"GET /nowhere HTTP/1.1\r\nHost: leads.test\r\n\r\n", 404), (post(body), 200)]
    requests = [*round_ * 5, (post(leads(999), b"Connection: close"), 200)]
    data = b"".join(request for request, _ in requests)
    chance = random.Random(3)
    cuts = [0, *sorted(chance.sample(range(1, len(data)), 40)), len(data)]
    async with line_to(web) as line:

        async def send() -> None:
            for start, end in itertools.pairwise(cuts):
                await line.write(data[start:end])

        sending = asyncio.create_task(send())
        answer = await line.ended()
        await sending
    assert statuses(answer) == [status for _, status in requests]
    found = [job.external_id for job in own_queue.ready()]
    assert sorted(map(int, found)) == [*range(1, 200), *range(300, 320), 999]


async def test_clients_that_vanish_in_mid_body_leave_nothing(web: WebProcess, own_queue: Queue) -> None:
    small, large = post(leads(1)), post(leads(2) + b" " * 300_000)
    body = leads(3) + b" " * 1_000
    chunked = head(signature_of(body), CHUNKED) + chunk(body[:20]) + chunk(body[20:]) + b"0\r\n\r\n"
    chance = random.Random(11)

    async def vanish(request: bytes, cut: int, *, rudely: bool) -> None:
        line = await Line(web.port).open()
        await line.write(request[:cut])
        # Let some of them be read before they go.
        await asyncio.sleep(chance.choice((0, 0, 0.05)))
        line.close(rudely=rudely)

    for request, n in itertools.product((small, large, chunked), range(60)):
        await vanish(request, chance.randrange(1, len(request)), rudely=n % 2 == 0)
    await eventually(web, HELD, 0)
    assert own_queue.ready() == []
    assert own_queue.dead() == []
    assert not [entry for entry in web.log() if entry["level"] == "error" or entry.get("status", 0) >= 500]
    async with callers(web, 1) as (caller,):
        assert (await fire(caller, 1)).status == 200


@pytest.mark.parametrize(
    "request_bytes",
    [
        head(b"Content-Length: 4", CHUNKED) + b"0\r\n\r\nGET /hidden HTTP/1.1\r\nHost: x\r\n\r\n",
        head(b"Content-Length: 4", b"Content-Length: 5") + b"abcdGET /hidden HTTP/1.1\r\nHost: x\r\n\r\n",
        head(CHUNKED) + b"zz\r\nGET /hidden HTTP/1.1\r\nHost: x\r\n\r\n",
        head(CHUNKED) + b"ffffffffffffffffff\r\nx",
        head(CHUNKED) + b"-1\r\nx",
        head(b"Transfer-Encoding: xchunked") + b"0\r\n\r\nGET /hidden HTTP/1.1\r\nHost: x\r\n\r\n",
        head(b"Content-Length: 1_0") + b"0123456789GET /hidden HTTP/1.1\r\nHost: x\r\n\r\n",
        head(b"Content-Length: +4") + b"abcdGET /hidden HTTP/1.1\r\nHost: x\r\n\r\n",
        head(b"X-Bad\x00: 1", b"Content-Length: 0"),
        head(b"Content-Length : 4") + b"abcdGET /hidden HTTP/1.1\r\nHost: x\r\n\r\n",
        head(b"X: " + b"a" * 1_000_000),
        head(*[b"X-%d: y" % n for n in range(5_000)]),
    ],
    ids=["both", "twice", "size", "huge", "negative", "coding", "underscore", "plus", "nul", "space", "long", "many"],
)
async def test_framing_that_can_be_read_in_two_ways_is_refused_and_the_rest_unread(
    web: WebProcess, own_queue: Queue, request_bytes: bytes
) -> None:
    async with line_to(web) as line:
        await line.write(request_bytes)
        answer = await line.ended()
    assert len(statuses(answer)) <= 1
    assert all(400 <= status < 500 or status == 501 for status in statuses(answer))
    assert not [entry for entry in web.log() if entry["level"] == "error"]
