"""Postgres gone or standing still: webhooks are taken all the same, the worker waits, and catches up by itself."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from api.models import Outcome
from tests import servers
from tests.api.pressure.conftest import MakeWeb
from tests.api.pressure.crowd import Caller, callers, fire
from tests.api.web.test_process import HOST
from tests.api.worker.rig import Rig, rigged, until
from tests.api.worker.test_process import started

pytestmark = pytest.mark.faults

Trouble = Callable[[servers.PostgresServer], AbstractContextManager[None]]

READY = b"GET /health/ready HTTP/1.1\r\n" + HOST + b"\r\n"


@contextmanager
def killed(server: servers.PostgresServer) -> Iterator[None]:
    """Killed -9: connections are refused."""
    server.kill()
    yield
    server.start()


@contextmanager
def standing(server: servers.PostgresServer) -> Iterator[None]:
    """All its processes are stopped: connections stay open, new ones are taken by the kernel, nothing answers."""
    assert server.process is not None
    postmaster = psutil.Process(server.process.pid)
    # The postmaster first, so that it starts no more of them.
    postmaster.suspend()
    stopped = [postmaster, *postmaster.children(recursive=True)]
    for process in stopped[1:]:
        process.suspend()
    yield
    for process in stopped:
        process.resume()


@pytest.fixture
def own_postgres(server_folder: Path, request: pytest.FixtureRequest) -> Iterator[servers.PostgresServer]:
    """A Postgres of the test's own."""
    folder = server_folder / f"pressure-{request.node.callspec.id}"
    server = servers.PostgresServer(folder).start()
    yield server
    server.stop()


@pytest.fixture
async def rig(own_redis: servers.RedisServer, own_postgres: servers.PostgresServer) -> AsyncIterator[Rig]:
    """The queue and the store, and a stand-in for the Graph API."""
    async with rigged(own_redis.url, own_postgres.create("leads")) as made:
        yield made


@pytest.mark.parametrize("trouble", [killed, standing], ids=lambda trouble: trouble.__name__)
async def test_ingest_goes_on_and_every_lead_becomes_a_row(
    trouble: Trouble, rig: Rig, own_postgres: servers.PostgresServer, make_web: MakeWeb, tmp_path: Path
) -> None:
    web = make_web(rig.redis_url, rig.database_url)
    async with callers(web, 20) as crowd, started(rig, tmp_path) as worker:
        await taken(crowd, 1, 101)
        await rig.rows(100)
        # A row is seen before the worker has heard of it: then its lead would still be in the queue.
        await rig.idle()
        with trouble(own_postgres):
            ready = await crowd[0].send(READY)
            assert (ready.status, b'"postgres"' in ready.body) == (503, True)
            for start in range(101, 701, 100):
                await taken(crowd, start, start + 100)
                assert (await rig.inspector.snapshot()).depth == start - 1
            snapshot = await rig.inspector.snapshot()
            assert (snapshot.dead, snapshot.retry) == (0, 0)
            assert [held.alive for held in snapshot.workers] == [True]
        await rig.idle()
        await rig.rows(700)

        async def heals() -> bool:
            return (await crowd[0].send(READY)).status == 200

        await until(heals, "readiness")
        # What had been sent during the outage is known: sent again it is a duplicate, not another row.
        assert (await fire(crowd[0], *range(101, 201))).counts == {"accepted": 0, "duplicates": 100, "ignored": 0}
        worker.kill(signal.SIGTERM)
        assert await worker.ended() == 0
    accounting = await rig.accounting()
    assert (accounting.deliveries[Outcome.STORED], accounting.accepted, accounting.balanced) == (700, 700, True)
    assert await attempts(rig) == {1: 700}


async def taken(crowd: list[Caller], start: int, end: int) -> None:
    """Send the leads from start to end - 1, one a webhook; each must be taken."""
    numbers = range(start, end)
    for first in range(0, len(numbers), len(crowd)):
        pairs = zip(crowd, numbers[first : first + len(crowd)], strict=False)
        replies = await asyncio.gather(*(fire(caller, number) for caller, number in pairs))
        assert {(reply.status, reply.counts["accepted"]) for reply in replies} == {(200, 1)}


async def attempts(rig: Rig) -> dict[int, int]:
    """How many leads took how many attempts."""
    async with await psycopg.AsyncConnection.connect(rig.database_url) as connection:
        rows = await connection.execute("SELECT attempts, count(*) FROM deliveries GROUP BY attempts")
        return dict(await rows.fetchall())
