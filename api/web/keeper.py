"""Owns what the connections of a process share: their limits, a coarse clock, and giving up those that are too slow."""

from __future__ import annotations

import asyncio
from email.utils import formatdate
from typing import Protocol

LOOK_EVERY_S = 1.0
WAITING_REQUESTS = 8
"""Requests sent ahead on one connection before it is read no further."""
LINGER_S = 2.0
"""How long what still comes is thrown away after a refusal: closed at once, the client might not see the answer."""


class Kept(Protocol):
    """A connection as its keeper sees it."""

    def check(self, now: float) -> None:
        """Give it up if it is past its deadline; `now` is the keeper's clock."""
        ...

    def drain(self) -> None:
        """Answer what was begun, then close; at once if nothing was."""
        ...

    def abort(self) -> None:
        """Close at once."""
        ...


class Keeper:
    """Looks after all connections of one event loop: one timer serves all, a little late, instead of one for each.

    Attributes:
        head_timeout_s: for a request's head, and how long a connection may wait for its next request.
        body_timeout_s: for a request's body.
        date: the header line with the time of the last look.
        draining: connections close after what they have begun.
    """

    def __init__(self, *, head_timeout_s: float, body_timeout_s: float, max_connections: int) -> None:
        self.head_timeout_s = head_timeout_s
        self.body_timeout_s = body_timeout_s
        self.draining = False
        self.date = b""
        self._max = max_connections
        self._every_s = min(LOOK_EVERY_S, head_timeout_s / 4, body_timeout_s / 4)
        self._kept: set[Kept] = set()
        self._loop = asyncio.get_running_loop()
        self._empty = asyncio.Event()
        self._empty.set()
        self._now = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._look()

    def after(self, seconds: float) -> float:
        """The deadline that many seconds from now, at most one look later, never earlier."""
        return self._now + seconds + self._every_s

    def add(self, connection: Kept) -> bool:
        """Keep one more; False if there are too many already."""
        if len(self._kept) >= self._max:
            return False
        self._kept.add(connection)
        self._empty.clear()
        if self.draining:
            connection.drain()
        return True

    def remove(self, connection: Kept) -> None:
        """It has ended."""
        self._kept.discard(connection)
        if not self._kept:
            self._empty.set()

    async def drain(self, timeout_s: float) -> bool:
        """Let all end what they have begun; False if some were cut off because it took too long."""
        self.draining = True
        for connection in list(self._kept):
            connection.drain()
        try:
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
        except TimeoutError:
            for connection in list(self._kept):
                connection.abort()
            return False
        return True

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _look(self) -> None:
        self._now = now = self._loop.time()
        self.date = b"date: " + formatdate(usegmt=True).encode() + b"\r\n"
        for connection in list(self._kept):
            connection.check(now)
        self._timer = self._loop.call_later(self._every_s, self._look)
