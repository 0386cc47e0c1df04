"""A connection's own limits, in process, over real sockets: slow, idle, deaf and too many clients; errors of ours."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from api.settings import Settings
from api.web.app import App
from api.web.connection import Connection
from api.web.http import Exchange, Request
from api.web.keeper import Keeper
from api.web.server import build
from tests.api.web.conftest import LogLines
from tests.api.web.test_process import statuses

LIVE = b"GET /health/live HTTP/1.1\r\nHost: leads.test\r\n"

Listening = Callable[..., AbstractAsyncContextManager[int]]


@pytest.fixture
def listening(settings: Settings) -> Listening:
    """`async with listening(head=…) as port`: the app on a port, with these limits."""

    @asynccontextmanager
    async def listen(*, head: float = 30.0, connections: int = 100) -> AsyncIterator[int]:
        parts = build(settings)
        keeper = Keeper(head_timeout_s=head, body_timeout_s=30.0, max_connections=connections)
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(parts.app, keeper), "127.0.0.1", 0)
        yield server.sockets[0].getsockname()[1]
        server.close()
        assert await keeper.drain(5.0)
        keeper.close()
        await parts.close()

    return listen


async def answers(port: int, *pieces: bytes) -> bytes:
    """What comes until the other side closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    return answer


async def test_a_head_that_does_not_end_is_given_up(listening: Listening) -> None:
    async with listening(head=0.1) as port:
        assert statuses(await answers(port, LIVE)) == [408]


async def test_a_connection_without_a_request_is_closed_without_a_word(listening: Listening) -> None:
    async with listening(head=0.1) as port:
        assert await answers(port) == b""
        assert statuses(await answers(port, LIVE + b"\r\n")) == [200]


async def test_a_client_that_reads_nothing_is_cut_off(listening: Listening) -> None:
    async with listening(head=0.2) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
        with pytest.raises(ConnectionError):
            await asyncio.wait_for(ask_without_end(writer), 20)
        writer.close()


async def ask_without_end(writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"GET /openapi.json HTTP/1.1\r\nHost: leads.test\r\n\r\n" * 100)
        await writer.drain()


async def test_one_connection_too_many_is_sent_away_at_once(listening: Listening) -> None:
    async with listening(connections=1) as port:
        _, first = await asyncio.open_connection("127.0.0.1", port)
        assert statuses(await answers(port)) == [503]
        first.close()
        await first.wait_closed()


async def test_an_error_of_ours_is_a_500_and_in_the_log(
    listening: Listening, log_lines: LogLines, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_app: App, _request: Request) -> Exchange:
        raise RuntimeError("secret")

    async with listening() as port:
        monkeypatch.setattr(App, "open", fail)
        answer = await answers(port, LIVE + b"\r\n")
    assert statuses(answer) == [500]
    assert b"secret" not in answer
    (line,) = [line for line in await log_lines() if line["event"] == "web.failed"]
    assert line["error"] == "RuntimeError"


async def test_what_is_idle_does_not_hold_up_the_end(listening: Listening) -> None:
    async with listening() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(LIVE + b"\r\n")
        assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 200 ")
    assert await reader.read() == b""
    writer.close()
