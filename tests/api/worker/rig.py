"""A worker on real servers, with hands on the queue, the store and the Graph stand-in."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from api.graph import GraphClient
from api.ids import new_id
from api.models import Accounting, Job, JobState, JobView, LeadDetails, LeadFilter
from api.queue import Consumer, Inspector, Publisher
from api.settings import Settings
from api.store import Reader, Writer, migrate
from api.worker.process import Worker
from api.worker.storing import WRITERS
from tests.api.worker.standin import StandIn

T = TypeVar("T")
PATIENCE_S = 40.0


async def until(check: Callable[[], Awaitable[T | None]], what: str) -> T:
    """Await until `check` gives something true, and return it."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        found = await check()
        if found:
            return found
        assert time.monotonic() < deadline, f"still waiting for {what}"
        await asyncio.sleep(0.02)


def meta_job(external_id: str, **values: Any) -> Job:
    """A lead of Meta's, without its answers."""
    given: dict[str, Any] = {"page": "1029", "form": "77", "request_id": "req-1"} | values
    payload = {"leadgen_id": external_id, "page_id": given["page"], "form_id": given["form"], "adgroup_id": "5"}
    return _job("meta", external_id, json.dumps(payload), given)


def form_job(external_id: str, body: Any = None, **values: Any) -> Job:
    """A lead of a web form; `body` as it was sent (text is taken as it is)."""
    if body is None:
        body = {"type": "lead.created", "data": {"fields": {"name": "Ana", "email": f"{external_id}@example.com"}}}
    payload = body if isinstance(body, str) else json.dumps(body)
    given: dict[str, Any] = {"page": "site", "form": "site", "request_id": "req-1"} | values
    return _job("forms", external_id, payload, given)


def _job(source: str, external_id: str, payload: str, given: dict[str, Any]) -> Job:
    made: dict[str, Any] = {"id": new_id(), "source": source, "external_id": external_id, "received_at": time.time()}
    return Job(**(made | {"payload": payload} | given))


@dataclass
class Rig:
    """Everything a worker test touches. `settings` may be replaced before `working`."""

    redis_url: str
    database_url: str
    graph: StandIn
    publisher: Publisher
    inspector: Inspector
    reader: Reader
    settings: Settings
    worker: Worker | None = field(default=None)
    client: GraphClient | None = field(default=None)

    @contextlib.asynccontextmanager
    async def working(self, **values: Any) -> AsyncIterator[Worker]:
        """A worker at work; drained at the end."""
        settings = self.changed(**values)
        consumer = Consumer(
            settings.redis_url, settings.queue_namespace, settings.worker_name, settings.visibility_timeout
        )
        writer = Writer(settings.database_url, size=WRITERS + 1)
        graph = GraphClient(
            url=settings.meta_graph_url,
            token=settings.meta_access_token,
            tokens=settings.meta_access_tokens,
            app_secret=b"s3cret",
            timeout_s=settings.graph_timeout,
            connections=64,
        )
        worker = Worker(settings, consumer=consumer, writer=writer, graph=graph)
        self.client = graph
        running = asyncio.create_task(worker.run())
        try:
            yield worker
        finally:
            worker.stop()
            try:
                await asyncio.wait_for(running, PATIENCE_S)
            finally:
                await graph.close()
                await writer.close()
                await consumer.close()

    def changed(self, **values: Any) -> Settings:
        """The settings with some replaced."""
        kept = {name: getattr(self.settings, name) for name in self.settings.__slots__}
        return Settings(**(kept | values))

    async def publish(self, *jobs: Job) -> None:
        """Put jobs into the queue."""
        for start in range(0, len(jobs), 400):
            await self.publisher.publish(jobs[start : start + 400])

    async def rows(self, count: int) -> None:
        """Await until that many leads are stored."""

        async def check() -> bool:
            return len((await self.reader.page(LeadFilter(), limit=count + 1)).leads) >= count

        await until(check, f"{count} rows")

    async def idle(self) -> None:
        """Await until nothing is ready, in flight or to be retried."""

        async def check() -> bool:
            return (await self.inspector.snapshot()).depth == 0

        await until(check, "an empty queue")

    async def state(self, job: Job, state: JobState) -> JobView:
        """Await until a job is in a state."""

        async def check() -> JobView | None:
            view = await self.inspector.job(job.id)
            return view if view and view.state is state else None

        return await until(check, f"{job.external_id} to be {state}")

    async def stored(self, job: Job) -> LeadDetails:
        """Await until a job has its row; the lead with all that happened to it."""

        async def check() -> LeadDetails | None:
            found = await self.reader.find(job.id)
            return found[0] if found else None

        return await until(check, f"the row of {job.external_id}")

    async def notice(self, key: str, *, there: bool = True) -> str:
        """Await until the operator is told something, or is not any more; the text."""

        async def check() -> str | None:
            texts = [notice.text for notice in (await self.inspector.snapshot()).notices if notice.key == key]
            return (texts[0] if texts else None) if there else (None if texts else "gone")

        return await until(check, f"the notice {key}")

    async def accounting(self) -> Accounting:
        """The accounting now."""
        return await self.reader.accounting(await self.inspector.places())


@contextlib.asynccontextmanager
async def rigged(redis_url: str, database_url: str) -> AsyncIterator[Rig]:
    """A rig on these servers, the schema made."""
    await migrate(database_url)
    async with StandIn() as graph:
        settings = Settings(
            redis_url=redis_url,
            database_url=database_url,
            meta_access_token="EAAGrigtokenabcdefghijkl",
            meta_graph_url=graph.url,
            worker_name="w-1",
            retry_base=0.1,
            graph_timeout=20.0,
        )
        async with Publisher(redis_url, "leads") as publisher, Inspector(redis_url, "leads") as inspector:
            reader = Reader(database_url)
            yield Rig(redis_url, database_url, graph, publisher, inspector, reader, settings)
            await reader.close()
