"""The leads that screen 4 lists, and the details of one: the newest search wins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Hashable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from api.models import Lead, LeadDetails, LeadPage, StoreSnapshot
from console.poller import one_line
from console.ports import LeadsSource
from console.tui.present.search import lead_filter
from console.tui.present.supply import FRESH, Health, Supply
from console.tui.screens.paging import Paging
from console.tui.state import Kind, Known
from console.tui.work import begin

if TYPE_CHECKING:
    from textual.screen import Screen

PAGE = 100
TIMEOUT_S = 8.0
QUIET_S = 2.0
"""While leads come the list is read again with them; only after so long it is for rows that were written over."""
ABOVE = 80
"""So many rows above the one that somebody is at can be in sight: they are read anew with it."""
DETAILS_AFTER_S = 0.08
"""While the cursor runs through the list nothing is read."""


class LeadList:
    """Pages of leads for one search.

    Args:
        changed: called when the list has.
        detailed: called when the details have.
        pinned: the leads, by id, that somebody is at.
    """

    def __init__(
        self,
        screen: Screen[None],
        known: Known,
        source: LeadsSource,
        *,
        changed: Callable[[], None],
        detailed: Callable[[], None],
        pinned: Callable[[], Collection[str]],
    ) -> None:
        self._screen = screen
        self._known = known
        self._source = source
        self._detailed = detailed
        self._drawn = changed
        self._more_wanted = False
        self._pinned = pinned
        self._pages: Paging[Lead] = Paging(
            screen,
            lambda lead: str(lead.id),
            self._changed,
            pinned=pinned,
            timeout_s=TIMEOUT_S,
            slow="Postgres takes too long to search",
        )
        self.text = ""
        self.notice = ""
        self.details: LeadDetails | None = None
        self.details_of = ""
        self.details_error = ""
        self._read_of: StoreSnapshot | None = None
        self._ended = 0
        self._read_at = 0.0
        self._around: tuple[Hashable, int] | None = None
        self._around_at = 0.0

    @property
    def leads(self) -> list[Lead]:
        """What has been read."""
        return self._pages.items

    @property
    def more(self) -> bool:
        """Whether there is more than has been loaded."""
        return bool(self._pages.cursor)

    @property
    def behind(self) -> bool:
        """Whether newer leads are not listed, because somebody is at older ones."""
        return self._pages.behind

    @property
    def health(self) -> Health:
        """How fresh the list is."""
        health = self._known.health(Kind.LEADS)
        if health.supply is Supply.FAILED:
            return health
        if self._pages.error:
            return Health(Supply.FAILED, f"{self._pages.error.rstrip('.')}.", "r now")
        if not self._pages.loaded:
            return Health(Supply.SILENT) if health.supply is Supply.FRESH else health
        return health if health.supply is Supply.STALE else FRESH

    def when_loaded(self, do: Callable[[], None]) -> None:
        """Call `do` now, or once the list has been read."""
        self._pages.when_loaded(do)

    @property
    def settled(self) -> bool:
        """Whether what is listed is what was looked for last, as far as is known."""
        return self._pages.loaded and self.answers and not self._pages.reading

    @property
    def answers(self) -> bool:
        """Whether what is listed was found by what is looked for now."""
        return self._pages.answers

    def by_id(self, key: str) -> Lead | None:
        """A listed lead."""
        return self._pages.index.get(key)

    def search(self, text: str) -> None:
        """Look for something else."""
        if text != self.text:
            self.text = text
            self._more_wanted = False
            self._pages.turn()
            self._pages.read(self._page, self._found)

    def reload(self) -> None:
        """Read the first page anew, giving up a read under way."""
        self._pages.read(self._page, self._found_again if self._pages.loaded else self._found)

    def refresh(self) -> bool:
        """Leads may have been stored: if so, read the first page and put it before the rest.

        Returns whether rows may have been written over: others are the newest, or jobs have ended, and there is no row
        more; or jobs have ended while somebody is beyond the first page, whose rows are then read instead.
        """
        store, read_of = self._known.leads.value, self._read_of
        if self._pages.reading or store is None:
            return False
        if self._read_around():
            return True
        if self.behind and self._pinned():
            return False
        if read_of is None or store.total != read_of.total or self._pages.error:
            self.reload()
            return False
        quiet = self._known.now() - self._read_at > QUIET_S
        over = store.latest != read_of.latest or (quiet and self._jobs_ended() != self._ended)
        if over:
            self.reload()
        return over

    def _read_around(self) -> bool:
        """Read the rows anew that somebody is at, if these are beyond the first page and may have been written over."""
        at = next(iter(self._pinned()), "")
        start = self._pages.start_of(at, ABOVE) if at and self.answers else None
        now = self._known.now()
        if start is None or now - self._around_at <= QUIET_S:
            return False
        around = (start[0], self._jobs_ended())
        if around == self._around:
            return False

        def found(page: LeadPage) -> None:
            self._around = around
            self._pages.again(start[0], page.leads, page.cursor)

        self._around_at = now
        self._pages.read(partial(self._page, start[1], limit=3 * PAGE), found)
        return True

    def read_again(self) -> None:
        """Read anew what is shown: the first page, and then the rows that somebody is at."""
        self._around, self._around_at = None, 0.0
        self.reload()

    def _jobs_ended(self) -> int:
        queue = self._known.queue.value
        return queue.accepted - queue.depth - queue.dead if queue else 0

    def load_more(self) -> None:
        """Read the next page, if there is one: now, or after the read that is under way."""
        cursor = self._pages.cursor
        self._more_wanted = self._pages.reading
        if cursor and self.answers and not self._pages.reading:
            self._pages.read(partial(self._page, cursor), lambda page: self._pages.more(page.leads, page.cursor))

    def _changed(self) -> None:
        if self._more_wanted:
            self.load_more()
        self._drawn()

    async def _page(self, cursor: str = "", *, limit: int = PAGE) -> LeadPage:
        store, ended = self._known.leads.value, self._jobs_ended()
        page = await self._source.page(lead_filter(self.text, self._known.now()), cursor=cursor, limit=limit)
        if not cursor:
            self._read_of, self._ended, self._read_at = store, ended, self._known.now()
        return page

    def _found(self, page: LeadPage) -> None:
        self.notice = page.notice
        self._pages.replace(page.leads, page.cursor)

    def _found_again(self, page: LeadPage) -> None:
        self.notice = page.notice
        self._pages.newest(page.leads, page.cursor)

    # --- one lead

    def read_details(self, key: str, *, again: bool = False) -> None:
        """Read the details of a lead, `again` even if they are known; a read for another one is given up."""
        other = key != self.details_of
        if key.isdecimal() and (other or again):
            if other:
                self.details, self.details_of, self.details_error = None, key, ""
            begin(self._screen, partial(self._details, int(key)), "details", exclusive=True)

    async def _details(self, lead_id: int) -> None:
        await asyncio.sleep(DETAILS_AFTER_S)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                found = await self._source.details(lead_id)
        except Exception as error:  # noqa: BLE001 - shown where the details would be
            self.details_error = one_line(error)
        else:
            self.details_error = ""
            self.details = found if found.lead else replace(found, lead=self.by_id(str(lead_id)))
        self._detailed()
