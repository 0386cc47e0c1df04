"""A running stack for tests: web and workers as processes, servers of their own, a Graph API that answers as told."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import redis
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

import api
from api.cause import Database
from api.errors import UnavailableError
from api.queue import Inspector
from api.signatures import sign_meta
from api.store import Reader, migrate
from console.cause import why
from console.history import Rates
from tests.api.web.conftest import WebProcess
from tests.api.worker.rig import until
from tests.api.worker.standin import StandIn
from tests.servers import PostgresServer, RedisServer

SECRET = b"running_app_secret"
_ids = itertools.count(70_000)


class Worker:
    """`python -m api worker` as a process; `lines` is its log so far."""

    def __init__(self, process: asyncio.subprocess.Process, output: Path) -> None:
        self.process = process
        self.output = output

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Its log so far."""
        return [json.loads(line) for line in self.output.read_text().splitlines() if line.endswith("}")]

    async def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it, and wait until it has."""
        if self.process.returncode is None:
            self.process.send_signal(how)
        await asyncio.wait_for(self.process.wait(), 30)


class Running:
    """The stack."""

    def __init__(self, folder: Path, redis_server: RedisServer, postgres: PostgresServer, graph: StandIn) -> None:
        self.folder = folder
        self.redis = redis_server
        self.postgres = postgres
        self.graph = graph
        self.database_url = postgres.create(f"running_{folder.name}")
        self.env = {
            "REDIS_URL": redis_server.url,
            "DATABASE_URL": self.database_url,
            "META_APP_SECRET": SECRET.decode(),
            "META_VERIFY_TOKEN": "v",
            "META_ACCESS_TOKEN": "EAAGrunningtokenabcdefgh",
            "META_GRAPH_URL": graph.url,
            "RETRY_BASE_S": "0.05",
        }
        self.web = WebProcess(folder / "web", self.env)
        self.workers: list[Worker] = []
        self.raw: Any = redis.Redis.from_url(redis_server.url, decode_responses=True)

    async def worker(self, name: str = "w-1", **env: str) -> Worker:
        """Start a worker and wait until it beats."""
        output = self.folder / f"{name}.log"
        given = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(api.__file__).parents[1]), "WORKER_NAME": name}
        with output.open("ab") as out:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "api", "worker", env=given | self.env | env, stdout=out, stderr=out, cwd="/"
            )
        started = Worker(process, output)
        self.workers.append(started)

        async def beats() -> bool:
            return bool(self.raw.hexists("{leads}:beats", name))

        await until(beats, f"the heartbeat of {name}")
        return started

    async def send(self, count: int = 1, page: str = "1029", **headers: str) -> httpx.Response:
        """A signed webhook of so many new leads of a page."""
        changes = [
            {"field": "leadgen", "value": {"leadgen_id": str(next(_ids)), "page_id": page, "form_id": "77"}}
            for _ in range(count)
        ]
        return await self.post({"object": "page", "entry": [{"id": page, "time": 1, "changes": changes}]}, **headers)

    async def post(self, value: Any, **headers: str) -> httpx.Response:
        """A signed webhook with this body."""
        body = json.dumps(value).encode()
        signed = {"x-hub-signature-256": sign_meta(SECRET, body)} | headers
        sent = {name.encode(): value.encode() for name, value in signed.items()}
        async with httpx.AsyncClient(timeout=15) as client:
            return await client.post(f"{self.web.url}/webhooks/meta", content=body, headers=sent)

    async def get(self, path: str) -> httpx.Response:
        """A page of the web process."""
        async with httpx.AsyncClient(timeout=15) as client:
            return await client.get(self.web.url + path)

    async def metrics(self) -> dict[str, Metric]:
        """The families /metrics shows, by name."""
        return {each.name: each for each in text_string_to_metric_families((await self.get("/metrics")).text)}

    async def value(self, name: str, **labels: str) -> float:
        """One sample of /metrics; 0 if it is not there."""
        for family in (await self.metrics()).values():
            for sample in family.samples:
                if sample.name == name and sample.labels == labels:
                    return sample.value
        return 0.0

    async def reaches(self, least: float, name: str, **labels: str) -> None:
        """Await until a sample is at least that: what workers did comes with their next heartbeat."""

        async def check() -> bool:
            return await self.value(name, **labels) >= least

        await until(check, f"{name} {labels} to be {least:g}")

    async def causes(self) -> tuple[str, str, str]:
        """The cause as metrics, readiness and console tell it, each from its own look at the servers."""
        metrics = [s.labels["cause"] for s in (await self.metrics())["leads_queue_cause"].samples if s.value == 1.0]
        ready = (await self.get("/health/ready")).json()["queue"]["cause"]
        return "+".join(metrics), ready, await self.console_cause()

    async def console_cause(self) -> str:
        """What the console says, of what it reads itself."""
        reader = Reader(self.database_url, size=1, timeout_s=1.0)
        try:
            await reader.ping()
            database = Database(ok=True)
        except UnavailableError as error:
            database = Database(ok=False, reason=str(error))
        finally:
            await reader.close()
        try:
            async with Inspector(self.redis.url) as inspector:
                queue = await inspector.snapshot()
        except UnavailableError:
            return why(None, None, Rates(), database).kind.value
        return why(queue, None, Rates(), database).kind.value

    async def agree(self, cause: str) -> None:
        """Await until all three say so."""
        seen: tuple[str, ...] = ()

        async def check() -> bool:
            nonlocal seen
            seen = await self.causes()
            return set(seen) == {cause}

        try:
            await until(check, f"the cause {cause}")
        except AssertionError as error:
            raise AssertionError(f"{error}; the last were {seen}") from None

    async def apart(self, call: Callable[[], object]) -> None:
        """Run something that blocks, while the stand-in goes on answering."""
        await asyncio.to_thread(call)


@contextlib.asynccontextmanager
async def running(folder: Path, server: RedisServer, postgres: PostgresServer) -> AsyncIterator[Running]:
    """A stack on these servers, which are started if they are down; a web process and no worker yet."""
    for each in (server, postgres):
        if not await asyncio.to_thread(each.answers):
            await asyncio.to_thread(each.start)
    async with StandIn() as graph:
        stack = Running(folder, server, postgres, graph)
        stack.raw.config_set("maxmemory", 0)
        stack.raw.flushall()
        await migrate(stack.database_url)
        await stack.apart(stack.web.start)
        try:
            yield stack
        finally:
            for worker in stack.workers:
                await worker.end(signal.SIGKILL)
            await stack.apart(lambda: stack.web.stop(signal.SIGKILL))
            stack.raw.close()
