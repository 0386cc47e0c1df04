"""How each verb is done, and the record of it: see console.stack_verbs and console.queue_verbs too."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from console import stack_verbs
from console.errors import ConsoleError
from console.links import Links
from console.ports import Action, Result, Runtime, Verb
from console.queue_verbs import QueueVerbs
from console.record import recorded
from console.snapshots import Progress
from console.sources.check import AccountingReader

if TYPE_CHECKING:
    from console.sender import Sender

RECORD_TIMEOUT_S = 5.0
Events = AsyncIterator[Progress | Result]


class PipelineVerbs:
    """console.runner.Verbs over a runtime and the links to queue and store.

    Args:
        sender: gives what does SEND and REPLAY.
        backfill: does BACKFILL.
        operator: who acts, for the record.
    """

    def __init__(
        self,
        runtime: Callable[[], Runtime],
        links: Links,
        sender: Callable[[], Sender],
        backfill: Callable[[Action], Events],
        operator: str,
    ) -> None:
        self._runtime = runtime
        self._links = links
        self._queue = QueueVerbs(links)
        self._sender = sender
        self._operator = operator
        self._doers: dict[Verb, Callable[[Action], Events]] = {
            **dict.fromkeys(stack_verbs.VERBS, self._stack),
            Verb.RETRY: self._queue.retry,
            Verb.RETRY_MATCHING: self._queue.retry_matching,
            Verb.DISCARD: self._queue.discard,
            Verb.DISCARD_MATCHING: self._queue.discard_matching,
            Verb.UNDO: self._queue.undo,
            Verb.UNDO_MATCHING: self._queue.undo_matching,
            Verb.EDIT: self._queue.edit,
            Verb.PAUSE: self._queue.pause,
            Verb.RESUME: self._queue.resume,
            Verb.SEND: self._send,
            Verb.REPLAY: self._replay,
            Verb.REVEAL: self._reveal,
            Verb.FORGET: self._forget,
            Verb.BACKUP: self._backup,
            Verb.RESTORE: self._restore,
            Verb.BACKFILL: backfill,
            Verb.SHELL: self._shell,
        }

    def do(self, action: Action) -> Events:
        """Steps, then one Result. Raises ConsoleError or ServiceError instead of giving one."""
        return self._doers[action.verb](action)

    async def record(self, action: Action, result: Result) -> Result:
        """Write down what was done. A queue verb's result says so if that was impossible.

        A stack verb is recorded as far as possible: its database may just have been stopped, and what stops that was
        recorded when it began.
        """
        if action.verb in (Verb.REVEAL, Verb.FORGET, Verb.SHELL) or (_takes_store_away(action) and result.ok):
            return result
        trouble = await self._audit(action, result.text)
        if trouble and result.ok and action.verb not in stack_verbs.VERBS:
            return replace(result, text=f"{result.text} (not recorded: {trouble})")
        return result

    async def _audit(self, action: Action, result: str) -> str:
        """Write a row; why that was impossible, "" if it was done."""
        who, what = self._operator, action.verb.value
        try:
            async with asyncio.timeout(RECORD_TIMEOUT_S):
                await self._links.read(lambda reader: reader.audit(who, what, recorded(action), result))
        except ConsoleError as error:
            return str(error)
        except TimeoutError:
            return f"no answer within {RECORD_TIMEOUT_S:.0f} s"
        return ""

    async def _stack(self, action: Action) -> Events:
        if _takes_store_away(action):
            await self._audit(action, "begun")
        async with aclosing(stack_verbs.do(action, self._runtime(), self._links.forget)) as events:  # type: ignore[type-var]
            async for event in events:
                yield event

    # --- the rest ----------------------------------------------------------------------------------------------------

    async def _send(self, action: Action) -> Events:
        yield await self._sender().test(action.args)

    async def _replay(self, action: Action) -> Events:
        yield await self._sender().replay(action.targets[0])

    def _forget(self, action: Action) -> Events:
        """Recorded where it is done: no row goes unrecorded."""
        from console.forget import Forgetter

        return Forgetter(self._links, self._operator).forget(action.targets)

    def _backup(self, action: Action) -> Events:
        from console.backup.taking import Taker, Wanted

        args = action.args
        wanted = Wanted(
            Path(args["directory"]), args.get("stack", "leads"), int(args.get("keep", "0")), args.get("recipient", "")
        )
        return Taker(self._runtime(), self._links).take(wanted)

    async def _restore(self, action: Action) -> Events:
        from console.backup.restoring import Restorer, checked

        path, identity = Path(action.targets[0]), action.args.get("identity", "")
        key = Path(identity) if identity else None
        async for step in checked(path, key):
            if isinstance(step, Progress):
                yield step
            else:
                restorer = Restorer(self._runtime(), self._links, AccountingReader(self._links, None))
                async for event in restorer.restore(path, key, step):
                    yield event

    async def _shell(self, action: Action) -> Events:
        """Recorded before it opens, as far as possible: with the database down it is needed most."""
        from console.foreground import opened

        service, tool, words = action.targets[0], action.args.get("tool", ""), shlex.split(action.args.get("words", ""))
        index = stack_verbs.replica_of(action)
        program = await self._runtime().foreground(service, words, tool=tool, index=index)
        trouble = await self._audit(action, "opened")
        code = await opened(program)
        text = f"{tool or 'the shell'} in {service} has ended" + (f" (not recorded: {trouble})" if trouble else "")
        yield Result(ok=True, text=text, exit_code=code)

    async def _reveal(self, action: Action) -> Events:
        """Nothing is shown that was not recorded first."""
        trouble = await self._audit(action, "shown")
        if trouble:
            yield Result(
                ok=False,
                text=f"personal data stays masked: the reveal cannot be recorded ({trouble})",
                hint="the command ps shows whether db runs",
                exit_code=3,
            )
        else:
            yield Result(ok=True, text="recorded")


def _takes_store_away(action: Action) -> bool:
    return action.verb is Verb.DOWN or (action.verb is Verb.STOP and (not action.targets or "db" in action.targets))
