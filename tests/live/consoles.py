"""The terminal UI in a pseudo-terminal, as a user opens it on an engine."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from tests.bench.terminal import Terminal, program

PATIENCE_S = 60.0


@asynccontextmanager
async def opened(words: Sequence[str], docker_host: str) -> AsyncIterator[Terminal]:
    """The console with these options, on that engine; ended at the end."""
    with program([sys.executable, "-m", "console", *words], {"DOCKER_HOST": docker_host}) as terminal:
        try:
            yield terminal
        finally:
            terminal.process.terminate()


async def sees(terminal: Terminal, shown: Callable[[str], bool]) -> None:
    """Wait until the screen is so."""
    limit = time.perf_counter() - terminal.began + PATIENCE_S
    await asyncio.to_thread(terminal.await_screen, shown, limit)
