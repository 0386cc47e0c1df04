"""Fixtures for the Docker runtime without an engine."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from console.stack.docker.engine import Engine
from tests.console.docker.fake_engine import FakeEngine


@pytest.fixture
def fake() -> Iterator[FakeEngine]:
    """A fake engine that listens. Its folder's name is short: a socket's path has 108 bytes at most."""
    with tempfile.TemporaryDirectory(prefix="eng") as folder:
        engine = FakeEngine(Path(folder)).start()
        yield engine
        engine.stop()


@pytest.fixture
async def connect() -> AsyncIterator[Callable[[str], Engine]]:
    """Makes connections to engines, closed at the end."""
    async with AsyncExitStack() as stack:

        def make(url: str) -> Engine:
            engine = Engine(url)
            stack.push_async_callback(engine.close)
            return engine

        yield make


@pytest.fixture
async def engine(fake: FakeEngine, connect: Callable[[str], Engine]) -> Engine:
    """A connection to the fake engine."""
    return connect(fake.url)
