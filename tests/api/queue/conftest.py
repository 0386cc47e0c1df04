"""A queue on a real, empty Redis, and what tests need to look behind it."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from api.errors import QueueUnavailableError
from api.ids import new_id
from api.models import Job
from api.queue import Consumer, Inspector, Operator, Publisher
from tests.servers import RedisServer

_leads = itertools.count(1)


def a_job(external_id: str | None = None, **fields: Any) -> Job:
    """A job with an id and a lead of its own."""
    values: dict[str, Any] = {
        "id": new_id(),
        "source": "meta",
        "external_id": external_id or f"lead-{next(_leads)}",
        "payload": '{"leadgen_id":"1"}',
        "received_at": time.time(),
        "page": "1029",
        "form": "77",
    }
    return Job(**(values | fields))


class Queue:
    """All parts of one queue, closed at the end of the test."""

    def __init__(self, url: str, closing: AsyncExitStack) -> None:
        self.url = url
        self.closing = closing
        self.publisher = Publisher(url)
        self.inspector = Inspector(url)
        self.operator = Operator(url)
        closing.push_async_callback(self.publisher.close)
        closing.push_async_callback(self.inspector.close)
        closing.push_async_callback(self.operator.close)
        self.raw: Any = redis.Redis.from_url(url, protocol=2, decode_responses=True)
        closing.callback(self.raw.close)

    async def consumer(self, name: str = "w-1", **options: Any) -> Consumer:
        """An open consumer."""
        consumer = Consumer(self.url, "leads", name, **options)
        await consumer.open()
        self.closing.push_async_callback(consumer.close)
        return consumer

    async def inspecting(self, **options: Any) -> Inspector:
        """An inspector with other limits."""
        inspector = Inspector(self.url, **options)
        self.closing.push_async_callback(inspector.close)
        return inspector

    async def publish(self, count: int = 1, **fields: Any) -> list[Job]:
        """New jobs in the queue."""
        jobs = [a_job(**fields) for _ in range(count)]
        await self.publisher.publish(jobs)
        return jobs

    def age_hold(self, entry_id: str, consumer: str, idle_s: float) -> None:
        """Let a held entry look as if it had been in flight for so long."""
        self.raw.xclaim("{leads}:ready", "workers", consumer, 0, [entry_id], idle=round(idle_s * 1000), justid=True)

    def lose(self, consumer: str, silent_s: float = 60.0) -> None:
        """Let a consumer look as if it had last been heard of so long ago."""
        at = round((time.time() - silent_s) * 1000)
        self.raw.hset("{leads}:beats", consumer, f'{{"at":{at},"pid":1}}')

    def calls(self) -> int:
        """Scripts that the server has run so far."""
        stats = self.raw.info("commandstats")
        return sum(stats.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("evalsha", "eval"))


async def told(publisher: Publisher, why: str) -> str:
    """A publish is refused for this reason, however long it takes until that is known; all that is said."""
    async with asyncio.timeout(30):
        while True:
            with pytest.raises(QueueUnavailableError) as caught:
                await publisher.publish([a_job()])
            if why in str(caught.value).lower():
                return str(caught.value)


@contextmanager
def hanging(server: RedisServer) -> Iterator[None]:
    """The server stands still, with all its connections."""
    assert server.process is not None
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.process.pid, signal.SIGCONT)


@pytest.fixture
async def queue(redis_url: str) -> AsyncIterator[Queue]:
    """A queue on the session's server."""
    async with AsyncExitStack() as closing:
        yield Queue(redis_url, closing)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A server of the test's own, to be killed, stopped or starved."""
    server = RedisServer(tmp_path / "redis").start()
    yield server
    server.stop()


@pytest.fixture
async def own_queue(own_server: RedisServer) -> AsyncIterator[Queue]:
    """A queue on the test's own server."""
    async with AsyncExitStack() as closing:
        yield Queue(own_server.url, closing)
