"""Owns whether the service is ready: what it needs is asked, with a short limit, at most once in a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping

from api import logs
from api.errors import UnavailableError

log = logs.get_logger()

OK = "ok"


class Readiness:
    """Asks each thing the service needs. However many ask at once, each is asked once.

    The answer names what is wrong and no more, because anyone may ask; the reason goes to the log, once a change.
    """

    def __init__(
        self, checks: Mapping[str, Callable[[], Awaitable[object]]], *, ttl_s: float = 1.0, timeout_s: float = 2.0
    ) -> None:
        self._checks = dict(checks)
        self._ttl_s = ttl_s
        self._timeout_s = timeout_s
        self._known: dict[str, str] = {}
        self._known_at = float("-inf")
        self._asking: asyncio.Task[dict[str, str]] | None = None

    async def states(self) -> dict[str, str]:
        """ "ok", or what is wrong, by name. Never raises."""
        if time.monotonic() - self._known_at < self._ttl_s:
            return self._known
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask_all())
        return await asyncio.shield(self._asking)

    async def _ask_all(self) -> dict[str, str]:
        try:
            found = await asyncio.gather(*(self._ask(name) for name in self._checks))
            self._known = dict(zip(self._checks, found, strict=True))
            self._known_at = time.monotonic()
            return self._known
        finally:
            self._asking = None

    async def _ask(self, name: str) -> str:
        state, reason = OK, ""
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._checks[name]()
        except TimeoutError:
            state = reason = f"does not answer within {self._timeout_s:g} s"
        except UnavailableError as error:
            state, reason = "not available", str(error)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it, it is not ready
            state, reason = "not available", logs.describe(error)
        if state != self._known.get(name, OK):
            log.warning("health.changed", name=name, state=state, error=reason)
        return state
