"""Owns whether the service is ready: what it needs is asked, all at once, with a short limit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from api import logs
from api.errors import UnavailableError
from api.reasons import reason_of

log = logs.get_logger()


@dataclass(frozen=True, slots=True)
class Check:
    """How one thing the service needs is.

    Attributes:
        ok: it does its part.
        reason: why not, one of api.reasons.REASONS; "" if it does.
        ms: how long the answer took, milliseconds.
    """

    ok: bool
    reason: str = ""
    ms: float = 0.0


class Readiness:
    """Asks each thing the service needs.

    The answer names what is wrong in a few fixed words, because anyone may ask; the error's own go to the log, once a
    change.
    """

    def __init__(self, checks: Mapping[str, Callable[[], Awaitable[object]]], *, timeout_s: float = 2.0) -> None:
        self._checks = dict(checks)
        self._timeout_s = timeout_s
        self._known: dict[str, Check] = {}

    async def states(self) -> dict[str, Check]:
        """How each is, by name. Never raises."""
        found = await asyncio.gather(*(self._ask(name) for name in self._checks))
        self._known = dict(zip(self._checks, found, strict=True))
        return self._known

    async def _ask(self, name: str) -> Check:
        began = time.perf_counter()
        reason = error = ""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._checks[name]()
        except (TimeoutError, UnavailableError) as trouble:
            reason, error = reason_of(trouble), str(trouble) or f"no answer within {self._timeout_s:g} s"
        except Exception as trouble:  # noqa: BLE001 - whatever is wrong with it, it is not ready
            reason, error = reason_of(trouble), logs.describe(trouble)
        known = self._known.get(name)
        if reason != (known.reason if known else ""):
            log.warning("health.changed", name=name, ok=not reason, reason=reason, error=error)
        return Check(not reason, reason, round((time.perf_counter() - began) * 1000, 1))
