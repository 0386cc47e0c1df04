"""Owns asking something at most once in a while, however many want to know."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Cached(Generic[T]):
    """Keeps an answer for `ttl_s` seconds; those who ask meanwhile, or while it is being fetched, share it.

    A failure is raised to all who share it, and kept for as long: what is away is not asked more often for that.
    """

    def __init__(self, ask: Callable[[], Awaitable[T]], ttl_s: float) -> None:
        self._ask = ask
        self._ttl_s = ttl_s
        self._kept: asyncio.Task[T] | None = None
        self._fetched_at = 0.0

    async def get(self) -> T:
        """The answer, at most `ttl_s` old; raises what asking raised."""
        kept = self._kept
        if kept is None or (kept.done() and time.monotonic() - self._fetched_at >= self._ttl_s):
            kept = self._kept = asyncio.create_task(self._fetch())
            kept.add_done_callback(_look)
        # One who goes away must not take the answer from the others.
        return await asyncio.shield(kept)

    async def _fetch(self) -> T:
        try:
            return await self._ask()
        finally:
            self._fetched_at = time.monotonic()


def _look(task: asyncio.Task[T]) -> None:
    """Look at a failure even when all who wanted to know have gone: asyncio would complain."""
    if not task.cancelled():
        task.exception()
