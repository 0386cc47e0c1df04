"""The part of the queue that screen 3 lists: one state, one filter, some pages, read again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from api.models import JobState, JobView
from console.poller import one_line
from console.ports import QueueSource
from console.tui.present.supply import FRESH, Health, Supply
from console.tui.state import Kind, Known
from console.tui.work import begin

if TYPE_CHECKING:
    from textual.screen import Screen

PAGE = 100
KEPT_FRESH = 500
"""Rows that are read again with each reading of the queue; those beyond are as they were when loaded."""
TIMEOUT_S = 5.0


class JobList:
    """Reads pages of jobs in the screen's workers: one in flight, the newest wins; `changed` is called after each."""

    def __init__(self, screen: Screen[None], known: Known, source: QueueSource, changed: Callable[[], None]) -> None:
        self._screen = screen
        self._known = known
        self._source = source
        self._changed = changed
        self.state = JobState.READY
        self.match = ""
        self.views: list[JobView] = []
        self.error = ""
        self._cursor = ""
        self._reading = False
        self._loaded = False
        self._by_id: dict[str, JobView] = {}

    @property
    def more(self) -> bool:
        """Whether there is more than has been loaded."""
        return bool(self._cursor)

    @property
    def note(self) -> str:
        """What the list has to say beside its filter."""
        return ""

    @property
    def health(self) -> Health:
        """How fresh the list is."""
        if self.error and not self._known.queue.error:
            return Health(Supply.FAILED, f"{self.error.rstrip('.')}.", "r now")
        health = self._known.health(Kind.QUEUE)
        if health.supply is Supply.FRESH and not self._loaded:
            return Health(Supply.SILENT)
        return health if self._loaded or health.supply is not Supply.FRESH else FRESH

    def by_id(self, job_id: str) -> JobView | None:
        """A listed job."""
        return self._by_id.get(job_id)

    def open(self, state: JobState, match: str) -> None:
        """List another state, or with another filter."""
        if (state, match) == (self.state, self.match) and self._loaded:
            return
        if state is not self.state:
            self._put([], "")
            self._loaded = False
        self.state, self.match = state, match
        self.reload()

    def reload(self) -> None:
        """Read the first page anew, giving up a read under way."""
        self._start(max(PAGE, min(len(self.views), KEPT_FRESH)), exclusive=True)

    def refresh(self) -> None:
        """Read again what is shown, unless a read is under way."""
        if not self._reading:
            self._start(max(PAGE, min(len(self.views), KEPT_FRESH)), exclusive=False)

    def load_more(self) -> None:
        """Read the next page, if there is one."""
        if self._cursor and not self._reading:
            self._reading = True
            begin(self._screen, partial(self._append, self._cursor), "jobs")

    def _start(self, limit: int, *, exclusive: bool) -> None:
        self._reading = True
        begin(self._screen, partial(self._read, limit), "jobs", exclusive=exclusive)

    async def _read(self, limit: int) -> None:
        state, match = self.state, self.match
        try:
            async with asyncio.timeout(TIMEOUT_S):
                page = await self._source.jobs(state, limit=limit, match=match)
        except Exception as error:  # noqa: BLE001 - shown; the next reading tries again
            self.error = one_line(error) if not isinstance(error, TimeoutError) else "Redis takes too long to list jobs"
        else:
            if (state, match) != (self.state, self.match):
                return
            self.error = ""
            self._loaded = True
            jobs = list(page.jobs)
            rest = []
            if len(self.views) > limit and page.cursor:
                fresh = {view.job.id for view in jobs}
                rest = [view for view in self.views[limit:] if view.job.id not in fresh]
            self._put(jobs + rest, page.cursor if not rest else self._cursor)
        finally:
            if (state, match) == (self.state, self.match):
                self._reading = False
        self._changed()

    async def _append(self, cursor: str) -> None:
        state, match = self.state, self.match
        try:
            async with asyncio.timeout(TIMEOUT_S):
                page = await self._source.jobs(state, cursor=cursor, limit=PAGE, match=match)
        except Exception as error:  # noqa: BLE001 - shown; moving on tries again
            self.error = one_line(error)
        else:
            if (state, match) != (self.state, self.match):
                return
            known = self._by_id
            self._put(self.views + [v for v in page.jobs if v.job.id not in known], page.cursor)
        finally:
            if (state, match) == (self.state, self.match):
                self._reading = False
        self._changed()

    def _put(self, views: list[JobView], cursor: str) -> None:
        self.views = views
        self._cursor = cursor
        self._by_id = {view.job.id: view for view in views}
