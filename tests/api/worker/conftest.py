"""The rig as a fixture."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import structlog

from api import logs
from tests.api.worker.rig import Rig, rigged


@pytest.fixture
async def rig(redis_url: str, database_url: str) -> AsyncIterator[Rig]:
    """A worker's surroundings on the session's servers."""
    async with rigged(redis_url, database_url) as made:
        yield made


class Log:
    """What was logged so far."""

    def __init__(self) -> None:
        self.out = io.BytesIO()
        self.faults_expected = False

    @property
    def text(self) -> str:
        """All of it."""
        return self.out.getvalue().decode()

    def events(self, name: str) -> list[dict[str, Any]]:
        """The lines of one event."""
        return [line for line in map(json.loads, self.text.splitlines()) if line["event"] == name]


@pytest.fixture(autouse=True)
def log() -> Iterator[Log]:
    """The worker's log, kept from the test's output; no test may end with a fault in it."""
    made = Log()
    logs.configure("info", made.out)
    yield made
    structlog.reset_defaults()
    assert bool(made.events("worker.fault")) is made.faults_expected
