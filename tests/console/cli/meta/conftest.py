"""A local stack that reads its leads from a Graph stand-in, both started once."""

from __future__ import annotations

import asyncio
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
import redis

from console.demo.graph import GraphStandIn, Temper
from console.demo.world import World
from console.stack.local.places import Places
from tests.console.cli.calls import COMMAND, environment
from tests.console.cli.conftest import Stack

LEADS = 1_500
CALM = Temper(slow=0.0, broken=0.0)
SECRETS = {
    "META_APP_SECRET": "fd61a03af4f77d870fc21e05e7e80678",
    "META_VERIFY_TOKEN": "wQ2xv9-kPa71nbE_cT",
    "META_ACCESS_TOKEN": "EAAGm0PX4ZCpsBAJ8rt1vQzyTokenOfTheTests",
}
TOKEN = SECRETS["META_ACCESS_TOKEN"]


@dataclass(slots=True)
class Site:
    """A stack that reads leads from a Graph stand-in, which runs in a thread of its own."""

    stack: Stack
    graph: GraphStandIn
    world: World

    def rows(self) -> list[str]:
        """External ids of all stored leads."""
        access = Places(self.stack.directory).access()
        assert access is not None
        with psycopg.connect(access.database_url) as connection:
            return [lead for (lead,) in connection.execute("SELECT external_id FROM leads ORDER BY 1").fetchall()]

    def accepted(self) -> int:
        """Jobs that the queue has accepted so far."""
        access = Places(self.stack.directory).access()
        assert access is not None
        with redis.Redis.from_url(access.redis_url) as client:
            return int(client.hget("{leads}:counters", "accepted") or 0)

    def of_page(self, page: str) -> list[str]:
        """Ids of the leads that a backfill of a page is to find."""
        numbers = [n for n in range(self.world.issued) if not self.world.fate(n).lasting]
        return sorted(self.world.lead_id(n) for n in numbers if self.world.form(n).page_id == page)

    def begin(self, *arguments: str) -> subprocess.Popen[str]:
        """A command that goes on while the test does."""
        return subprocess.Popen(
            [*COMMAND, *self.stack.where, *arguments], env=environment(), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip


@pytest.fixture(scope="session")
def site(server_folder: Path) -> Iterator[Site]:
    world = World(3)
    world.every_s, world.issued = 20.0, LEADS
    world.started_at = time.time() - LEADS * world.every_s
    started = threading.Event()
    loop = asyncio.new_event_loop()
    standing: list[GraphStandIn] = []

    async def stand() -> None:
        async with GraphStandIn(world, token=TOKEN, app_secret=SECRETS["META_APP_SECRET"], temper=CALM) as graph:
            standing.append(graph)
            started.set()
            await ended.wait()

    ended = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=[stand()])
    thread.start()
    assert started.wait(10)
    stack = Stack(server_folder / "site")
    stack.directory.mkdir(mode=0o711)
    settings = {**SECRETS, "META_GRAPH_URL": standing[0].url, "RETRY_BASE_S": "0.2"}
    env = stack.directory / ".env"
    env.touch(mode=0o600)
    env.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    up = stack("up")
    try:
        assert up.code == 0, up.err
        yield Site(stack, standing[0], world)
    finally:
        down = stack("down", "--yes")
        loop.call_soon_threadsafe(ended.set)
        thread.join(20)
        loop.close()
    assert down.code == 0, down.err
