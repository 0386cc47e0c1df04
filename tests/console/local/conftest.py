"""A state directory that an unprivileged database can enter; whatever a test left running in it is ended."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from console.stack.local import LocalRuntime


@pytest.fixture
async def state_dir() -> AsyncIterator[Path]:
    """A fresh directory; its stack is taken down at the end."""
    folder = Path(tempfile.mkdtemp(prefix="leadsctl-test-"))
    folder.chmod(0o711)
    yield folder / "state"
    async for _ in LocalRuntime(folder / "state", {}).down():
        pass
    shutil.rmtree(folder)
