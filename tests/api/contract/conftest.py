"""A web process that knows the document's example secrets, and the document as that process serves it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator

import pytest

from api.store import migrate
from api.web.described import EXAMPLE_SECRETS
from tests import servers
from tests.api.web.conftest import WebProcess

LIMIT = 400_000
"""MAX_BODY_BYTES of the process: more than any source's own limit."""


@pytest.fixture(scope="module")
def web(
    redis_server: servers.RedisServer,
    postgres_server: servers.PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[WebProcess]:
    """A web process for the module, impatient with slow bodies, on a queue and a database of its own."""
    folder = tmp_path_factory.mktemp("contract")
    database = f"contract_{uuid.uuid4().hex[:12]}"
    url = postgres_server.create(database)
    asyncio.run(migrate(url))
    settings = {
        "REDIS_URL": redis_server.url,
        "DATABASE_URL": url,
        "QUEUE_NAMESPACE": database,
        "MAX_BODY_BYTES": str(LIMIT),
        "BODY_TIMEOUT": "0.5",
    }
    process = WebProcess(folder, dict(EXAMPLE_SECRETS) | settings).start()
    yield process
    assert process.stop() == 0
    assert not [line for line in process.log() if line["level"] == "error"]
    postgres_server.drop(database)


@pytest.fixture(scope="module")
def lonely_web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebProcess]:
    """A web process whose servers are away, with one source switched on."""
    settings = {
        "REDIS_URL": f"redis://127.0.0.1:{servers.free_port()}/0",
        "DATABASE_URL": "postgresql://127.0.0.1:1/none",
        "META_APP_SECRET": EXAMPLE_SECRETS["META_APP_SECRET"],
        "META_VERIFY_TOKEN": EXAMPLE_SECRETS["META_VERIFY_TOKEN"],
    }
    process = WebProcess(tmp_path_factory.mktemp("lonely"), settings).start()
    yield process
    assert process.stop() == 0
