"""Fixtures every test can use: real servers, empty for each test."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import settings

from console.stack.local import ports
from tests import servers

# A run in the background may have inherited an ignored SIGINT, and would hand it on to the programs under test.
signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples at every ordinary run; `long` looks for new ones, and prints how to see a failing one again.
settings.register_profile("ordinary", derandomize=True, database=None, deadline=None)
settings.register_profile("long", max_examples=1_000, database=None, deadline=None, print_blob=True)
settings.load_profile(os.environ.get("LEADSCTL_HYPOTHESIS_PROFILE", "ordinary"))


@pytest.fixture(scope="session", autouse=True)
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the console keeps for its user is kept in a folder of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session", autouse=True)
def ports_of_stacks() -> Iterator[None]:
    """Local stacks of this worker take ports that those of others do not: one is free until its server has started."""
    own = servers.share(ports._LOW, ports._HIGH)
    with pytest.MonkeyPatch.context() as patch:
        if len(own) >= 1_000:  # with more workers than that leaves something to choose from they take what they find
            patch.setattr(ports, "_LOW", own.start)
            patch.setattr(ports, "_HIGH", own.stop)
        yield


@pytest.fixture
def free_port() -> Callable[[], int]:
    """Gives a free loopback port at each call."""
    return servers.free_port


@pytest.fixture(scope="session")
def server_folder() -> Iterator[Path]:
    """A folder that an unprivileged server can enter, removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="leadsctl-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def redis_server(server_folder: Path) -> Iterator[servers.RedisServer]:
    """One Redis for the session. Tests that kill or reconfigure a server start their own."""
    server = servers.RedisServer(server_folder / "redis").start()
    yield server
    server.stop()


@pytest.fixture
def redis_url(redis_server: servers.RedisServer) -> str:
    """URL of an empty Redis."""
    with redis.Redis.from_url(redis_server.url) as client:
        client.flushall()
        client.script_flush()
    return redis_server.url


@pytest.fixture(scope="session")
def postgres_server(server_folder: Path) -> Iterator[servers.PostgresServer]:
    """One Postgres for the session."""
    server = servers.PostgresServer(server_folder / "postgres").start()
    yield server
    server.stop()


@pytest.fixture
def database_url(postgres_server: servers.PostgresServer) -> Iterator[str]:
    """URL of an empty database of its own."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    yield postgres_server.create(name)
    postgres_server.drop(name)
