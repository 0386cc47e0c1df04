"""The leads that screen 4 lists, and the details of one: read in the screen's workers, the newest search wins."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from api.models import Lead, LeadDetails, LeadFilter
from console.poller import one_line
from console.ports import LeadsSource
from console.tui.present.search import lead_filter
from console.tui.present.supply import FRESH, Health, Supply
from console.tui.state import Kind, Known
from console.tui.work import begin

if TYPE_CHECKING:
    from textual.screen import Screen

PAGE = 100
TIMEOUT_S = 8.0
DETAILS_AFTER_S = 0.08


class LeadList:
    """Pages of leads for one search. `changed` is called when the list has, `detailed` when the details have."""

    def __init__(
        self,
        screen: Screen[None],
        known: Known,
        source: LeadsSource,
        changed: Callable[[], None],
        detailed: Callable[[], None],
    ) -> None:
        self._screen = screen
        self._known = known
        self._source = source
        self._changed = changed
        self._detailed = detailed
        self.text = ""
        self.leads: list[Lead] = []
        self.notice = ""
        self.error = ""
        self.details: LeadDetails | None = None
        self.details_of = ""
        self.details_error = ""
        self._cursor = ""
        self._reading = False
        self._loaded = False
        self._total = -1
        self._shown = ""
        self._by_id: dict[str, Lead] = {}

    @property
    def more(self) -> bool:
        """Whether there is more than has been loaded."""
        return bool(self._cursor)

    @property
    def health(self) -> Health:
        """How fresh the list is."""
        health = self._known.health(Kind.LEADS)
        if health.supply is Supply.FAILED:
            return health
        if self.error:
            return Health(Supply.FAILED, f"{self.error.rstrip('.')}.", "r now")
        if not self._loaded:
            return Health(Supply.SILENT) if health.supply is Supply.FRESH else health
        return health if health.supply is Supply.STALE else FRESH

    def by_id(self, key: str) -> Lead | None:
        """A listed lead."""
        return self._by_id.get(key)

    def search(self, text: str) -> None:
        """Look for something else."""
        if text != self.text:
            self.text = text
            self.reload()

    def reload(self) -> None:
        """Read the first page anew, giving up a read under way."""
        self._reading = True
        begin(self._screen, partial(self._read, self.text), "leads", exclusive=True)

    def refresh(self) -> None:
        """Leads may have been stored: if so, read the first page and put it before the rest."""
        store = self._known.leads.value
        if not self._reading and store is not None and (store.total != self._total or self.error):
            self.reload()

    def load_more(self) -> None:
        """Read the next page, if there is one."""
        if self._cursor and not self._reading:
            self._reading = True
            begin(self._screen, partial(self._append, self.text, self._cursor), "leads")

    def _where(self, text: str) -> LeadFilter:
        return lead_filter(text, self._known.now())

    async def _read(self, text: str) -> None:
        store = self._known.leads.value
        total = store.total if store else -1
        try:
            async with asyncio.timeout(TIMEOUT_S):
                page = await self._source.page(self._where(text), limit=PAGE)
        except Exception as error:  # noqa: BLE001 - shown; the next reading tries again
            self.error = "Postgres takes too long to search" if isinstance(error, TimeoutError) else one_line(error)
        else:
            if text != self.text:
                return
            fresh = list(page.leads)
            ids = {lead.id for lead in fresh}
            same = self._shown == text and page.cursor and any(lead.id in ids for lead in self.leads)
            rest = (
                [lead for lead in self.leads if lead.id not in ids and fresh and lead.id < fresh[-1].id] if same else []
            )
            self.error, self.notice, self._loaded, self._total = "", page.notice, True, total
            self._shown = text
            self._put(fresh + rest, self._cursor if rest else page.cursor)
        finally:
            if text == self.text:
                self._reading = False
        self._changed()

    async def _append(self, text: str, cursor: str) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                page = await self._source.page(self._where(text), cursor=cursor, limit=PAGE)
        except Exception as error:  # noqa: BLE001 - shown; moving on tries again
            self.error = one_line(error)
        else:
            if text != self.text:
                return
            self._put(self.leads + [lead for lead in page.leads if str(lead.id) not in self._by_id], page.cursor)
        finally:
            if text == self.text:
                self._reading = False
        self._changed()

    def _put(self, leads: list[Lead], cursor: str) -> None:
        self.leads = leads
        self._cursor = cursor
        self._by_id = {str(lead.id): lead for lead in leads}

    # --- one lead

    def read_details(self, key: str) -> None:
        """Read the details of a lead; a read for another one is given up."""
        if key.isdecimal() and (key != self.details_of or self.details_error):
            self.details, self.details_of, self.details_error = None, key, ""
            begin(self._screen, partial(self._details, int(key)), "details", exclusive=True)

    async def _details(self, lead_id: int) -> None:
        await asyncio.sleep(DETAILS_AFTER_S)  # while the cursor runs through the list nothing is read
        try:
            async with asyncio.timeout(TIMEOUT_S):
                found = await self._source.details(lead_id)
        except Exception as error:  # noqa: BLE001 - shown where the details would be
            self.details_error = one_line(error)
        else:
            if self.details_of == str(lead_id):
                listed = self._by_id.get(str(lead_id))
                self.details = found if found.lead else replace(found, lead=listed)
        self._detailed()
