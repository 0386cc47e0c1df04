"""Verbs about containers, images and compose files say in one line that local processes have none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from console.errors import UsageError
from console.stack.local import LocalRuntime


def test_each_says_so(tmp_path: Path) -> None:
    runtime = LocalRuntime(tmp_path / "stack", {})
    verbs: tuple[Callable[[], object], ...] = (
        lambda: runtime.recreate(()),
        lambda: runtime.scale("worker", 2),
        runtime.build,
        runtime.pull,
        lambda: runtime.up(build=True),
    )
    for verb in verbs:
        with pytest.raises(UsageError, match="local"):
            verb()
    assert not (tmp_path / "stack").exists()


async def test_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    runtime = LocalRuntime(tmp_path / "stack", {})
    await runtime.compare()
    assert {one.drift for one in (await runtime.snapshot()).services} == {()}
    with pytest.raises(UsageError, match="no compose files"):
        await runtime.configuration()
