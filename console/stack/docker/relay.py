"""Owns the way to a port of the stack that nothing publishes: a loopback listener here, an exec in a container there.

Each connection runs one small program in a container of the stack that copies between its standard streams and the
port; the engine carries the stream, so this works wherever the engine can be reached. The port is asked for under the
service's name and not on the container's own loopback: some images trust every connection from there.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from console.errors import ConsoleError, UnreachableError
from console.stack.docker import execs, wire
from console.stack.docker.engine import Engine
from console.stack.docker.pump import Listener, one_way

OPEN_S = 5.0
END_S = 5.0
READ_BYTES = 64 * 1024

PYTHON = (
    "import os,socket,sys,threading as t\n"
    "s=socket.create_connection((sys.argv[1],int(sys.argv[2])))\n"
    "def up():\n"
    "    while d:=os.read(0,65536): s.sendall(d)\n"
    "    s.shutdown(1)\n"
    "t.Thread(target=up,daemon=True).start()\n"
    "while d:=s.recv(65536):\n"
    "    while d: d=d[os.write(1,d):]\n"
)
"""For images without a netcat, where there is Python."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A port of a service, and how to tell that it is really that which answers.

    Attributes:
        greeting: sent to find out. `answers` are what the reply may begin with.
    """

    service: str
    port: int
    greeting: bytes
    answers: tuple[bytes, ...]


POSTGRES = Goal("db", 5432, bytes.fromhex("0000000804d2162f"), (b"N", b"S"))
"""Asks for TLS (SSLRequest, https://www.postgresql.org/docs/current/protocol-message-formats.html)."""

REDIS = Goal("redis", 6379, b"PING\r\n", (b"+PONG", b"-NOAUTH"))


@dataclass(frozen=True, slots=True)
class Way:
    """A container and the program in it that reaches the goal."""

    container: str
    command: tuple[str, ...]


def programs(goal: Goal) -> tuple[tuple[str, ...], ...]:
    """The programs to try in a container, the likeliest first."""
    target = (goal.service, str(goal.port))
    return (
        ("busybox", "nc", *target),
        ("nc", *target),
        ("python3", "-I", "-S", "-c", PYTHON, *target),
    )


class Relay:
    """A listener on loopback for one goal. Lives on the stream loop.

    Args:
        containers: gives the ids of running containers to try, the goal's own service first.
    """

    def __init__(self, engine: Engine, goal: Goal, containers: Callable[[], Awaitable[list[str]]]) -> None:
        self._engine = engine
        self._goal = goal
        self._containers = containers
        self._listener = Listener(self._link)
        self._port = 0
        self._way: Way | None = None
        self._finding = asyncio.Lock()

    async def open(self) -> int:
        """Listen, and return the port. Whether anything answers behind it shows in each connection."""
        if not self._port:
            self._port = await self._listener.listen()
        return self._port

    async def probe(self) -> None:
        """Make sure that the goal answers through the engine.

        Raises:
            UnreachableError: no container of the stack reaches it.
        """
        await self._find()

    async def close(self) -> None:
        """End the listener and every connection."""
        await self._listener.close()

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        try:
            far = await self._through()
        except ConsoleError:
            return
        up = asyncio.ensure_future(one_way(reader, far.writer))
        down = asyncio.ensure_future(_down(far, writer))
        try:
            await asyncio.wait([up, down], return_when=asyncio.FIRST_COMPLETED)
            if not down.done():
                # No more comes from here: the program inside passes that on and ends when the goal has answered.
                await asyncio.wait([down], timeout=END_S)
        finally:
            far.close()
            for task in (up, down):
                task.cancel()
            await asyncio.gather(up, down, return_exceptions=True)

    async def _through(self) -> wire.Stream:
        """A stream to the goal, by the known way, or by another if that one is gone."""
        if self._way is not None:
            try:
                return await self._start(self._way)
            except (wire.NoSuchThingError, wire.ConflictError):
                self._way = None
        return await self._start(await self._find())

    async def _find(self) -> Way:
        async with self._finding:
            if self._way is None:
                self._way = await self._search()
            return self._way

    async def _search(self) -> Way:
        for container in await self._containers():
            for program in programs(self._goal):
                way = Way(container, program)
                if await self._answers(way):
                    return way
        raise UnreachableError(f"No container of the stack reaches {self._goal.service}.", "See leadsctl ps.")

    async def _answers(self, way: Way) -> bool:
        try:
            stream = await self._start(way)
        except UnreachableError:
            raise
        except ConsoleError:
            return False
        try:
            stream.writer.write(self._goal.greeting)
            async with asyncio.timeout(OPEN_S):
                async for data in execs.output(stream):
                    return data.startswith(self._goal.answers)
        except (OSError, ValueError, TimeoutError):
            return False
        finally:
            stream.close()
        return False

    async def _start(self, way: Way) -> wire.Stream:
        return await execs.begin(await self._engine.address(), way.container, way.command)


async def _down(far: wire.Stream, near: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, ValueError):
        async for data in execs.output(far):
            near.write(data)
            await near.drain()
