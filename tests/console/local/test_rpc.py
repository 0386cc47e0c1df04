"""The supervisor's socket: whatever is (not) at its other end becomes an error of the console's."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from console.errors import UnreachableError
from console.stack.local import probes, rpc

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


@asynccontextmanager
async def serving(answer: bytes | None) -> AsyncIterator[Path]:
    """A unix socket that answers anything with `answer`; None: never."""
    release = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100_000)
        if answer is None:
            await release.wait()
        else:
            writer.write(answer)
        writer.close()

    with tempfile.TemporaryDirectory() as folder:
        server = await asyncio.start_unix_server(handle, Path(folder) / "s")
        try:
            yield Path(folder) / "s"
        finally:
            release.set()
            server.close()


async def test_nobody_there(tmp_path: Path) -> None:
    with pytest.raises(rpc.GoneError):
        await rpc.call(tmp_path / "none", "getState")
    (tmp_path / "stale").touch()
    with pytest.raises(rpc.GoneError):
        await rpc.call(tmp_path / "stale", "getState")


async def test_silence_has_an_end() -> None:
    async with serving(None) as socket:
        with pytest.raises(UnreachableError, match="does not answer"):
            await rpc.call(socket, "getState", timeout_s=0.1)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.0 500 no\r\n\r\n",
        b"HTTP/1.0 200 OK\r\n\r\n<methodResponse><params>",
        (
            b"HTTP/1.0 200 OK\r\n\r\n<methodResponse><params><param><value><int>x</int></value></param></params>"
            b"</methodResponse>"
        ),
        b"HTTP/1.0 200 OK\r\n\r\n<methodResponse></methodResponse>",
        b"\xff" * 2_000_000,
    ],
)
async def test_nonsense_is_unreachable(answer: bytes) -> None:
    async with serving(answer) as socket:
        with pytest.raises(UnreachableError):
            await rpc.call(socket, "getState")


async def test_a_fault_keeps_its_code() -> None:
    import xmlrpc.client

    body = xmlrpc.client.dumps(xmlrpc.client.Fault(70, "NOT_RUNNING: db"), methodresponse=True).encode()
    async with serving(b"HTTP/1.0 200 OK\r\n\r\n" + body) as socket:
        with pytest.raises(rpc.RefusedError, match="NOT_RUNNING") as caught:
            await rpc.call(socket, "stopProcess", "db")
    assert caught.value.code == rpc.NOT_RUNNING


@asynccontextmanager
async def web(answer: bytes) -> AsyncIterator[int]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n{}", ""),
        (b'HTTP/1.1 503 x\r\n\r\n{"queue": "Redis does not answer"}', "not ready (503): queue: Redis does not answer"),
        (
            b'HTTP/1.1 503 x\r\n\r\n{"redis":{"ok":true},"postgres":{"ok":false,"reason":"connection refused"}}',
            "not ready (503): redis: ok; postgres: connection refused",
        ),
        (b"HTTP/1.1 503 x\r\n\r\n", "not ready (503): no reason given"),
        (b"what", "not ready (?): no reason given"),
        (b"HTTP/1.1 503 x\r\n\r\n" + b"[" * 9_999, "not ready (503): " + "[" * 200),
        (b"", "the web port does not answer"),
    ],
)
async def test_the_web_probe_says_why_not(answer: bytes, says: str) -> None:
    async with web(answer) as port:
        assert await probes.web("127.0.0.1", port) == says


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"+OK\r\n+PONG\r\n", ""),
        (b"-WRONGPASS invalid\r\n-NOAUTH required\r\n", "Redis: WRONGPASS invalid"),
        (b"+OK\r\n-LOADING loading\r\n", "Redis: LOADING loading"),
        (b"", "Redis does not answer"),
    ],
)
async def test_the_redis_probe_says_why_not(answer: bytes, says: str) -> None:
    async with web(answer) as port:
        assert await probes.redis(port, "secret") == says


async def test_a_probe_of_a_closed_port_says_so(free_port: Callable[[], int], tmp_path: Path) -> None:
    assert await probes.web("127.0.0.1", free_port()) == "the web port does not answer"
    assert await probes.redis(free_port(), "") == "Redis does not answer"
    assert "cannot be run" in await probes.postgres(tmp_path / "pg_isready", free_port())
