"""A web process with every source switched on, beside a worker on the same servers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests import servers
from tests.api.web.conftest import FORMS_KEY, WebProcess
from tests.api.worker.rig import Rig, rigged

SECRETS = {
    "META_APP_SECRET": "meta-s3cret",
    "META_VERIFY_TOKEN": "verify-token",
    "FORMS_SECRET": FORMS_KEY,
    "GOOGLE_KEY": "google-old-k3y, google-k3y",
    "TYPEFORM_SECRET": "typeform-s3cret",
}


@pytest.fixture(scope="module")
def web(
    redis_server: servers.RedisServer,
    postgres_server: servers.PostgresServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[WebProcess]:
    """A web process for the module; its queue is `redis_url`'s, emptied for each test."""
    env = {"REDIS_URL": redis_server.url, "DATABASE_URL": postgres_server.url(), "LOG_LEVEL": "debug"}
    process = WebProcess(tmp_path_factory.mktemp("web"), env | SECRETS).start()
    yield process
    assert process.stop() == 0


@pytest.fixture
async def rig(redis_url: str, database_url: str) -> AsyncIterator[Rig]:
    """A worker's surroundings on the session's servers."""
    async with rigged(redis_url, database_url) as made:
        yield made
