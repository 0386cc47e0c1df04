"""Until when the calls of a page must wait, and how far apart they are: as Meta said it, kept for this process."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from api.graph.usage import Level, Usage

EVERY = "*"
"""Stands for all pages: the limits of the app."""

MAX_KEPT = 10_000
"""Pages that are remembered; the one heard of longest ago goes first."""

KEPT_S = 300.0
"""What was heard of a limit holds for so long, should no answer speak of it any more."""

_JITTER = 0.2


@dataclass(frozen=True, slots=True)
class Block:
    """No calls until then (epoch seconds), and why: one line."""

    until: float
    reason: str


class Limits:
    """The limits of pages and of the app, as far as is known. Who calls asks `blocked` and `ready_in`, then `begin`."""

    def __init__(self) -> None:
        self._heard: dict[str, tuple[Level, float]] = {}
        self._blocks: dict[str, Block] = {}
        self._next: dict[str, float] = {}

    def heard(self, page: str, usage: Usage) -> None:
        """Take note of what an answer to a call for this page said. A full limit blocks at once."""
        for name, level in ((page, usage.page), (EVERY, usage.app)):
            if level.said:
                self._heard.pop(name, None)
                self._heard[name] = level, time.monotonic()
                self._space(name)
            if level.stop_s:
                self.block(name, time.time() + level.stop_s, f"its limit is used up to {level.percent:.0f} %")
        while len(self._heard) > MAX_KEPT:
            del self._heard[next(iter(self._heard))]

    def block(self, name: str, until: float, reason: str) -> None:
        """No calls for this page (or `EVERY`) until then, unless they wait longer already."""
        known = self._blocks.get(name)
        if known is None or known.until < until:
            self._blocks[name] = Block(until, reason)

    def unblock(self, name: str) -> None:
        """They may go on."""
        self._blocks.pop(name, None)

    def blocked(self, page: str) -> tuple[str, Block] | None:
        """The block in force for a page's calls and whose it is: the one that lasts longer of its own and the app's."""
        now = time.time()
        found: tuple[str, Block] | None = None
        for name in (EVERY, page):
            block = self._blocks.get(name)
            if block is not None and block.until <= now:
                del self._blocks[name]
            elif block is not None and (found is None or block.until > found[1].until):
                found = name, block
        return found

    def paced(self, page: str) -> bool:
        """Whether calls for the page keep a distance, so that they should come one at a time."""
        return any(self._pace_s(name) for name in (EVERY, page))

    def ready_in(self, page: str) -> float:
        """Seconds until the next call for the page keeps its distance from the last one."""
        now = time.monotonic()
        return max(0.0, *(self._next.get(name, 0.0) - now for name in (EVERY, page)))

    def percent(self, page: str) -> float:
        """How much of the page's limit or of the app's is used up, whichever is more; 0 if nothing was heard of it."""
        now = time.monotonic()
        found = [self._heard[name] for name in (EVERY, page) if name in self._heard]
        return max((level.percent for level, at in found if now - at < KEPT_S), default=0.0)

    def begin(self, page: str) -> None:
        """A call for the page begins now: the next one keeps its distance."""
        for name in (EVERY, page):
            self._space(name)

    def used(self) -> dict[str, float]:
        """Per cent of its limit that each page has used up, `EVERY` for the app; those where the API said so."""
        now = time.monotonic()
        return {name: level.percent for name, (level, at) in self._heard.items() if now - at < KEPT_S}

    def blocks(self) -> dict[str, float]:
        """Until when each page's calls wait (epoch seconds), `EVERY` for the app's."""
        now = time.time()
        return {name: block.until for name, block in self._blocks.items() if block.until > now}

    def _space(self, name: str) -> None:
        """The next call keeps its distance from now."""
        pace_s = self._pace_s(name)
        if pace_s:
            self._next[name] = time.monotonic() + pace_s * (1.0 + _JITTER * random.random())  # noqa: S311 - no secret
        else:
            self._next.pop(name, None)

    def _pace_s(self, name: str) -> float:
        level, at = self._heard.get(name, (None, 0.0))
        return level.pace_s if level and time.monotonic() - at < KEPT_S else 0.0
