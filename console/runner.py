"""Does what changes something: one action at a time per target, warned about beforehand, recorded afterwards.

Both front ends call this and nothing else. How a verb is done is in console.verbs, what it risks in console.risks.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Protocol

from api.errors import ServiceError
from console import stack_verbs
from console.errors import ConsoleError
from console.ports import Action, Result, Sources, Verb
from console.risks import risks
from console.snapshots import Progress

STACK_VERBS = stack_verbs.VERBS | {Verb.RESTORE}
FREE_VERBS = frozenset({Verb.SEND, Verb.REPLAY, Verb.REVEAL, Verb.SHELL})
"""They have no target that another action could be at."""


class Verbs(Protocol):
    """Does verbs and keeps the record of them."""

    def do(self, action: Action) -> AsyncIterator[Progress | Result]:
        """Steps, then one Result. May raise ConsoleError or ServiceError instead."""
        ...

    async def record(self, action: Action, result: Result) -> Result:
        """Write down what was done; the result, which says so if that was impossible."""
        ...


class ActionRunner:
    """console.ports.Runner for the stack and the queue.

    Args:
        verbs: does them.
        sources: what `warnings` are read from.
        read_only: refuse everything that changes something.
    """

    def __init__(self, verbs: Verbs, sources: Sources, *, read_only: bool = False) -> None:
        self.read_only = read_only
        self._verbs = verbs
        self._sources = sources
        self._busy: dict[str, Verb] = {}

    async def warnings(self, action: Action) -> tuple[str, ...]:
        """What the operator should know before saying yes. Empty when nothing. Never raises."""
        try:
            return await risks(action, self._sources)
        except Exception as error:  # noqa: BLE001 - a defect here must not keep the operator from acting
            return (f"what this risks could not be found out: {type(error).__name__}",)

    async def run(self, action: Action) -> AsyncIterator[Progress | Result]:
        """Progress steps, then exactly one Result. Never raises."""
        refusal = self._refusal(action)
        if refusal is not None:
            yield refusal
            return
        held = _holds(action)
        self._busy.update(dict.fromkeys(held, action.verb))
        try:
            result = failed("ended without a result")
            try:
                async with aclosing(self._verbs.do(action)) as steps:  # type: ignore[type-var]
                    async for event in steps:
                        if isinstance(event, Result):
                            result = event
                        else:
                            yield event
            except (asyncio.CancelledError, GeneratorExit):
                await self._verbs.record(action, failed("interrupted"))
                raise
            except Exception as error:  # noqa: BLE001 - promised: a front end gets a Result, whatever happens
                result = failure(error)
            yield await self._verbs.record(action, result)
        finally:
            for key in held:
                del self._busy[key]

    def _refusal(self, action: Action) -> Result | None:
        if self.read_only and action.verb is not Verb.REVEAL:
            return failed(f"{action.verb} is refused: the console is read-only", "run it without --read-only", 2)
        for key in _holds(action):
            other = next((verb for held, verb in self._busy.items() if _clash(key, held)), None)
            if other is not None:
                return failed(f"{_target(key)} is busy: {other} is under way", "wait until that has ended")
        return None


def failed(text: str, hint: str = "", exit_code: int = 1) -> Result:
    """A result that says what went wrong."""
    return Result(ok=False, text=text, hint=hint, exit_code=exit_code)


def failure(error: Exception) -> Result:
    """The result that an exception stands for."""
    if isinstance(error, ConsoleError):
        return failed(str(error), error.hint, error.exit_code)
    if isinstance(error, ServiceError):
        return failed(str(error))
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return failed(f"{error.filename}: {error.strerror}")
    return failed(f"unexpected {type(error).__name__}: {error}", "this is a defect of the console")


def _holds(action: Action) -> tuple[str, ...]:
    """What the action has for itself while it runs: "stack/NAME" or "queue/ID", and "/*" for all of a kind."""
    if action.verb in FREE_VERBS:
        return ()
    kind = "stack" if action.verb in STACK_VERBS else "queue"
    if action.verb is Verb.BACKUP:
        return ("backup/*",)
    if action.verb is Verb.RESTORE:
        return ("stack/*", "backup/*")
    if action.verb is Verb.BACKFILL:
        return tuple(f"backfill/{target}" for target in dict.fromkeys(action.targets))
    if action.verb in (Verb.PAUSE, Verb.RESUME):
        return ("pause/*",)
    return tuple(f"{kind}/{target}" for target in dict.fromkeys(action.targets)) or (f"{kind}/*",)


def _clash(one: str, other: str) -> bool:
    kinds_same = one.partition("/")[0] == other.partition("/")[0]
    return kinds_same and (one == other or one.endswith("/*") or other.endswith("/*"))


def _target(key: str) -> str:
    kind, _, name = key.partition("/")
    return (
        name
        if name != "*"
        else {"stack": "the stack", "queue": "the queue", "pause": "the queue", "backup": "a backup"}[kind]
    )
