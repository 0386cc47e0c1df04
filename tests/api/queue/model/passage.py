"""Owns a way to Redis on which a command can be lost, go unanswered or meet a killed server; it records them."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from enum import StrEnum
from functools import cache

import hiredis
import redis.asyncio

from api.queue import lua
from tests.servers import RedisServer

CLOSING_S = 2.0
_GREETING = frozenset({b"AUTH", b"HELLO", b"CLIENT", b"SELECT", b"PING"})
_SHARED = {"common", *(part for parts in lua.SHARED.values() for part in parts)}


class Fault(StrEnum):
    """What happens at a command."""

    LOST = "lost"
    """The connection ends before the command gets to the server."""
    UNANSWERED = "unanswered"
    """The server does it, and the connection ends before the answer arrives."""
    FORGOTTEN = "forgotten"
    """The server has lost its scripts before the command arrives."""
    KILLED_BEFORE = "killed before"
    """Kill -9 of the server before the command arrives; it is started again on its data."""
    KILLED_DURING = "killed during"
    """Kill -9 as soon as the command is on its way; it is done, or not."""
    KILLED_AFTER = "killed after"
    """Kill -9 when the command is done and on disk, before the answer arrives."""


class Passage:
    """A proxy in front of one server. Greetings (AUTH, PING and their like) are neither counted nor recorded."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._listener: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._revival: asyncio.Task[None] | None = None
        self._fault: Fault | None = None
        self._fault_in = 0
        self.commands: list[str] = []
        """Names of what went through, scripts by theirs; also what was lost on the way."""
        self.fired = False
        """Whether the armed fault has happened."""

    async def open(self) -> str:
        """Listen; the URL to give to clients."""
        self._listener = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        port = self._listener.sockets[0].getsockname()[1]
        return f"redis://:{self._server.password}@127.0.0.1:{port}/0"

    async def close(self) -> None:
        """End all connections. Those whose clients are gone end by themselves."""
        if self._listener is not None:
            self._listener.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSING_S)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, *([self._revival] if self._revival else []), return_exceptions=True)

    def arm(self, fault: Fault, at: int = 1) -> None:
        """Let it happen at the next command but `at` - 1."""
        self._fault, self._fault_in, self.fired = fault, at, False

    def disarm(self) -> None:
        """Let all commands through."""
        self._fault, self._fault_in = None, 0

    async def revived(self) -> None:
        """Return when a server that was killed is up again."""
        if self._revival is not None:
            await self._revival

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with contextlib.suppress(OSError):
                await self._serve(reader, writer)
        except asyncio.CancelledError:
            pass  # by `close`: asyncio would log it as an error of the handler
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self.revived()
        answers, server = await asyncio.open_connection("127.0.0.1", self._server.port)
        lane = _Lane(answers, writer)
        back = asyncio.create_task(lane.bring_back())
        forth = asyncio.create_task(self._send_on(reader, server, lane))
        try:
            await asyncio.wait([back, forth], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (back, forth):
                task.cancel()
            await asyncio.gather(back, forth, return_exceptions=True)
            server.transport.abort()

    async def _send_on(self, reader: asyncio.StreamReader, server: asyncio.StreamWriter, lane: _Lane) -> None:
        """Pass commands on until a fault ends the connection."""
        parser = hiredis.Reader()
        while data := await reader.read(65_536):
            parser.feed(data)
            while (words := parser.gets()) is not False:
                fault = self._fault_at(words)
                if fault is not None and await self._break(fault, words, server, lane):
                    return
                lane.send(server, words)

    def _fault_at(self, words: list[bytes]) -> Fault | None:
        """Record a command; the fault that is to happen at it."""
        if words[0].upper() in _GREETING:
            return None
        self.commands.append(_name_of(words))
        if self._fault is None:
            return None
        self._fault_in -= 1
        if self._fault_in:
            return None
        fault, self._fault = self._fault, None
        self.fired = True
        return fault

    async def _break(self, fault: Fault, words: list[bytes], server: asyncio.StreamWriter, lane: _Lane) -> bool:
        """Make the fault; whether the connection is over."""
        await lane.idle()
        if fault is Fault.FORGOTTEN:
            async with redis.asyncio.Redis.from_url(self._server.url) as client:
                await client.script_flush()
            return False
        if fault in (Fault.UNANSWERED, Fault.KILLED_AFTER):
            lane.swallow = True
            lane.send(server, words)
            await lane.idle()
        elif fault is Fault.KILLED_DURING:
            lane.swallow = True
            lane.send(server, words)
            await server.drain()
        if fault.startswith("killed"):
            self._revival = asyncio.create_task(asyncio.to_thread(self._restart))
            await asyncio.shield(self._revival)  # this connection is closed meanwhile, and its task with it
        return True

    def _restart(self) -> None:
        self._server.kill()
        self._server.start()


class _Lane:
    """The way back of one connection: counts the answers that are still to come."""

    def __init__(self, answers: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        self._answers = answers
        self._client = client
        self._parser = hiredis.Reader()
        self._due = 0
        self._changed = asyncio.Event()
        self.swallow = False

    def send(self, server: asyncio.StreamWriter, words: list[bytes]) -> None:
        self._due += 1
        server.write(hiredis.pack_command(tuple(words)))  # type: ignore[arg-type]  # its stub knows one word only

    async def bring_back(self) -> None:
        while data := await self._answers.read(65_536):
            if not self.swallow:
                self._client.write(data)
            self._parser.feed(data)
            while self._parser.gets() is not False:
                self._due -= 1
            self._changed.set()

    async def idle(self) -> None:
        """Return when every command sent has been answered."""
        while self._due:
            self._changed.clear()
            await self._changed.wait()


@cache
def _scripts() -> dict[str, str]:
    names = (path.stem for path in lua.FOLDER.glob("*.lua"))
    return {lua.load(name).sha.decode(): name for name in names if name not in _SHARED}


def _name_of(words: list[bytes]) -> str:
    verb = words[0].upper()
    if verb == b"EVALSHA":
        return _scripts().get(words[1].decode(), "?")
    if verb == b"EVAL":
        return _scripts().get(hashlib.sha1(words[1], usedforsecurity=False).hexdigest(), "?")
    return verb.decode()
