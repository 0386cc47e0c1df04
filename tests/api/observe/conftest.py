"""The running stack as a fixture."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.api.observe.running import Running, running
from tests.servers import PostgresServer, RedisServer


@pytest.fixture(scope="session")
def mortal_redis(server_folder: Path) -> Iterator[RedisServer]:
    """A Redis that these tests may starve and kill."""
    server = RedisServer(server_folder / "mortal-redis")
    yield server
    server.stop()


@pytest.fixture(scope="session")
def mortal_postgres(server_folder: Path) -> Iterator[PostgresServer]:
    """A Postgres that these tests may kill."""
    server = PostgresServer(server_folder / "mortal-postgres")
    yield server
    server.stop()


@pytest.fixture
async def stack(tmp_path: Path, mortal_redis: RedisServer, mortal_postgres: PostgresServer) -> AsyncIterator[Running]:
    """A stack of this test's own, empty."""
    folder = tmp_path / uuid.uuid4().hex[:8]
    folder.mkdir()
    async with running(folder, mortal_redis, mortal_postgres) as started:
        yield started
