"""Owns doing one operation while something breaks, and seeing what it did: to keys, in commands, on disk."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from api.errors import QueueUnavailableError
from api.queue import lua
from tests.api.queue.model.operations import OPERATIONS, Stage, job
from tests.api.queue.model.passage import Fault, Passage
from tests.api.queue.model.sight import connected, key, look, syncs
from tests.servers import RedisServer

TRIES = 5
JOBS_ARE_IN = frozenset(key(name) for name in ("ready", "retry", "dead", "discarded", "parked", "notes", "waiting"))


@contextmanager
def looking(server: RedisServer) -> Iterator[Any]:
    """A connection to look by."""
    raw = connected(server.url)
    try:
        yield raw
    finally:
        raw.close()


@asynccontextmanager
async def staged(server: RedisServer) -> AsyncIterator[tuple[Stage, Passage, Any]]:
    """A new stage, its way to the server, and a way of its own for looking. Nothing of the filling is recorded."""
    passage = Passage(server)
    with looking(server) as raw:
        syncs(raw, "no")
        raw.flushall()
        for script in lua.FOLDER.glob("*.lua"):
            raw.script_load(lua.load(script.stem).text)
        stage = Stage(await passage.open())
        try:
            await stage.fill(server.url)
            yield stage, passage, raw
        finally:
            await stage.close()
            await passage.close()


async def undisturbed(server: RedisServer, name: str) -> tuple[list[str], dict[str, Any], dict[str, Any]]:
    """What an operation does when all goes well: its commands, what was there before, and what is there then."""
    async with staged(server) as (stage, passage, raw):
        before = look(raw).canonical()
        await OPERATIONS[name].work(stage)
        return list(passage.commands), before, look(raw).canonical()


async def disturbed(server: RedisServer, name: str, fault: Fault, at: int) -> dict[str, Any]:
    """What is there when something breaks at that command, and the operation is done again after each error.

    AssertionError if anything is lost or doubled before it is done again.
    """
    async with staged(server) as (stage, passage, raw):
        before = look(raw)
        if fault.startswith("killed"):
            syncs(raw, "always")
        passage.arm(fault, at)
        for _ in range(TRIES):
            with contextlib.suppress(QueueUnavailableError):
                await OPERATIONS[name].work(stage)
                break
            await passage.revived()
            half_way = look(raw)
            assert all(len(found) == 1 for found in half_way.jobs.values()), f"doubled: {half_way.jobs}"
            assert before.jobs.keys() - half_way.jobs.keys() <= {job(n).id for n in OPERATIONS[name].ends}, "lost"
        else:
            raise AssertionError(f"{name}: not done after {TRIES} times")
        assert passage.fired, f"{name}: nothing was to break at command {at}: {passage.commands}"
        passage.disarm()
        await passage.revived()
        return look(raw).canonical()


async def moves(server: RedisServer, name: str) -> list[str]:
    """Which commands of an operation wrote where jobs are, as the server's own MONITOR tells it.

    What a script does is that one script's; a plain command stands for itself.
    """
    async with staged(server) as (stage, passage, raw):
        writing = _writing(server.url)
        with raw.monitor() as monitor:
            await OPERATIONS[name].work(stage)
            raw.echo("the end")
            found: list[str] = []
            names = iter(passage.commands)
            while (command := monitor.next_command())["command"] != "ECHO the end":
                verb, *words = command["command"].split(" ")
                if command["client_type"] != "lua":
                    if verb.upper() in ("AUTH", "HELLO", "CLIENT", "SELECT", "PING"):
                        continue
                    by = next(names)
                    fresh = True
                if verb.upper() in writing - {"XGROUP"} and JOBS_ARE_IN & set(words) and fresh:
                    found.append(by)
                    fresh = False
            assert next(names, None) is None
            return found


@cache
def _writing(url: str) -> frozenset[str]:
    """Commands that change something, as the server says itself."""
    with contextlib.closing(connected(url)) as raw:
        return frozenset(command[0].upper() for command in raw.execute_command("COMMAND") if "write" in command[2])


class Tail:
    """The end of a server's append-only file: what was written since it was made."""

    def __init__(self, server: RedisServer) -> None:
        self._server = server
        self._begin = self._file.stat().st_size

    @property
    def _file(self) -> Path:
        manifold = sorted((self._server.folder / "appendonlydir").glob("*.incr.aof"))
        return manifold[-1] if manifold else self._server.folder / "appendonly.aof"

    def cuts(self, parts: int) -> list[int]:
        """Sizes at which the file is torn: after its first new byte, before its last, and between."""
        begin, end = self._begin, self._file.stat().st_size
        return sorted({begin + 1 + (end - begin - 2) * n // parts for n in range(parts + 1)}) if end > begin else []

    def torn(self, size: int, folder: Path) -> RedisServer:
        """A server on a copy of the data of which only so many bytes got to the disk."""
        shutil.copytree(self._server.folder, folder)
        file = folder / self._file.relative_to(self._server.folder)
        with file.open("rb+") as opened:
            opened.truncate(size)
        return RedisServer(folder, self._server.binary).start()
