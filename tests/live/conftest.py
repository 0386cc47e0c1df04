"""Fixtures for the tests on a real engine: skipped, saying what is missing, where there is none."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from console.stack.docker import DockerRuntime
from tests.live.stacks import LiveStack, why_not


@pytest.fixture(scope="session", autouse=True)
def engine() -> None:
    """Demands an engine with Compose and the base images."""
    if reason := why_not():
        pytest.skip(reason)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    """A whole stack that is up and healthy, for one module; removed at the end."""
    made = LiveStack(tmp_path_factory.mktemp("stack"))
    try:
        made.up()
        yield made
    finally:
        made.remove()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[LiveStack]:
    """A stack that has not been started; removed at the end."""
    made = LiveStack(tmp_path)
    yield made
    made.remove()


@pytest.fixture
async def runtime(stack: LiveStack) -> AsyncIterator[DockerRuntime]:
    """A connection to the module's stack."""
    made = stack.runtime()
    yield made
    await made.close()
