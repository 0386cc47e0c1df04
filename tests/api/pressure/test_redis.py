"""Redis full, read-only, standing still or gone: 503 with Retry-After, no lead lost or doubled, no restart needed."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis

from tests import servers
from tests.api.pressure.conftest import MakeWeb
from tests.api.pressure.crowd import Caller, Reply, callers, fire
from tests.api.queue.conftest import hanging
from tests.api.web.conftest import Queue, WebProcess

Trouble = Callable[[servers.RedisServer], AbstractContextManager[None]]


@contextmanager
def gone(server: servers.RedisServer) -> Iterator[None]:
    """Stopped: connections are refused."""
    server.stop()
    yield
    server.start()


@contextmanager
def killed(server: servers.RedisServer) -> Iterator[None]:
    """Killed -9, and started again on what it had written."""
    server.kill()
    yield
    server.start()


@contextmanager
def paused(server: servers.RedisServer) -> Iterator[None]:
    """It takes connections and commands, and writes nothing."""
    with client_of(server) as client:
        client.execute_command("CLIENT", "PAUSE", "600000", "WRITE")
        yield
        client.execute_command("CLIENT", "UNPAUSE")


@contextmanager
def full(server: servers.RedisServer) -> Iterator[None]:
    """maxmemory is reached and nothing may be evicted."""
    with configured(server, maxmemory="1", **{"maxmemory-policy": "noeviction"}):
        yield


@contextmanager
def replica(server: servers.RedisServer) -> Iterator[None]:
    """Demoted, as in a failover: it refuses writes."""
    with client_of(server) as client:
        client.replicaof("127.0.0.1", servers.free_port())
        yield
        client.replicaof("NO", "ONE")


@contextmanager
def disk_full(server: servers.RedisServer) -> Iterator[None]:
    """The append-only file cannot grow, so that writes are refused with MISCONF."""
    assert server.process is not None
    with configured(server, appendfsync="everysec"), client_of(server) as client:
        written = sum(file.stat().st_size for file in (server.folder / "appendonlydir").glob("*.incr.aof"))
        was = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (written + 100, resource.RLIM_INFINITY))
        servers.wait_until(lambda: not _writes(client), "a disk that is full")
        yield
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, was)
        servers.wait_until(lambda: _writes(client), "a disk with room")


@contextmanager
def other_password(server: servers.RedisServer) -> Iterator[None]:
    """Its password was changed, and all connections ended."""
    with client_of(server) as client:
        client.config_set("requirepass", "another")
        client.client_kill_filter(_type="normal", skipme=True)
        yield
        client.config_set("requirepass", server.password)


def client_of(server: servers.RedisServer) -> redis.Redis:
    return redis.Redis(port=server.port, password=server.password, protocol=2)


@contextmanager
def configured(server: servers.RedisServer, **values: str) -> Iterator[None]:
    """Settings changed for a while."""
    with client_of(server) as client:
        was: dict[str, Any] = {name: client.config_get(name)[name] for name in values}
        for name, value in values.items():
            client.config_set(name, value)
        yield
        for name, value in was.items():
            client.config_set(name, value)


def _writes(client: redis.Redis) -> bool:
    try:
        client.set("room", "x" * 200)
    except redis.ResponseError as error:
        if not str(error).startswith("MISCONF"):
            raise
        return False
    return True


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[servers.RedisServer]:
    """A Redis that meets a full disk as an error of its own: the signal that comes with a file's limit is ignored."""
    wrapper = tmp_path / "redis-server"
    binary = servers.RedisServer(tmp_path).binary
    wrapper.write_text(f"#!/bin/sh\ntrap '' XFSZ\nexec {binary} \"$@\"\n")
    wrapper.chmod(0o755)
    server = servers.RedisServer(tmp_path / "redis", wrapper).start()
    yield server
    server.stop()


TROUBLES: tuple[Trouble, ...] = (gone, killed, hanging, paused, full, replica, disk_full, other_password)


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)
async def test_trouble_is_answered_503_and_ends_by_itself(
    trouble: Trouble, own_redis: servers.RedisServer, own_queue: Queue, make_web: MakeWeb
) -> None:
    web = make_web(own_redis.url)
    async with callers(web, 20) as crowd:
        assert {reply.status for reply in await sent(crowd, "before")} == {200}
        with trouble(own_redis):
            for _ in range(2):
                for reply in await sent(crowd, "during"):
                    assert (reply.status, reply.headers["retry-after"]) == (503, "5")
                    assert reply.headers["content-type"] == "application/json"
                    assert b'"error":"not available now"' in reply.body
                    assert own_redis.password.encode() not in reply.body
            assert (await crowd[0].send(LIVE)).status == 200
        await delivered(crowd, "during")
        again = await sent(crowd, "during")
        assert [reply.counts["duplicates"] for reply in again] == [1] * len(crowd)
    expected = sorted(f"{number}" for when in ("before", "during") for number in numbers(when, len(crowd)))
    assert sorted(job.external_id for job in own_queue.ready()) == expected
    assert_no_secret_in_log(web, own_redis)


async def test_a_redis_that_is_only_slow_is_waited_for(
    own_redis: servers.RedisServer, own_queue: Queue, make_web: MakeWeb
) -> None:
    web = make_web(own_redis.url)
    assert own_redis.process is not None
    async with callers(web, 50) as crowd:
        assert {reply.status for reply in await sent(crowd, "before")} == {200}
        sending = asyncio.create_task(sent(crowd, "during"))
        for _ in range(3):
            os.kill(own_redis.process.pid, signal.SIGSTOP)
            await asyncio.sleep(0.2)
            os.kill(own_redis.process.pid, signal.SIGCONT)
        assert {reply.status for reply in await sending} == {200}
    assert len(own_queue.ready()) == 100


LIVE = b"GET /health/live HTTP/1.1\r\nHost: leads.test\r\n\r\n"


def numbers(when: str, count: int) -> range:
    start = {"before": 1_000, "during": 2_000}[when]
    return range(start, start + count)


async def sent(crowd: list[Caller], when: str) -> list[Reply]:
    """What all are answered who send a lead each at once."""
    pairs = zip(crowd, numbers(when, len(crowd)), strict=True)
    return await asyncio.gather(*(fire(caller, number) for caller, number in pairs))


async def delivered(crowd: list[Caller], when: str) -> None:
    """Send each lead again until it is taken, as Meta does."""

    async def deliver(caller: Caller, number: int) -> None:
        while (reply := await fire(caller, number)).status != 200:
            assert reply.status == 503
            await asyncio.sleep(0.05)

    async with asyncio.timeout(60):
        await asyncio.gather(*map(deliver, crowd, numbers(when, len(crowd))))


def assert_no_secret_in_log(web: WebProcess, server: servers.RedisServer) -> None:
    assert server.password not in (web.folder / "out").read_text() + (web.folder / "err").read_text()
