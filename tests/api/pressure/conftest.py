"""Servers of a test's own, to be starved and stopped, and web processes on them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests import servers
from tests.api.web.conftest import FORMS_KEY, SECRETS, VERIFY_TOKEN, Queue, WebProcess

MakeWeb = Callable[..., WebProcess]


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[servers.RedisServer]:
    """A running Redis of this test's own."""
    server = servers.RedisServer(tmp_path / "redis").start()
    yield server
    server.stop()


@pytest.fixture
def own_queue(own_redis: servers.RedisServer) -> Iterator[Queue]:
    """The queue in it."""
    found = Queue(own_redis.url)
    yield found
    found.close()


@pytest.fixture
async def make_web(tmp_path: Path) -> AsyncIterator[MakeWeb]:
    """`make_web(redis_url, NAME=value, …)` starts a web process. At the end each must still run, and stop in order."""
    made: list[WebProcess] = []

    def make(redis_url: str, database_url: str = "postgresql://127.0.0.1:1/none", **env: str) -> WebProcess:
        settings = {
            "REDIS_URL": redis_url,
            "DATABASE_URL": database_url,
            "META_APP_SECRET": SECRETS[0].decode(),
            "META_VERIFY_TOKEN": VERIFY_TOKEN,
            "FORMS_SECRET": FORMS_KEY,
            "DRAIN_TIMEOUT": "5",
        }
        made.append(WebProcess(tmp_path / f"web{len(made)}", settings | env).start())
        return made[-1]

    yield make
    codes = [await asyncio.to_thread(web.stop) for web in made]
    faults = [line for web in made for line in web.log() if line["level"] in ("error", "critical")]
    assert (codes, faults) == ([0] * len(made), [])
