"""Redis and Postgres going away under the worker, and coming back: nothing is lost or doubled, no attempt is burnt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from api.models import Outcome
from tests.api.worker.conftest import Log
from tests.api.worker.rig import Rig, form_job, meta_job, rigged, until
from tests.servers import PostgresServer, RedisServer

pytestmark = pytest.mark.faults


@dataclass
class Servers:
    """Servers that a test may kill."""

    redis: RedisServer
    postgres: PostgresServer


@pytest.fixture
def own_servers(server_folder: Path, request: pytest.FixtureRequest) -> Iterator[Servers]:
    """A Redis and a Postgres of the test's own."""
    folder = server_folder / request.node.name[:50]
    folder.mkdir(mode=0o711)
    servers = Servers(RedisServer(folder / "redis").start(), PostgresServer(folder / "postgres").start())
    yield servers
    servers.redis.stop()
    servers.postgres.stop()


@pytest.fixture
async def own_rig(own_servers: Servers) -> AsyncIterator[Rig]:
    """A rig on them."""
    async with rigged(own_servers.redis.url, own_servers.postgres.create("leads")) as made:
        yield made


async def test_postgres_away_keeps_jobs_and_costs_no_attempt(own_rig: Rig, own_servers: Servers, log: Log) -> None:
    rig = own_rig
    before = [form_job(f"msg_{n}") for n in range(50)]
    await rig.publish(*before)
    async with rig.working():
        await rig.rows(50)
        # A row is seen before the worker has heard of it: then its job would still be in the queue.
        await rig.idle()
        own_servers.postgres.kill()
        during = [*(form_job(f"late_{n}") for n in range(300)), *(meta_job(str(n)) for n in range(1, 120))]
        await rig.publish(*during)
        assert "Postgres" in await rig.notice("store")
        snapshot = await rig.inspector.snapshot()
        assert (snapshot.dead, snapshot.retry, snapshot.depth) == (0, 0, 419)
        assert any(worker.alive for worker in snapshot.workers)
        own_servers.postgres.start()
        await rig.idle()
        await rig.notice("store", there=False)
    deliveries = await rig.reader.deliveries_in([job.id for job in during])
    assert {delivery.attempts for delivery in deliveries.values()} == {1}
    accounting = await rig.accounting()
    assert (accounting.deliveries[Outcome.STORED], accounting.balanced) == (469, True)
    # First it refuses connections, then it may be met while it starts: each is told once.
    told = [event["error"] for event in log.events("store.unavailable")]
    assert len(set(told)) == len(told) > 0
    assert len(log.events("store.available")) == 1


async def test_redis_away_is_reconnected_to(own_rig: Rig, own_servers: Servers, log: Log) -> None:
    rig = own_rig
    await rig.publish(*(form_job(f"msg_{n}") for n in range(3000)))
    async with rig.working():
        await rig.rows(200)
        own_servers.redis.kill()

        async def noticed() -> bool:
            return bool(log.events("queue.unavailable"))

        await until(noticed, "the worker to notice")
        own_servers.redis.start()
        await rig.idle()
        await rig.publish(form_job("msg_last"))
        await rig.idle()
    accounting = await rig.accounting()
    assert (accounting.deliveries[Outcome.STORED], accounting.balanced) == (3001, True)
    assert log.events("queue.available")


async def test_both_away_at_the_start_are_waited_for(own_rig: Rig, own_servers: Servers) -> None:
    rig = own_rig
    await rig.publish(form_job("msg_1"))
    own_servers.redis.kill()
    own_servers.postgres.kill()
    async with rig.working():
        await asyncio.sleep(0.5)
        own_servers.redis.start()
        await asyncio.sleep(0.5)
        own_servers.postgres.start()
        await rig.rows(1)


async def test_stopping_while_both_are_away_ends(own_rig: Rig, own_servers: Servers) -> None:
    rig = own_rig
    await rig.publish(*(form_job(f"msg_{n}") for n in range(2000)))
    async with rig.working(drain_timeout=0.5):
        await rig.rows(200)
        own_servers.postgres.kill()
        own_servers.redis.kill()
    own_servers.redis.start()
    own_servers.postgres.start()
    async with rig.working():
        await rig.idle()
    accounting = await rig.accounting()
    assert (accounting.deliveries[Outcome.STORED], accounting.balanced) == (2000, True)


async def test_an_unmigrated_database_is_waited_for(rig: Rig, log: Log) -> None:
    with psycopg.connect(rig.database_url, autocommit=True) as connection:
        connection.execute("ALTER TABLE tallies RENAME TO hidden")
        await rig.publish(form_job("msg_1"))
        async with rig.working():

            async def told() -> bool:
                return any("migrate" in event["error"] for event in log.events("store.unavailable"))

            await until(told, "the worker to say what is missing")
            connection.execute("ALTER TABLE hidden RENAME TO tallies")
            await rig.rows(1)
