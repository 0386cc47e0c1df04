"""The web app in process over ASGI, on a real Redis and a real Postgres; and as the process that users run."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
import redis

from api import logs
from api.models import Job
from api.settings import Settings
from api.web import asgi
from api.web.server import build
from tests import servers

SECRETS = (b"test_app_secret", b"previous_test_app_secret")
VERIFY_TOKEN = "test_verify_token"
FORMS_KEY = "whsec_TWZLUTlyOEdLWXFyVHdqVVBEOElMUFpJbzJMYUxhU3c="
FORMS_NOW = 1_674_087_231


@pytest.fixture
def settings(redis_url: str) -> Settings:
    """Settings of the recorded cases, on an empty Redis; nothing but readiness asks for Postgres."""
    loaded = Settings.load({"META_VERIFY_TOKEN": VERIFY_TOKEN, "FORMS_SECRET": FORMS_KEY})
    return replace(loaded, redis_url=redis_url, database_url="postgresql://127.0.0.1:1/none", meta_app_secrets=SECRETS)


Serving = Callable[[Settings], Any]


@pytest.fixture
def serving() -> Serving:
    """`async with serving(settings) as client`: the app behind an HTTP client, its clock stopped at FORMS_NOW."""

    @asynccontextmanager
    async def serve(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
        parts = build(settings, clock=lambda: FORMS_NOW)
        transport = httpx.ASGITransport(asgi.adapt(parts.app, body_timeout_s=settings.body_timeout))
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://leads.test") as client:
                yield client
        finally:
            await parts.close()

    return serve


@pytest.fixture
async def client(settings: Settings, serving: Serving) -> AsyncIterator[httpx.AsyncClient]:
    """The app with the recorded cases' settings."""
    async with serving(settings) as client:
        yield client


LogLines = Callable[[], Awaitable[list[dict[str, Any]]]]


@pytest.fixture
def log_lines(tmp_path: Path) -> Iterator[LogLines]:
    """The log of this process up to this turn of the event loop, one dict a line."""
    file = tmp_path / "log"

    async def read() -> list[dict[str, Any]]:
        await asyncio.sleep(0)
        return [msgspec.json.decode(line) for line in file.read_bytes().splitlines()]

    with file.open("wb") as out:
        logs.configure("debug", out)
        yield read
    logs.configure("info")


class Queue:
    """What is in the queue, read past the product's own reader."""

    def __init__(self, url: str, namespace: str = "leads") -> None:
        self._redis = redis.Redis.from_url(url)
        self._prefix = f"{{{namespace}}}:"

    def ready(self) -> list[Job]:
        """Jobs in the stream, oldest first."""
        entries: Any = self._redis.xrange(f"{self._prefix}ready")
        return [msgspec.json.decode(fields[b"j"], type=Job) for _, fields in entries]

    def dead(self) -> list[Job]:
        """Jobs born dead or buried."""
        ids: Any = self._redis.zrange(f"{self._prefix}dead", 0, -1)
        parked: Any = self._redis.hmget(f"{self._prefix}parked", ids) if ids else []
        return [msgspec.json.decode(text, type=Job) for text in parked]

    def warnings(self) -> dict[str, str]:
        """Notices for the operator, key → JSON."""
        found: Any = self._redis.hgetall(f"{self._prefix}warnings")
        return {key.decode(): value.decode() for key, value in found.items()}

    def close(self) -> None:
        """Give the connection back."""
        self._redis.close()


@pytest.fixture
def queue(redis_url: str) -> Iterator[Queue]:
    """The queue of this test."""
    found = Queue(redis_url)
    yield found
    found.close()


@dataclass
class WebProcess:
    """`python -m api web` as a process of its own."""

    folder: Path
    env: dict[str, str]
    port: int = field(default_factory=servers.free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> WebProcess:
        """Start it and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        env = {"PATH": os.environ["PATH"], "HOST": "127.0.0.1", "PORT": str(self.port), **self.env}
        with (self.folder / "out").open("wb") as out, (self.folder / "err").open("wb") as err:
            self.process = subprocess.Popen([sys.executable, "-m", "api", "web"], stdout=out, stderr=err, env=env)
        servers.wait_until(self.answers, "the web process")
        return self

    def answers(self) -> bool:
        """Whether it takes connections."""
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "err").read_text()
        return self.listens()

    def listens(self) -> bool:
        """Whether anybody takes connections at its port."""
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def log(self) -> list[dict[str, Any]]:
        """Its log so far; a line that is just being written is none yet."""
        whole, _, _ = (self.folder / "out").read_bytes().rpartition(b"\n")
        return [msgspec.json.decode(line) for line in whole.splitlines()]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """End it; its exit code."""
        assert self.process is not None
        servers.stop(self.process, how)
        assert self.process.returncode is not None
        return self.process.returncode

    def raw(self, data: bytes, *more: bytes) -> bytes:
        """Send bytes (the later ones after what went before has been taken), and read until the other side closes."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in (data, *more):
                sock.sendall(piece)
            answer = b""
            while piece := sock.recv(65_536):
                answer += piece
        return answer


@pytest.fixture(scope="module")
def web(
    redis_server: servers.RedisServer,
    postgres_server: servers.PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[WebProcess]:
    """A web process for the module, impatient with slow bodies; its queue is `redis_url`'s, emptied for each test."""
    process = WebProcess(
        tmp_path_factory.mktemp("web"),
        {
            "REDIS_URL": redis_server.url,
            "DATABASE_URL": postgres_server.url(),
            "META_APP_SECRET": ",".join(secret.decode() for secret in SECRETS),
            "META_VERIFY_TOKEN": VERIFY_TOKEN,
            "FORMS_SECRET": FORMS_KEY,
            "BODY_TIMEOUT": "0.5",
            "MAX_BODY_BYTES": "3000000",
        },
    ).start()
    yield process
    assert process.stop() == 0
