"""A queue, a store and a Graph API for backfills; no worker: what was queued stays there to be counted."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from api.models import JobState
from api.store import migrate
from console.backfill import verb
from console.backfill.records import Report, Wanted
from console.demo.graph import GraphStandIn, Temper
from console.demo.world import Form, World
from console.ports import Result
from console.session import Session
from console.settings import Settings
from console.snapshots import Progress
from tests.console.test_verbs import Local

TOKEN = "EAAGtokenofthetests"
CALM = Temper(slow=0.0, broken=0.0)
EVERY_S = 30.0
LEADS = 3_000


@dataclass(slots=True)
class Rig:
    """A session on its servers, and the world that the Graph API knows."""

    session: Session
    graph: GraphStandIn
    world: World

    def form(self, place: int = 0) -> Form:
        """One of the forms; the first is the busiest."""
        return self.world.forms[place]

    def since(self, leads: int = LEADS) -> float:
        """A time before that so many leads of the world were not yet created."""
        return self.world.created_at(self.world.issued - leads) - 1

    def wanted(self, *places: int, leads: int = LEADS, dry: bool = False, afresh: bool = False) -> Wanted:
        """The leads of some forms, of the last so many of the world."""
        forms = tuple(self.form(place).id for place in places)
        return Wanted(self.since(leads), forms, dry=dry, afresh=afresh)

    def leads(self, *places: int, leads: int = LEADS) -> list[str]:
        """The ids of the leads that a backfill of these forms is to find."""
        forms = {self.form(place).id for place in places}
        first = self.world.issued - leads
        numbers = [n for n in range(first, self.world.issued) if not self.world.fate(n).lasting]
        return [self.world.lead_id(n) for n in numbers if self.world.form(n).id in forms]

    async def run(self, wanted: Wanted) -> Report:
        """A run of the core to its end."""
        events = [event async for event in self.session.backfills().run(wanted)]
        assert isinstance(events[-1], Report)
        return events[-1]

    async def act(self, wanted: Wanted) -> tuple[Result, list[Progress]]:
        """The verb, as both front ends do it: its result, and the steps before."""
        events = [event async for event in self.session.runner.run(verb.action(wanted))]
        assert isinstance(events[-1], Result)
        return events[-1], [event for event in events if isinstance(event, Progress)]

    async def queued(self) -> list[str]:
        """External ids of all jobs that are ready."""
        found: list[str] = []
        cursor = ""
        while True:
            page = await self.session.queue.jobs(JobState.READY, cursor=cursor, limit=500)
            found += [view.job.external_id for view in page.jobs]
            cursor = page.cursor
            if not cursor:
                return found


Make = Callable[[Temper], AsyncIterator[Rig]]


@pytest.fixture
def temper() -> Temper:
    """How the Graph API behaves; a test may have its own."""
    return CALM


@pytest.fixture
async def rig(redis_url: str, database_url: str, tmp_path: Path, temper: Temper) -> AsyncIterator[Rig]:
    await migrate(database_url)
    world = World(1)
    world.every_s, world.issued = EVERY_S, LEADS
    world.started_at = time.time() - LEADS * EVERY_S
    async with GraphStandIn(world, token=TOKEN, app_secret="secret", temper=temper) as graph:
        env = tmp_path / ".env"
        env.write_text(f"META_ACCESS_TOKEN={TOKEN}\nMETA_APP_SECRET=secret\nMETA_GRAPH_URL={graph.url}\n")
        settings = Settings(operator="ana@desk", env_file=env)
        async with Session(settings, Local(redis_url, database_url)) as session:
            yield Rig(session, graph, world)
