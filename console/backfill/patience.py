"""Owns waiting within long work: for what is away, for a moment, and no longer than until the operator has it end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from console.errors import HaltedError, UnreachableError
from console.snapshots import Progress

T = TypeVar("T")
Emit = Callable[[Progress], None]

PATIENCE_S = 900.0
"""For how long something may be away before it is given up."""

_AGAIN_S = 1.0


class Patience:
    """Waits, and says what for. Every wait raises HaltedError as soon as `halting` is set."""

    def __init__(self, halting: asyncio.Event, emit: Emit, patience_s: float = PATIENCE_S) -> None:
        self.patience_s = patience_s
        self._halting = halting
        self._emit = emit

    def demand_going(self) -> None:
        """Raises HaltedError if the operator has it end."""
        if self._halting.is_set():
            raise HaltedError("stopped")

    def tell(self, text: str, what: str) -> None:
        """Say what is waited for."""
        self._emit(Progress(text, service=what))

    def over(self, text: str, what: str) -> None:
        """Say that the wait is over."""
        self._emit(Progress(text, service=what, ok=True))

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        try:
            async with asyncio.timeout(seconds):
                await self._halting.wait()
        except TimeoutError:
            return
        self.demand_going()

    async def hold(self, work: Callable[[], Awaitable[T]]) -> T:
        """What work comes to; it is broken off when the operator has it end. For what changes nothing."""
        self.demand_going()
        working = asyncio.ensure_future(work())
        halted = asyncio.ensure_future(self._halting.wait())
        try:
            await asyncio.wait([working, halted], return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise HaltedError("stopped")
            return await working
        finally:
            working.cancel()
            halted.cancel()
            await asyncio.gather(working, halted, return_exceptions=True)

    async def insist(self, use: Callable[[], Awaitable[T]], what: str) -> T:
        """Do it, again and again while what it needs (`what`, in a word) does not answer or refuses.

        Raises:
            UnreachableError: that lasted too long.
        """
        began = time.monotonic()
        waited = False
        while True:
            try:
                result = await use()
            except UnreachableError as error:
                if time.monotonic() - began > self.patience_s:
                    raise
                self.tell(f"waiting: {error}", what)
                waited = True
            else:
                if waited:
                    self.over("goes on", what)
                return result
            await self.sleep(_AGAIN_S)
