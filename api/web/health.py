"""Owns whether the service is ready: what it needs is asked, with a short limit, at most once in a second."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from api import logs
from api.errors import UnavailableError
from api.web.cached import Cached

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
        self._timeout_s = timeout_s
        self._known: dict[str, str] = {}
        self._states = Cached(self._ask_all, ttl_s)

    async def states(self) -> dict[str, str]:
        """ "ok", or what is wrong, by name. Never raises."""
        return await self._states.get()

    async def _ask_all(self) -> dict[str, str]:
        found = await asyncio.gather(*(self._ask(name) for name in self._checks))
        self._known = dict(zip(self._checks, found, strict=True))
        return self._known

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
