"""How the queue's verbs are done: each job moves in the queue and in the store's record together, in a safe order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence

from api.models import Job, JobPage, JobState
from console.errors import ConsoleError, UsageError
from console.format import number, safe
from console.links import Links
from console.ports import Action, Result
from console.snapshots import Progress
from console.wording import counted

PAGE = 500
"""Jobs looked at between two steps."""
REFUSED_KEPT = 1_000
Events = AsyncIterator[Progress | Result]


class QueueVerbs:
    """Does retry, discard, undo, edit, pause and resume. Every method raises ConsoleError or ServiceError."""

    def __init__(self, links: Links) -> None:
        self._links = links

    async def retry(self, action: Action) -> Events:
        """Make jobs ready now."""
        changed = await self._links.operate(lambda operator: operator.retry(action.targets))
        # One of them may have been discarded. Until its row is unmarked it counts as queued: nothing depends on this.
        await self._unmark(changed.done)
        yield _outcome(len(changed.done), "made ready again", changed.refused)

    def retry_matching(self, action: Action) -> Events:
        """Make ready all jobs of args["state"] that match args["match"]."""
        return self._ready_matching(_state(action), action.args.get("match", ""), "made ready again")

    def undo_matching(self, action: Action) -> Events:
        """Take back all discarded jobs that match args["match"]."""
        return self._ready_matching(JobState.DISCARDED, action.args.get("match", ""), "taken back")

    async def _ready_matching(self, state: JobState, match: str, done: str) -> Events:
        steps: asyncio.Queue[Progress | None] = asyncio.Queue()

        def on_page(moved: int, scanned: int) -> None:
            steps.put_nowait(Progress(f"{number(moved)} {done}, {number(scanned)} looked at", done=scanned))

        task = asyncio.ensure_future(
            self._links.operate(lambda operator: operator.retry_matching(state, match, progress=on_page))
        )
        task.add_done_callback(lambda _: steps.put_nowait(None))
        try:
            while (step := await steps.get()) is not None:
                yield step
            changed = await task
        finally:
            task.cancel()
        await self._unmark(changed.done)
        yield _outcome(len(changed.done), done, changed.refused)

    async def discard(self, action: Action) -> Events:
        """Put away some jobs."""
        jobs, missing = await self._find(action.targets)
        away, refused = await self._put_away(jobs)
        yield Progress(f"{number(len(away))} discarded", jobs=away)
        yield _outcome(len(away), "discarded", (*missing, *refused))

    async def discard_matching(self, action: Action) -> Events:
        """Put away all jobs of args["state"] that match args["match"]; those that come meanwhile may be left."""
        state, match = _state(action), action.args.get("match", "")
        if state is JobState.DISCARDED:
            raise UsageError("those are discarded already", "queue undo --all takes them back")
        count, looked, page = 0, 0, JobPage(())
        refused: list[tuple[str, str]] = []
        while True:
            page = await self._links.inspect(
                lambda inspector, cursor=page.cursor: inspector.jobs(state, cursor=cursor, limit=PAGE, match=match)  # type: ignore[misc]
            )
            away, kept = await self._put_away([view.job for view in page.jobs])
            count, looked = count + len(away), looked + page.scanned
            refused = [*refused, *kept][:REFUSED_KEPT]
            yield Progress(f"{number(count)} discarded, {number(looked)} looked at", done=looked, jobs=away)
            if not page.cursor:
                break
        yield _outcome(count, "discarded", refused)

    async def _put_away(self, jobs: Sequence[Job]) -> tuple[tuple[str, ...], list[tuple[str, str]]]:
        """The row first, then the queue: at no instant is a discarded job in neither. Which were, and which not."""
        if not jobs:
            return (), []
        marked = set(await self._links.read(lambda reader: reader.mark_discarded(jobs)))
        refused = [(job.id, "has been stored meanwhile") for job in jobs if job.id not in marked]
        ids = [job.id for job in jobs if job.id in marked]
        if not ids:
            return (), refused
        # If this fails half-way the rows stay: such a job counts as queued, and is stored as if nothing had been.
        changed = await self._links.operate(lambda operator: operator.discard(ids))
        still, _ = await self._find([id_ for id_, _ in changed.refused])
        await self._unmark(job.id for job in still)
        return tuple(changed.done), [*refused, *changed.refused]

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

    async def undo(self, action: Action) -> Events:
        """Take discarded jobs back."""
        changed = await self._links.operate(lambda operator: operator.undo(action.targets))
        await self._unmark(changed.done)
        yield _outcome(len(changed.done), "taken back", changed.refused)

    async def _unmark(self, ids: Iterable[str]) -> None:
        wanted = tuple(ids)
        if wanted:
            try:
                await self._links.read(lambda reader: reader.unmark_discarded(wanted))
            except ConsoleError:
                return  # counted as queued all the same, and replaced when the job is stored

    async def edit(self, action: Action) -> Events:
        """Replace one job's payload by args["payload"]."""
        if len(action.targets) != 1:
            raise UsageError("one job is edited at a time")
        from api.sources import amended

        payload = action.args["payload"]
        changed = await self._links.operate(lambda operator: operator.edit(action.targets[0], payload, amended))
        yield _outcome(len(changed.done), "edited", changed.refused)

    async def pause(self, action: Action) -> Events:
        """Let workers take nothing more."""
        del action
        await self._links.operate(lambda operator: operator.pause())
        yield Result(
            ok=True, text="the queue is paused: workers finish what they hold and take nothing more", changed=1
        )

    async def resume(self, action: Action) -> Events:
        """Let workers go on, or lift the wait of args["page"]."""
        page = action.args.get("page", "")
        if page:
            lifted = await self._links.operate(lambda operator: operator.clear_pause(page))
            name = safe(page, 60)
            text = f"page {name} goes on" if lifted else f"page {name} was not waiting"
            yield Result(ok=True, text=text, changed=int(lifted))
        else:
            await self._links.operate(lambda operator: operator.resume())
            yield Result(ok=True, text="the queue goes on", changed=1)


def _state(action: Action) -> JobState:
    try:
        return JobState(action.args.get("state", JobState.DEAD))
    except ValueError:
        raise UsageError(f"there is no state {action.args['state']}", f"states: {', '.join(JobState)}") from None


def _outcome(count: int, done: str, refused: Sequence[tuple[str, str]]) -> Result:
    """What became of several jobs: fine only if none was refused; the first reason stands for the others."""
    jobs = counted(count, "job")
    if not refused:
        return Result(ok=True, text=f"{jobs} {done}", changed=count)
    job, reason = refused[0]
    more = f"; {number(len(refused) - 1)} more left alone" if len(refused) > 1 else ""
    first = f"{jobs} {done}; " if count else ""
    return Result(ok=False, text=f"{first}{job} {reason}{more}", changed=count, exit_code=1)
