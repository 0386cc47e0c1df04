"""Many clients of one web process over real sockets, and what the process's memory does meanwhile."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec

from api.signatures import sign_meta
from tests.api.web.conftest import SECRETS, WebProcess
from tests.api.web.test_app import leads
from tests.api.web.test_process import post

ANSWER_S = 20.0
"""How long a client waits for any answer: Meta's own patience. Nothing here may need it."""

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer as it came; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def counts(self) -> dict[str, int]:
        """What a webhook's answer says of its leads."""
        found: dict[str, int] = msgspec.json.decode(self.body)
        return found


class Line:
    """One connection. It reads what had been answered even after the other side has reset it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._sock = socket.socket()
        self._sock.setblocking(False)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop = asyncio.get_running_loop()
        self._rest = b""

    async def open(self) -> Self:
        """Connect."""
        await self._loop.sock_connect(self._sock, ("127.0.0.1", self._port))
        return self

    async def write(self, data: bytes) -> bool:
        """Send all of it; False if the other side does not take it any more."""
        try:
            await self._loop.sock_sendall(self._sock, data)
        except ConnectionError:
            return False
        return True

    async def read(self) -> Reply | None:
        """The next answer, or None when the connection ends before there is one. TimeoutError if neither comes."""
        async with asyncio.timeout(ANSWER_S):
            while (reply := self._next()) is None:
                try:
                    piece = await self._loop.sock_recv(self._sock, 65_536)
                except ConnectionError:
                    return None
                if not piece:
                    return None
                self._rest += piece
        return reply

    async def ended(self, patience_s: float = ANSWER_S) -> bytes:
        """What comes until the other side closes the connection; TimeoutError if it does not."""
        async with asyncio.timeout(patience_s):
            while True:
                try:
                    piece = await self._loop.sock_recv(self._sock, 65_536)
                except ConnectionError:
                    piece = b""
                if not piece:
                    return self._rest
                self._rest += piece

    def close(self, *, rudely: bool = False) -> None:
        """Hang up; rudely, with a reset instead of a goodbye."""
        if rudely:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()

    def _next(self) -> Reply | None:
        head, blank, rest = self._rest.partition(b"\r\n\r\n")
        if not blank:
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        length = int(headers.get("content-length", 0))
        if len(rest) < length:
            return None
        self._rest = rest[length:]
        return Reply(int(first.split(" ", 2)[1]), headers, rest[:length])


@asynccontextmanager
async def line_to(web: WebProcess) -> AsyncIterator[Line]:
    """A connection for a while."""
    line = Line(web.port)
    try:
        yield await line.open()
    finally:
        line.close()


class Caller:
    """One client with one connection at a time, which it keeps as long as the server does."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._line: Line | None = None

    async def send(self, request: bytes) -> Reply:
        """Send a whole request; its answer. ConnectionError if there is none, TimeoutError if none comes."""
        kept = self._line is not None
        if self._line is None:
            self._line = await Line(self._port).open()
        await self._line.write(request)
        reply = await self._line.read()
        if reply is None or reply.headers.get("connection", "").lower() == "close":
            self.close()
        if reply is None and kept:
            # The server had closed a connection that it did not want to keep any longer.
            return await self.send(request)
        if reply is None:
            raise ConnectionError
        return reply

    def close(self) -> None:
        """Hang up."""
        if self._line is not None:
            self._line.close()
        self._line = None


@asynccontextmanager
async def callers(web: WebProcess, count: int) -> AsyncIterator[list[Caller]]:
    """That many clients."""
    made = [Caller(web.port) for _ in range(count)]
    try:
        yield made
    finally:
        for caller in made:
            caller.close()


async def fire(caller: Caller, *ids: object, pad: int = 0) -> Reply:
    """Send a signed Meta webhook with these leads, each with `pad` bytes beside its id."""
    return await caller.send(post(leads(*ids, **({"pad": "x" * pad} if pad else {}))))


def signature_of(body: bytes) -> bytes:
    """The header line that signs a Meta webhook."""
    return b"X-Hub-Signature-256: " + sign_meta(SECRETS[0], body).encode()


def memory_of(web: WebProcess) -> int:
    """Bytes of memory that the process has in use now (VmRSS)."""
    return _status(web, "VmRSS")


def peak_of(web: WebProcess) -> int:
    """The most bytes of memory it has had in use since it started or since `forget_peak` (VmHWM)."""
    return _status(web, "VmHWM")


def forget_peak(web: WebProcess) -> None:
    """Begin a new peak (proc(5), clear_refs 5)."""
    assert web.process is not None
    Path(f"/proc/{web.process.pid}/clear_refs").write_text("5")


def _status(web: WebProcess, name: str) -> int:
    assert web.process is not None
    lines = Path(f"/proc/{web.process.pid}/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024


async def metric(web: WebProcess, name: str) -> float:
    """A metric without labels, as the process shows it now."""
    request = b"GET /metrics HTTP/1.1\r\nHost: leads.test\r\nConnection: close\r\n\r\n"
    async with callers(web, 1) as (caller,):
        page = (await caller.send(request)).body.decode()
    (line,) = [line for line in page.splitlines() if line.startswith(f"{name} ")]
    return float(line.split()[1])


async def eventually(web: WebProcess, name: str, value: float) -> None:
    """Await until a metric has a value."""
    async with asyncio.timeout(ANSWER_S):
        while await metric(web, name) != value:
            await asyncio.sleep(0.05)
