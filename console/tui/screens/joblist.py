"""The part of the queue that screen 3 lists: one state, one filter, some pages, read again and again."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from api.models import JobPage, JobState, JobView
from console.ports import QueueSource
from console.tui.present.supply import FRESH, Health, Supply
from console.tui.screens.paging import Paging
from console.tui.state import Kind, Known

if TYPE_CHECKING:
    from textual.screen import Screen

PAGE = 100
KEPT_FRESH = 500
"""Rows that are read again with each reading of the queue; those beyond are as they were when loaded."""
TIMEOUT_S = 5.0


class JobList:
    """Jobs of one state that match a filter.

    Args:
        changed: called after each read.
        pinned: the jobs, by id, that somebody is at.
    """

    def __init__(
        self,
        screen: Screen[None],
        known: Known,
        source: QueueSource,
        changed: Callable[[], None],
        pinned: Callable[[], Collection[str]],
    ) -> None:
        self._known = known
        self._source = source
        self._pages: Paging[JobView] = Paging(
            screen,
            lambda view: view.job.id,
            changed,
            pinned=pinned,
            timeout_s=TIMEOUT_S,
            slow="Redis takes too long to list jobs",
        )
        self.state = JobState.READY
        self.match = ""

    @property
    def views(self) -> list[JobView]:
        """What has been read."""
        return self._pages.items

    @property
    def empty(self) -> bool:
        """Whether it is known that there are none."""
        return self._pages.loaded and not self.views

    @property
    def more(self) -> bool:
        """Whether there is more than has been loaded."""
        return bool(self._pages.cursor)

    @property
    def error(self) -> str:
        """Why the last read failed, "" if it did not."""
        return self._pages.error

    @property
    def health(self) -> Health:
        """How fresh the list is."""
        if self.error and not self._known.queue.error:
            return Health(Supply.FAILED, f"{self.error.rstrip('.')}.", "r now")
        health = self._known.health(Kind.QUEUE)
        if health.supply is Supply.FRESH and not self._pages.loaded:
            return Health(Supply.SILENT)
        return health if health.supply is not Supply.FRESH else FRESH

    def when_loaded(self, do: Callable[[], None]) -> None:
        """Call `do` now, or once the list has been read."""
        self._pages.when_loaded(do)

    def by_id(self, job_id: str) -> JobView | None:
        """A listed job."""
        return self._pages.index.get(job_id)

    def open(self, state: JobState, match: str) -> None:
        """List another state, or with another filter."""
        if (state, match) == (self.state, self.match) and self._pages.loaded:
            return
        if state is not self.state:
            self._pages.forget()
        self._pages.turn()
        self.state, self.match = state, match
        self._pages.read(lambda: self._page(limit=PAGE), lambda page: self._pages.replace(page.jobs, page.cursor))

    def reload(self) -> None:
        """Read anew what is shown, giving up a read under way."""
        limit = max(PAGE, min(len(self.views), KEPT_FRESH))
        self._pages.read(lambda: self._page(limit=limit), lambda page: self._pages.first(page.jobs, page.cursor))

    def refresh(self) -> None:
        """Read again what is shown, unless a read is under way."""
        if not self._pages.reading:
            self.reload()

    def load_more(self) -> None:
        """Read the next page, if there is one."""
        cursor = self._pages.cursor
        if cursor and self._pages.answers and not self._pages.reading:
            self._pages.read(
                lambda: self._page(limit=PAGE, cursor=cursor), lambda page: self._pages.more(page.jobs, page.cursor)
            )

    async def _page(self, *, limit: int, cursor: str = "") -> JobPage:
        return await self._source.jobs(self.state, cursor=cursor, limit=limit, match=self.match)
