"""Kill -9 of worker, web, Redis and Postgres in turn under load: every 200 is a row or a dead letter, exactly once."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import psycopg
import pytest

from api.models import JobState, Outcome
from api.queue import Inspector
from api.store import Reader
from console.demo.graph import GraphStandIn, Temper
from console.demo.traffic import Traffic
from console.demo.world import World
from console.snapshots import Endpoints, Progress, Role
from console.stack.local import LocalRuntime

APP_SECRET = "kill-test-app-secret"
TOKEN = "kill-test-token"
WEBHOOKS = 2_000
LEADS = 10_400
"""A webhook carries five leads on average."""

RATE = 600.0
"""Leads a second."""


async def until(ready: Callable[[], Awaitable[bool]], what: str, timeout_s: float = 90.0) -> None:
    """Await a condition."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout_s
    while not await ready():
        assert loop.time() < deadline, f"{what}: not within {timeout_s:.0f} s"
        await asyncio.sleep(0.1)


async def drain(steps: AsyncGenerator[Progress, None]) -> None:
    """Let a verb of the runtime run to its end."""
    async for _ in steps:
        pass


async def kill(runtime: LocalRuntime, role: Role) -> None:
    """Kill -9 the service's process and wait until the supervisor has it up again under another pid."""
    service = (await runtime.snapshot()).service(role)
    assert service is not None
    victim = service.replicas[0].pid
    assert victim > 0
    os.kill(victim, signal.SIGKILL)

    async def back() -> bool:
        now = (await runtime.snapshot()).service(role)
        return now is not None and now.replicas[0].pid not in (0, victim) and now.replicas[0].state.up

    await until(back, f"{role} restarts")


@pytest.fixture
def kill_folder(server_folder: Path) -> Path:
    return server_folder / "kill"


@pytest.mark.faults
@pytest.mark.timeout(300)
async def test_every_acknowledged_lead_is_stored_exactly_once(kill_folder: Path) -> None:
    world = World(7)
    async with GraphStandIn(world, token=TOKEN, app_secret=APP_SECRET, temper=Temper(slow=0.01)) as graph:
        settings = {
            "META_APP_SECRET": APP_SECRET,
            "META_VERIFY_TOKEN": "kill-test-verify",
            "META_ACCESS_TOKEN": TOKEN,
            "META_GRAPH_URL": graph.url,
            "RETRY_BASE_S": "0.2",
        }
        runtime = LocalRuntime(kill_folder, dict(os.environ) | settings)
        try:
            await drain(runtime.up())
            ends = await runtime.endpoints()
            traffic = Traffic(world, ends.web_url, APP_SECRET, rate=RATE, count=LEADS, senders=12)
            sending = asyncio.create_task(traffic.run())
            for turn, role in enumerate((Role.WORKER, Role.APP, Role.REDIS, Role.DB), start=1):

                async def reached(leads: int = turn * LEADS // 6) -> bool:
                    return traffic.sent.leads >= leads

                await until(reached, f"{role}'s turn")
                await kill(runtime, role)
            await asyncio.wait_for(sending, 120)
            assert traffic.sent.webhooks >= WEBHOOKS
            await verify(ends, {world.lead_id(number) for number in range(LEADS)}, _lost_causes(world))
        finally:
            await drain(runtime.down(volumes=True))
            await runtime.close()


def _lost_causes(world: World) -> set[str]:
    return {world.lead_id(number) for number in range(LEADS) if world.fate(number).lasting}


async def verify(ends: Endpoints, acknowledged: set[str], lost_causes: set[str]) -> None:
    """Wait for the queue to settle, then compare what was acknowledged with what is stored and what is dead."""
    async with Inspector(ends.redis_url) as inspector:

        async def settled() -> bool:
            return (await inspector.snapshot()).depth == 0

        await until(settled, "the queue settles")
        reader = Reader(ends.database_url)
        try:
            accounting = await reader.accounting(await inspector.places())
        finally:
            await reader.close()
        dead = Counter(view.job.external_id for view in (await inspector.jobs(JobState.DEAD, limit=1_000)).jobs)
    with psycopg.connect(ends.database_url) as connection:
        rows = Counter(row[0] for row in connection.execute("SELECT external_id FROM leads"))
        ended = "SELECT external_id FROM deliveries WHERE outcome = %s"
        stored = Counter(row[0] for row in connection.execute(ended, [Outcome.STORED.value]))
    assert accounting.balanced, accounting
    places = rows + dead
    assert {lead: count for lead, count in places.items() if count != 1} == {}
    assert set(places) == acknowledged
    assert set(dead) == lost_causes
    assert stored == rows
