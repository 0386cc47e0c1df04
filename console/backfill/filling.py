"""Goes through forms' listings, several forms at a time; the next part is read while one is being queued."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import msgspec

from api.errors import ServiceError
from api.graph import GraphClient, LeadsPage
from api.graph.edges import LISTED
from api.ids import new_id
from api.queue import Bookmark
from api.queue.backlog import BOOKMARK_S
from console.backfill import forms
from console.backfill.asking import Asking
from console.backfill.intake import Intake
from console.backfill.patience import Emit, Patience
from console.backfill.progress import Told
from console.backfill.records import Count, Report, Wanted
from console.errors import ConsoleError, HaltedError, UnreachableError
from console.links import Links
from console.snapshots import Progress
from console.stack.local.tasks import steps

FORMS_AT_ONCE = 4
SLACK_S = 300.0
"""What was created so shortly before a listing was begun is listed again: clocks differ, and leads appear late."""


class Backfiller:
    """Backfills one stack.

    Args:
        graph: closed by whoever made it.
        halting: set by the operator: a run ends at the next safe place, and says how far it came.
    """

    def __init__(self, links: Links, graph: GraphClient, halting: asyncio.Event) -> None:
        self._links = links
        self._graph = graph
        self._halting = halting

    async def run(self, wanted: Wanted) -> AsyncGenerator[Progress | Report, None]:
        """Steps, then a report. What was queued stays queued however this ends; run again, it goes on.

        Raises:
            UsageError: whose the forms are is not known, or there is no token for them.
            ConsoleError: the Graph API does not tell of the forms.
            UnreachableError: Redis or Postgres does not answer at the start.
        """
        reports: list[Report] = []

        async def work(emit: Emit) -> None:
            reports.append(await _Run(self._links, self._graph, self._halting, wanted, emit).whole())

        async with aclosing(steps(work, "backfill")) as events:
            async for event in events:
                yield event
        yield reports[0]


class _Run:
    """One run of a backfill."""

    def __init__(self, links: Links, graph: GraphClient, halting: asyncio.Event, wanted: Wanted, emit: Emit) -> None:
        self._links = links
        self._graph = graph
        self._halting = halting
        self._wanted = wanted
        self._emit = emit
        self._id = f"backfill-{new_id()}"
        self._patience = Patience(halting, emit)
        self._asking = Asking(links, graph, self._patience, share=not wanted.dry)
        self._intake = Intake(links, self._patience, self._id, dry=wanted.dry)
        self._told = Told(emit, (), wanted.since)

    async def whole(self) -> Report:
        """All of it."""
        looking = "looking at what is queued"
        self._emit(Progress(looking))
        await self._intake.begin()
        self._emit(Progress(looking, ok=True))
        counts: list[Count] = []
        try:
            found = await forms.find(self._wanted, self._graph, self._asking, self._links)
            counts = [Count(form.id, form.page, form.name) for form in found]
            self._told = Told(self._emit, counts, self._wanted.since)
            await self._through(counts)
        except HaltedError:
            pass
        unfinished = not counts or not all(count.done or count.error for count in counts)
        stopped = self._halting.is_set() and unfinished
        report = Report(self._id, self._wanted.dry, self._wanted.since, tuple(counts), stopped)
        if not (self._wanted.dry or report.stopped or report.failed):
            done = [count.form for count in counts]
            await self._patience.insist(lambda: self._links.backlog(lambda backlog: backlog.drop(done)), "queue")
        return report

    async def _through(self, counts: Sequence[Count]) -> None:
        """All forms, a few at a time. One that fails does not keep the others back."""
        marks: dict[str, Bookmark] = {}
        if not (self._wanted.dry or self._wanted.afresh):
            names = [count.form for count in counts]
            marks = await self._links.backlog(lambda backlog: backlog.bookmarks(names))
        turns = asyncio.Semaphore(FORMS_AT_ONCE)

        async def one(count: Count) -> None:
            async with turns:
                try:
                    await self._form(count, marks.get(count.form))
                except HaltedError:
                    return
                except ConsoleError as error:
                    count.error, count.hint, count.exit_code = str(error), error.hint, error.exit_code
                except ServiceError as error:
                    count.error, count.exit_code = str(error), 1
                else:
                    count.done = True
                self._told.ended(count)

        async with asyncio.TaskGroup() as group:
            for count in counts:
                group.create_task(one(count))

    async def _form(self, count: Count, mark: Bookmark | None) -> None:
        """One form: what is new since a run that was stopped, then what that one had not come to; or all."""
        since, now = self._wanted.since, time.time()
        if mark is None or not mark.since <= since <= mark.since + BOOKMARK_S:
            await self._walk(count, Bookmark(since=since, began=now))
            return
        count.resumed = True
        newer = Bookmark(since=max(mark.began - SLACK_S, since), began=now)
        await self._walk(count, newer, keep=False)
        mark = msgspec.structs.replace(mark, began=now)
        if mark.done:
            await self._keep(count, mark)
            return
        await self._keep(count, mark)
        try:
            first = await self._part(count, mark, LISTED)
        except (HaltedError, UnreachableError):
            raise
        except ConsoleError:
            # Cursors do not last: then it is all read again, and what is known stays known.
            await self._walk(count, msgspec.structs.replace(mark, after=""))
        else:
            await self._walk(count, mark, first)

    async def _walk(self, count: Count, mark: Bookmark, part: LeadsPage | None = None, *, keep: bool = True) -> None:
        """Read a listing from a bookmark on to its end, and move the bookmark behind what has been queued."""
        part = part or await self._part(count, mark, LISTED)
        seen = {mark.after}
        while True:
            # A cursor that comes again would go round for ever.
            more = bool(part.after) and part.after not in seen
            seen.add(part.after)
            mark = msgspec.structs.replace(mark, after=part.after if more else "", done=not more)
            ahead = asyncio.ensure_future(self._part(count, mark, part.limit)) if more else None
            try:
                await self._take(count, part)
                if keep:
                    await self._keep(count, mark)
                if ahead is None:
                    return
                part = await ahead
            finally:
                if ahead is not None:
                    ahead.cancel()
                    await asyncio.gather(ahead, return_exceptions=True)

    async def _part(self, count: Count, mark: Bookmark, limit: int) -> LeadsPage:
        edges = self._graph.edges
        return await self._asking.call(
            count.page,
            lambda: edges.leads(count.page, count.form, since=mark.since, after=mark.after, limit=limit),
        )

    async def _take(self, count: Count, part: LeadsPage) -> None:
        taken = await self._intake.take(count, part.leads)
        count.read += len(part.leads)
        count.known += taken.known
        count.missing += taken.missing
        self._told.moved(count, part.leads)

    async def _keep(self, count: Count, mark: Bookmark) -> None:
        if not self._wanted.dry:
            form = count.form
            await self._patience.insist(lambda: self._links.backlog(lambda backlog: backlog.keep(form, mark)), "queue")
