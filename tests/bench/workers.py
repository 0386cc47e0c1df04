"""The workers that are compared: how their queue is filled, how they are started, and how their rows are counted."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import redis

from api.ids import new_id
from api.models import Job
from api.queue import Publisher
from tests.bench import node
from tests.bench.harness import MissingError
from tests.bench.processes import python, run, tail

OURS = "leadsctl"
PEER = "BullMQ, concurrency 50"
POLL_S = 0.05
"""Between two counts of the rows; each costs Postgres about as much as 20 jobs."""


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker of one kind. With `graph` it asks the Graph API for each lead's fields.

    `fill(redis_url, count)` queues jobs; `in_flight(client, name)` are the external ids that the worker `name` holds;
    `stored` counts the rows and `kept` is the statement that finds which of some external ids are rows.
    """

    name: str
    graph: bool
    command: list[str]
    environment: dict[str, str]
    fill: Callable[[str, int], None]
    in_flight: Callable[[redis.Redis, str], list[str]]
    stored: str
    kept: str

    def settings(self, redis_url: str, database_url: str, graph_url: str, name: str = "bench-1") -> dict[str, str]:
        """The environment of a process of it."""
        return self.environment | {
            "REDIS_URL": redis_url,
            "DATABASE_URL": database_url,
            "META_GRAPH_URL": graph_url,
            "GRAPH_URL": graph_url if self.graph else "",
            "WORKER_NAME": name,
        }


def workers() -> dict[str, Worker]:
    """All of them by name. MissingError if Node is not there."""
    return {worker.name: worker for graph in (False, True) for worker in (_ours(graph=graph), _peer(graph=graph))}


def _named(name: str, *, graph: bool) -> str:
    return f"{name} + Graph" if graph else name


def _ours(*, graph: bool) -> Worker:
    return Worker(
        _named(OURS, graph=graph),
        graph,
        python("-m", "api", "worker"),
        {"META_ACCESS_TOKEN": "bench-token", "META_APP_SECRET": "bench-app-secret"},
        _fill_meta if graph else _fill_forms,
        _pending,
        "SELECT count(*) FROM deliveries",
        "SELECT count(*) FROM deliveries WHERE external_id = ANY(%s)",
    )


def _peer(*, graph: bool) -> Worker:
    return Worker(
        _named(PEER, graph=graph),
        graph,
        node.command("worker.js"),
        node.settings(),
        _fill_peer,
        _active,
        "SELECT count(*) FROM peer_leads",
        "SELECT count(*) FROM peer_leads WHERE external_id = ANY(%s)",
    )


def count(connection: psycopg.Connection[tuple[int]], statement: str, *args: object) -> int:
    """The one number a statement gives; 0 while the table is not there."""
    try:
        row = connection.execute(statement.encode(), args or None).fetchone()
    except psycopg.errors.UndefinedTable:
        return 0
    return row[0] if row else 0


def await_rows(
    connection: psycopg.Connection[tuple[int]],
    worker: Worker,
    process: subprocess.Popen[bytes],
    wanted: int,
    timeout_s: float,
    log: Path,
) -> tuple[float, int]:
    """(time, rows) once there are so many rows."""
    deadline = time.perf_counter() + timeout_s
    while True:
        rows = count(connection, worker.stored)
        at = time.perf_counter()
        if rows >= wanted:
            return at, rows
        if at > deadline or process.poll() is not None:
            raise MissingError(f"{worker.name}: {rows:,} of {wanted:,} rows after {timeout_s:.0f} s: {tail(log)}")
        time.sleep(POLL_S)


def _fill_forms(redis_url: str, count: int) -> None:
    def payload(n: int) -> dict[str, object]:
        return {
            "full_name": f"Lead {n}",
            "email": f"lead{n}@example.com",
            "phone": "+4915112345678",
            "message": "hello",
        }

    asyncio.run(_publish(redis_url, count, "forms", "contact", payload))


def _fill_meta(redis_url: str, count: int) -> None:
    def payload(n: int) -> dict[str, object]:
        return {
            "leadgen_id": str(800_000_000_000_000 + n),
            "page_id": "506070809010203",
            "form_id": "602010080901",
            "created_time": 1_760_000_000,
        }

    asyncio.run(_publish(redis_url, count, "meta", "506070809010203", payload))


async def _publish(
    redis_url: str, count: int, source: str, page: str, payload: Callable[[int], dict[str, object]]
) -> None:
    async with Publisher(redis_url) as publisher:
        for first in range(0, count, 500):
            jobs = [
                Job(
                    id=new_id(),
                    source=source,
                    external_id=str(800_000_000_000_000 + n),
                    payload=json.dumps(payload(n)),
                    received_at=time.time(),
                    page=page,
                    form=page,
                )
                for n in range(first, min(first + 500, count))
            ]
            await publisher.publish(jobs)


def _fill_peer(redis_url: str, count: int) -> None:
    run(node.command("fill.js"), node.settings() | {"REDIS_URL": redis_url, "COUNT": str(count)}, "fill.js")


def _pending(client: redis.Redis, name: str) -> list[str]:
    key = "{leads}:ready"
    found = []
    for one in client.xpending_range(key, "workers", "-", "+", 100_000, consumername=name):
        entries: Any = client.xrange(key, one["message_id"], one["message_id"])
        found += [str(json.loads(fields[b"j"])["external_id"]) for _id, fields in entries]
    return found


def _active(client: redis.Redis, _name: str) -> list[str]:
    held: Any = client.lrange("bull:leads:active", 0, -1)
    return [one.decode().removeprefix("meta-") for one in held]
