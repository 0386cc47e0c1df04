"""The web servers that are compared: how each is started on its own Redis, and how many jobs it has queued."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import redis

from tests import servers
from tests.bench import bodies, node
from tests.bench.processes import await_http, python, running

OURS = "leadsctl"
SEVERAL = max(2, min(os.cpu_count() or 2, 8))
OURS_SEVERAL = f"leadsctl, {SEVERAL} processes"
EXPRESS = "Express 5 + BullMQ"
FASTIFY = "Fastify 5 + BullMQ"
PIPELINED = "Fastify, pipelined"


@dataclass(frozen=True, slots=True)
class Contender:
    """A web server: its command line, the environment it needs beyond the common one, and how its queue is counted."""

    name: str
    command: list[str]
    environment: dict[str, str]
    queued: Callable[[redis.Redis], int]


@dataclass(frozen=True, slots=True)
class Running:
    """A web server that answers, with the Redis it has for itself."""

    contender: Contender
    port: int
    process: subprocess.Popen[bytes]
    redis_url: str

    def queued(self) -> int:
        """How many jobs its queue holds."""
        with redis.Redis.from_url(self.redis_url) as client:
            return self.contender.queued(client)


def web(database_url: str) -> dict[str, Contender]:
    """All of them by name. MissingError if Node is not there."""
    modules = node.settings()
    ours = {"DATABASE_URL": database_url, "META_VERIFY_TOKEN": bodies.VERIFY_TOKEN, "HOST": "127.0.0.1"}
    return {
        OURS: Contender(OURS, python("-m", "api", "web"), ours, _ready),
        OURS_SEVERAL: Contender(
            OURS_SEVERAL, python("-m", "api", "web"), ours | {"WEB_PROCESSES": str(SEVERAL)}, _ready
        ),
        EXPRESS: Contender(EXPRESS, node.command("express.js"), modules, _waiting),
        FASTIFY: Contender(FASTIFY, node.command("fastify.js"), modules, _waiting),
        PIPELINED: Contender(PIPELINED, node.command("fastify.js"), modules | {"AUTO_PIPELINING": "1"}, _waiting),
    }


@contextlib.contextmanager
def serving(contender: Contender, folder: Path, appendfsync: str = "always") -> Iterator[Running]:
    """The contender on a new Redis of its own; both are gone afterwards."""
    with own_redis(folder / "redis", appendfsync) as redis_url:
        port = servers.free_port()
        log = folder / "web.log"
        common = {"PORT": str(port), "REDIS_URL": redis_url, "META_APP_SECRET": bodies.SECRET}
        with running(contender.command, contender.environment | common, log) as process:
            await_http(f"http://127.0.0.1:{port}/health/live", process, log)
            yield Running(contender, port, process, redis_url)


@contextlib.contextmanager
def own_redis(folder: Path, appendfsync: str = "always") -> Iterator[str]:
    """URL of a new Redis."""
    server = servers.RedisServer(folder, appendfsync=appendfsync).start()
    try:
        yield server.url
    finally:
        server.stop()


def _ready(client: redis.Redis) -> int:
    return int(client.xlen("{leads}:ready"))


def _waiting(client: redis.Redis) -> int:
    return int(client.llen("bull:leads:wait"))
