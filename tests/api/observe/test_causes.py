"""The one-line cause in real situations: metrics, readiness and console say the same of the same servers."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest

from api.ids import new_id
from api.models import Job
from api.queue import Operator, Publisher
from tests.api.observe.running import Running
from tests.api.worker.standin import Call, Reply, error, leads
from tests.servers import PostgresServer


def usage(percent: int) -> dict[str, str]:
    """Meta's header for a page's use of its limit."""
    use = f'[{{"type":"leadgen","call_count":{percent},"total_cputime":1,"total_time":1}}]'
    return {"X-Business-Use-Case-Usage": f'{{"1029":{use}}}'}


async def test_workers_that_are_missing_killed_or_paused(stack: Running) -> None:
    await stack.send(3)
    await stack.agree("no_worker")
    assert (await stack.get("/health/ready")).status_code == 200
    worker = await stack.worker()
    await stack.agree("idle")
    # A worker tells its counts with its heartbeats: the last ones of one that is killed are lost.
    await stack.reaches(3, "leads_jobs_total", outcome="stored")
    await worker.end(signal.SIGKILL)
    await stack.agree("no_worker")
    await stack.worker()
    await stack.agree("idle")
    async with Operator(stack.redis.url) as operator:
        await operator.pause()
        await stack.send(2)
        await stack.agree("paused")
        await operator.resume()
    await stack.agree("idle")
    await stack.reaches(5, "leads_jobs_total", outcome="stored")
    assert await stack.value("leads_workers") == 1


@contextmanager
def standing_still(server: PostgresServer) -> Iterator[None]:
    """Every process of the server stands still, with all its connections."""
    assert server.process is not None
    postmaster = psutil.Process(server.process.pid)
    processes = [postmaster, *postmaster.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


async def test_a_database_that_stands_still(stack: Running) -> None:
    await stack.worker()
    await stack.send(1)
    await stack.agree("idle")
    with standing_still(stack.postgres):
        assert (await stack.send(5)).status_code == 200, "ingest goes on"
        await stack.agree("database_away")
        ready = await stack.get("/health/ready")
        assert (ready.status_code, ready.json()["postgres"]["reason"]) == (503, "does not answer in time")
    await stack.agree("idle")
    await stack.reaches(6, "leads_jobs_total", outcome="stored")


async def test_a_database_that_is_stopped_and_returns(stack: Running) -> None:
    await stack.worker()
    await stack.apart(stack.postgres.kill)
    assert (await stack.send(5)).status_code == 200, "ingest goes on"
    await stack.agree("database_away")
    ready = await stack.get("/health/ready")
    assert (ready.status_code, ready.json()["postgres"]["reason"]) == (503, "connection refused")
    assert ready.json()["redis"]["ok"]
    assert await stack.value("leads_store_up") == 0
    await stack.reaches(1, "leads_workers_without_store")
    await stack.apart(stack.postgres.start)
    await stack.agree("idle")
    assert (await stack.get("/health/ready")).status_code == 200
    await stack.reaches(5, "leads_jobs_total", outcome="stored")


@pytest.mark.parametrize(
    ("reply", "cause"),
    [
        (error(4, "Application request limit reached"), "graph_limit"),
        (error(17, "User request limit reached"), "graph_limit"),
        (error(190, "Session has expired"), "graph_token"),
        (error(200, "Requires leads_retrieval"), "graph_permission"),
    ],
    ids=["4", "17", "190", "200"],
)
async def test_a_graph_api_that_refuses(stack: Running, reply: Reply, cause: str) -> None:
    stack.graph.answer = lambda call: reply
    await stack.worker()
    await stack.send(4)
    await stack.agree(cause)
    assert (await stack.get("/health/ready")).status_code == 200
    kind = cause.partition("_")[2]
    assert await stack.value("leads_queue_pages_paused", kind=kind) == 1
    await stack.reaches(1, "leads_graph_calls_total", outcome=kind)
    await stack.reaches(4, "leads_jobs_total", outcome="waited")
    await stack.reaches(4, "leads_queue_jobs", state="retry")


async def test_a_page_that_has_used_up_its_limit_or_a_graph_api_that_is_away(stack: Running) -> None:
    stack.graph.answer = lambda call: Reply(leads(call.ids), headers=usage(100))
    worker = await stack.worker()
    await stack.send(2)
    await stack.agree("graph_limit")
    await stack.reaches(100, "leads_graph_usage_percent", page="1029")
    await worker.end()
    stack.raw.delete("{leads}:pauses")
    await stack.worker("w-2", META_GRAPH_URL="http://127.0.0.1:9")
    await stack.send(1, page="2040")
    await stack.agree("graph_unreachable")


async def test_a_slow_graph_api_and_a_burst(stack: Running) -> None:
    async def slowly(call: Call) -> Reply:
        await asyncio.sleep(1.0)
        return Reply(leads(call.ids))

    stack.graph.answer = slowly
    await stack.worker(WORKER_PREFETCH="50", WORKER_BATCH="50")
    pouring = True

    async def pour() -> None:
        async with Publisher(stack.redis.url) as publisher:
            while pouring:
                await publisher.publish([a_job() for _ in range(100)])
                await asyncio.sleep(0.2)

    task = asyncio.create_task(pour())
    await stack.agree("burst")
    pouring = False
    await task


async def test_a_redis_that_is_full_or_gone(stack: Running) -> None:
    await stack.worker()
    await stack.send(1)
    await stack.agree("idle")
    stack.raw.config_set("maxmemory", 1_000_000)
    assert (await stack.send(1)).status_code == 503
    await stack.agree("redis_memory")
    ready = await stack.get("/health/ready")
    assert (ready.status_code, ready.json()["redis"]["reason"]) == (503, "out of memory")
    assert await stack.value("leads_queue_refuses", reason="memory") == 1
    stack.raw.config_set("maxmemory", 0)
    await stack.agree("idle")
    await stack.apart(stack.redis.kill)
    await stack.agree("redis_away")
    ready = await stack.get("/health/ready")
    assert (ready.status_code, ready.json()["redis"]["ok"], ready.json()["postgres"]["ok"]) == (503, False, True)
    assert await stack.value("leads_queue_up") == 0


def a_job(**fields: Any) -> Job:
    """A lead of Meta's."""
    lead = new_id()
    number = str(int(lead, 36))[-15:]
    return Job(id=lead, source="meta", external_id=number, payload="{}", received_at=0.0, page="1029", **fields)
