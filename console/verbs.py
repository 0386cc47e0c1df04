"""How each verb is done: the stack's by the runtime, the queue's by its operator together with the store's record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from api.models import Job, JobState
from console.errors import ConsoleError, UsageError
from console.forget import Forgetter
from console.format import number
from console.links import Links
from console.ports import Action, Result, Runtime, Verb
from console.snapshots import Progress
from console.sources.check import AccountingReader

if TYPE_CHECKING:
    from api.queue import Changed

RECORD_TIMEOUT_S = 5.0
STACK_DONE = {Verb.UP: "up", Verb.START: "started", Verb.STOP: "stopped", Verb.RESTART: "restarted"}
Events = AsyncIterator[Progress | Result]


class PipelineVerbs:
    """console.runner.Verbs over a runtime and the links to queue and store.

    Args:
        send: does SEND for a form's name, or for Meta when that is "".
        operator: who acts, for the record.
    """

    def __init__(
        self, runtime: Callable[[], Runtime], links: Links, send: Callable[[str], Awaitable[Result]], operator: str
    ) -> None:
        self._runtime = runtime
        self._links = links
        self._send = send
        self._operator = operator
        self._doers: dict[Verb, Callable[[Action], Events]] = {
            **dict.fromkeys((Verb.UP, Verb.DOWN, Verb.START, Verb.STOP, Verb.RESTART), self._stack),
            Verb.RETRY: self._retry,
            Verb.RETRY_MATCHING: self._retry_matching,
            Verb.DISCARD: self._discard,
            Verb.UNDO: self._undo,
            Verb.EDIT: self._edit,
            Verb.PAUSE: self._pause,
            Verb.RESUME: self._resume,
            Verb.SEND: self._test_webhook,
            Verb.REVEAL: self._reveal,
            Verb.FORGET: self._forget,
            Verb.BACKUP: self._backup,
            Verb.RESTORE: self._restore,
        }

    def do(self, action: Action) -> Events:
        """Steps, then one Result. Raises ConsoleError or ServiceError instead of giving one."""
        return self._doers[action.verb](action)

    async def record(self, action: Action, result: Result) -> Result:
        """Write down what was done. A queue verb's result says so if that was impossible.

        A stack verb is recorded as far as possible: its database may just have been stopped.
        """
        if action.verb in (Verb.REVEAL, Verb.FORGET) or _takes_store_away(action):
            return result
        trouble = await self._audit(action, result.text)
        if trouble and result.ok and action.verb not in (*STACK_DONE, Verb.DOWN):
            return replace(result, text=f"{result.text} (not recorded: {trouble})")
        return result

    async def _audit(self, action: Action, result: str) -> str:
        """Write a row; why that was impossible, "" if it was done."""
        args = " ".join(f"{name}={value}" for name, value in action.args.items() if name != "payload")
        target = " ".join(filter(None, (" ".join(action.targets), args)))
        try:
            async with asyncio.timeout(RECORD_TIMEOUT_S):
                await self._links.read(lambda reader: reader.audit(self._operator, action.verb.value, target, result))
        except ConsoleError as error:
            return str(error)
        except TimeoutError:
            return f"no answer within {RECORD_TIMEOUT_S:.0f} s"
        return ""

    # --- the stack ---------------------------------------------------------------------------------------------------

    async def _stack(self, action: Action) -> Events:
        if _takes_store_away(action):
            await self._audit(action, "begun")
        broken = ""
        try:
            async with aclosing(self._steps(action)) as steps:  # type: ignore[type-var]  # see Runtime: generators
                async for step in steps:
                    if step.ok is False:
                        broken = f"{step.service}: {step.text}" if step.service else step.text
                    yield step
        finally:
            self._links.forget()
        if broken:
            yield Result(ok=False, text=broken, exit_code=1)
        elif action.verb is Verb.DOWN:
            kept = "its data is deleted" if action.args.get("volumes") == "yes" else "its data is kept"
            yield Result(ok=True, text=f"the stack is down; {kept}", changed=1)
        else:
            who = f"{', '.join(action.targets)}" if action.targets else "the stack"
            be = "are" if len(action.targets) > 1 else "is"
            yield Result(ok=True, text=f"{who} {be} {STACK_DONE[action.verb]}", changed=max(len(action.targets), 1))

    def _steps(self, action: Action) -> AsyncIterator[Progress]:
        runtime, targets = self._runtime(), action.targets
        match action.verb:
            case Verb.UP:
                return runtime.up(targets)
            case Verb.DOWN:
                return runtime.down(volumes=action.args.get("volumes") == "yes")
            case Verb.START:
                return runtime.start(targets)
            case Verb.STOP:
                return runtime.stop(targets)
            case _:
                return runtime.restart(targets)

    # --- the queue ---------------------------------------------------------------------------------------------------

    async def _retry(self, action: Action) -> Events:
        changed = await self._links.operate(lambda operator: operator.retry(action.targets))
        # One of them may have been discarded. Until its row is unmarked it counts as queued: nothing depends on this.
        await self._unmark(changed.done)
        yield _outcome(changed, "made ready again")

    async def _retry_matching(self, action: Action) -> Events:
        try:
            state = JobState(action.args.get("state", JobState.DEAD))
        except ValueError:
            raise UsageError(f"there is no state {action.args['state']}", f"states: {', '.join(JobState)}") from None
        steps: asyncio.Queue[Progress | None] = asyncio.Queue()

        def on_page(retried: int, scanned: int) -> None:
            steps.put_nowait(Progress(f"{number(retried)} made ready again, {number(scanned)} looked at"))

        task = asyncio.ensure_future(
            self._links.operate(
                lambda operator: operator.retry_matching(state, action.args.get("match", ""), progress=on_page)
            )
        )
        task.add_done_callback(lambda _: steps.put_nowait(None))
        try:
            while (step := await steps.get()) is not None:
                yield step
            changed = await task
        finally:
            task.cancel()
        await self._unmark(changed.done)
        yield _outcome(changed, "made ready again")

    async def _discard(self, action: Action) -> Events:
        """The row first, then the queue: at no instant is a discarded job in neither."""
        jobs, refused = await self._find(action.targets)
        marked = set(await self._links.read(lambda reader: reader.mark_discarded(jobs)))
        refused += [(job.id, "has been stored meanwhile") for job in jobs if job.id not in marked]
        ids = [job.id for job in jobs if job.id in marked]
        if ids:
            # If this fails half-way the rows stay: such a job counts as queued, and is stored as if nothing had been.
            changed = await self._links.operate(lambda operator: operator.discard(ids))
            still, _ = await self._find([id_ for id_, _ in changed.refused])
            await self._unmark(job.id for job in still)
            yield _outcome(replace(changed, refused=(*refused, *changed.refused)), "discarded")
        else:
            yield _outcome(_none(refused), "discarded")

    async def _find(self, ids: Sequence[str]) -> tuple[list[Job], list[tuple[str, str]]]:
        """The jobs that are queued and not discarded, and why the others are not among them."""
        jobs, missing = [], []
        for id_ in dict.fromkeys(ids):
            view = await self._links.inspect(lambda inspector, id_=id_: inspector.job(id_))  # type: ignore[misc]
            if view is None:
                missing.append((id_, "is not in the queue"))
            elif view.state is JobState.DISCARDED:
                missing.append((id_, "is discarded already"))
            else:
                jobs.append(view.job)
        return jobs, missing

    async def _undo(self, action: Action) -> Events:
        changed = await self._links.operate(lambda operator: operator.undo(action.targets))
        await self._unmark(changed.done)
        yield _outcome(changed, "taken back")

    async def _unmark(self, ids: Iterable[str]) -> None:
        wanted = tuple(ids)
        if wanted:
            try:
                await self._links.read(lambda reader: reader.unmark_discarded(wanted))
            except ConsoleError:
                return  # counted as queued all the same, and replaced when the job is stored

    async def _edit(self, action: Action) -> Events:
        if len(action.targets) != 1:
            raise UsageError("one job is edited at a time")
        from api.sources import amended

        payload = action.args["payload"]
        changed = await self._links.operate(lambda operator: operator.edit(action.targets[0], payload, amended))
        yield _outcome(changed, "edited")

    async def _pause(self, action: Action) -> Events:
        del action
        await self._links.operate(lambda operator: operator.pause())
        yield Result(
            ok=True, text="the queue is paused: workers finish what they hold and take nothing more", changed=1
        )

    async def _resume(self, action: Action) -> Events:
        page = action.args.get("page", "")
        if page:
            lifted = await self._links.operate(lambda operator: operator.clear_pause(page))
            text = f"page {page} goes on" if lifted else f"page {page} was not waiting"
            yield Result(ok=True, text=text, changed=int(lifted))
        else:
            await self._links.operate(lambda operator: operator.resume())
            yield Result(ok=True, text="the queue goes on", changed=1)

    # --- the rest ----------------------------------------------------------------------------------------------------

    async def _test_webhook(self, action: Action) -> Events:
        yield await self._send(action.args.get("form", ""))

    def _forget(self, action: Action) -> Events:
        """Recorded where it is done: no row goes unrecorded."""
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


def _none(refused: Iterable[tuple[str, str]]) -> Changed:
    from api.queue import Changed

    return Changed((), tuple(refused))


def _outcome(changed: Changed, done: str) -> Result:
    """What became of several jobs: fine only if none was refused; the first reason stands for the others."""
    count = len(changed.done)
    if not changed.refused:
        return Result(ok=True, text=f"{_jobs(count)} {done}", changed=count)
    job, reason = changed.refused[0]
    more = f"; {number(len(changed.refused) - 1)} more left alone" if len(changed.refused) > 1 else ""
    first = f"{_jobs(count)} {done}; " if count else ""
    return Result(ok=False, text=f"{first}{job} {reason}{more}", changed=count, exit_code=1)


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{number(count)} jobs"
