"""Waiting for a condition in asynchronous tests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def until(ready: Callable[[], bool], what: str, limit_s: float = 20.0) -> None:
    """Return once `ready()`; AssertionError naming `what` after `limit_s` seconds."""
    try:
        async with asyncio.timeout(limit_s):
            while not ready():
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"{what} did not happen within {limit_s:.0f} s") from None


async def until_true(ready: Callable[[], Awaitable[bool]], what: str, limit_s: float = 20.0) -> None:
    """As `until`, for a condition that is asked for."""
    try:
        async with asyncio.timeout(limit_s):
            while not await ready():
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{what} did not happen within {limit_s:.0f} s") from None
