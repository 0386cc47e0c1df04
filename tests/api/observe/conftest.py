"""The running stack as a fixture."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.api.observe.running import Running, running


@pytest.fixture
async def stack(server_folder: Path) -> AsyncIterator[Running]:
    """A stack of this test's own: its servers may be stopped, starved and killed."""
    folder = server_folder / uuid.uuid4().hex[:8]
    folder.mkdir()
    folder.chmod(0o711)
    async with running(folder) as started:
        yield started
