"""Owns telling the operator something from within a request: never waits for it, never fails it, never floods."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from api import logs

log = logs.get_logger()

Warn = Callable[[str, str], Awaitable[None]]


class Notices:
    """Passes notices on in the background, each key at most once in `every_s` seconds."""

    def __init__(self, warn: Warn, *, every_s: float = 10.0, max_keys: int = 1_000) -> None:
        """`warn(key, text)` is what keeps a notice for the operator."""
        self._warn = warn
        self._every_s = every_s
        self._max_keys = max_keys
        self._told_at: dict[str, float] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def tell(self, key: str, text: str) -> None:
        """Pass a notice on; returns at once."""
        now = time.monotonic()
        if now - self._told_at.get(key, float("-inf")) < self._every_s:
            return
        if len(self._told_at) >= self._max_keys:
            self._told_at.clear()
        self._told_at[key] = now
        task = asyncio.create_task(self._pass_on(key, text))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Wait until what was told has been passed on."""
        await asyncio.gather(*self._tasks)

    async def _pass_on(self, key: str, text: str) -> None:
        log.warning("notice", key=key, text=text)
        try:
            await self._warn(key, text)
        except Exception as error:  # noqa: BLE001 - a notice is in the log anyway; the next one tries again
            self._told_at.pop(key, None)
            log.warning("notice.failed", key=key, error=logs.describe(error))
