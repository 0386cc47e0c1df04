"""Reads the stored leads for both front ends."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from api.models import LeadDetails, LeadFilter, LeadPage, StoreSnapshot
from console.errors import UsageError
from console.links import Links

if TYPE_CHECKING:
    from api.store import FormDay, OperatorAction


class LeadsReader:
    """Stored leads (console.ports.LeadsSource)."""

    def __init__(self, links: Links) -> None:
        self._links = links

    async def read(self) -> StoreSnapshot:
        """Totals, today's count by this machine's midnight, newest leads."""
        midnight = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0).astimezone()
        return await self._links.read(lambda reader: reader.snapshot(midnight))

    async def page(self, where: LeadFilter, *, cursor: str = "", limit: int = 50, full: bool = False) -> LeadPage:
        """A page of leads, newest first; `full` with every answer. UsageError for a cursor that is none."""
        try:
            return await self._links.read(lambda reader: reader.page(where, cursor, limit, full=full))
        except ValueError as error:
            raise UsageError(str(error), "give the cursor as the page before gave it") from error

    async def counts(self, since: date, until: date, form: str = "", limit: int = 1_000) -> tuple[FormDay, ...]:
        """Leads per form and day (UTC) from `since` to before `until`, newest day first; at most `limit` rows."""
        return await self._links.read(lambda reader: reader.counts(since, until, form, limit))

    async def details(self, lead_id: int) -> LeadDetails:
        """One lead with its deliveries and attempts."""
        return await self._links.read(lambda reader: reader.details(lead_id))

    async def find(self, text: str) -> tuple[LeadDetails, ...]:
        """What has exactly this lead id, external id, job id or request id, or a job id that begins with it."""
        return await self._links.read(lambda reader: reader.find(text))

    async def actions(self, limit: int = 50) -> tuple[OperatorAction, ...]:
        """What operators did, newest first."""
        return await self._links.read(lambda reader: reader.actions(limit))
