"""A restore that is ended early, at whatever step: all of the archive is in place, or all that was there before."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from console.backup.archive import FORMAT, Manifest
from console.backup.restoring import FRESH, OLD, Restorer
from console.errors import ConsoleError, StackError
from console.links import Links
from console.ports import Checker, Result, Runtime
from console.snapshots import Progress

SERVICES = ("db", "redis", "app", "worker")
MANIFEST = Manifest(
    format=FORMAT, made_by="1", stack="leads", runtime="local", began_at="2026-11-24T12:00:00", ended_at="", schema=1,
    postgres="15.8", redis="Redis 7.2", leads=4, accepted=9, members={},
)  # fmt: skip


@dataclass
class World:
    """A stack as a restore sees it: runtime, links and checker. `at` is called at each of its steps, by number."""

    databases: dict[str, str] = field(default_factory=lambda: {"leads": "here"})
    redis: str = "here"
    put_away: str = ""
    running: set[str] = field(default_factory=lambda: set(SERVICES))
    at: Callable[[int], None] = lambda _: None
    calls: int = 0

    async def called(self) -> None:
        """Something takes its time."""
        self.calls += 1
        self.at(self.calls)
        await asyncio.sleep(0)

    async def stop(self, services: Sequence[str]) -> AsyncIterator[Progress]:
        """Stop services."""
        for name in services:
            await self.called()
            self.running.discard(name)
            yield Progress("stopped", name, ok=True)

    async def up(self, services: Sequence[str] = ()) -> AsyncIterator[Progress]:
        """Start services."""
        for name in services or SERVICES:
            await self.called()
            self.running.add(name)
            yield Progress("ready", name, ok=True)

    async def execute(
        self, _service: str, words: Sequence[str], source: AsyncIterator[bytes] | None = None
    ) -> AsyncIterator[bytes]:
        """psql and pg_restore."""
        del source
        await self.called()
        if words[0] == "pg_restore":
            self.databases[FRESH] = "archive"
        for statement in words[1:]:
            yield self.sql(statement)

    def sql(self, statement: str) -> bytes:
        """What a statement does."""
        if statement == "SELECT current_database()":
            return b"leads"
        if statement.startswith("SELECT 1 FROM pg_database"):
            return b"1" if FRESH in self.databases else b""
        if found := re.match(r'(DROP|CREATE) DATABASE (?:IF EXISTS )?"(\w+)"', statement):
            self.databases.pop(found[2], None)
            if found[1] == "CREATE":
                self.databases[found[2]] = ""
        for before, after in re.findall(r'ALTER DATABASE "(\w+)" RENAME TO "(\w+)"', statement):
            self.databases[after] = self.databases.pop(before)
        return b""

    async def refill_redis(self, source: AsyncIterator[bytes], *, single: bool) -> None:
        """The archive's data for what is there."""
        del source, single
        await self.called()
        assert "redis" not in self.running
        self.put_away, self.redis = self.redis, "archive"

    async def keep_redis(self, *, restored: bool) -> None:
        """Let go what was put away, or put it back."""
        await self.called()
        if not restored and self.put_away:
            assert "redis" not in self.running
            self.redis = self.put_away
        self.put_away = ""

    async def inspect(self, ask: Callable[[Any], Awaitable[Any]]) -> Any:
        """What the inspector, or the reader, answers."""
        return await ask(self)

    read = inspect

    async def snapshot(self, *_: object, **__: object) -> SimpleNamespace:
        """Figures of queue and store."""
        await self.called()
        return SimpleNamespace(server="Redis 7.2", accepted=9, version="15.8", total=4)

    def forget(self) -> None:
        """Endpoints may have moved."""

    async def accounting(self) -> SimpleNamespace:
        """It balances."""
        return SimpleNamespace(balanced=True, accepted=9)

    @property
    def held(self) -> tuple[str, str]:
        """What Postgres and Redis hold."""
        return self.databases["leads"], self.redis


async def restored(world: World) -> Result:
    """A whole restore."""
    restorer = Restorer(cast("Runtime", world), cast("Links", world), cast("Checker", world))
    steps = restorer.restore(Path("/none"), None, MANIFEST)
    (result,) = [step async for step in steps if isinstance(step, Result)]
    return result


async def ended(world: World, call: int) -> bool:
    """A restore whose task is cancelled at a call; whether it came to that."""
    task = asyncio.ensure_future(restored(world))

    def at(number: int) -> None:
        if number == call:
            task.cancel()

    world.at = at
    with suppress(asyncio.CancelledError):
        await task
    return world.calls >= call


def whole(world: World) -> None:
    """All of one, none of the other, nothing left over, everything running."""
    assert world.held in (("here", "here"), ("archive", "archive"))
    assert (world.put_away, set(world.databases), world.running) == ("", {"leads"}, set(SERVICES))


async def test_whenever_it_is_ended_the_stack_is_whole() -> None:
    held = set()
    call = 1
    while await ended(world := World(), call):
        whole(world)
        held.add(world.held)
        call += 1
    assert call > 20
    assert held == {("here", "here"), ("archive", "archive")}


async def test_what_a_former_restore_put_away_never_comes_back() -> None:
    call = 1
    while await ended(world := World(put_away="ancient", databases={"leads": "here", OLD: "ancient"}), call):
        assert "ancient" not in world.held, call
        call += 1
    assert call > 20


async def test_what_a_killed_restore_had_begun_is_undone_first() -> None:
    def killed() -> World:
        return World(redis="archive", put_away="here", databases={"leads": "here", FRESH: "archive"}, running={"db"})

    world = killed()
    world.running.add("redis")
    assert (await restored(world)).ok
    assert world.held == ("archive", "archive")
    world = killed()
    world.at = lambda number: _refuse() if number == 12 else None
    with pytest.raises(ConsoleError, match="refused"):
        await restored(world)
    whole(world)
    assert world.held == ("here", "here")


def _refuse() -> None:
    raise StackError("refused")
