"""Reads leads, deliveries and figures, and keeps the operator's records: the console's and the web service's side."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime

from api.models import Accounting, Delivery, Job, LeadDetails, LeadFilter, LeadPage, StoreSnapshot
from api.store.records import OperatorAction, Places


class Reader:
    """Reads the store. Connects on first use, on a few connections of its own; a restart of Postgres heals by itself.

    Every method raises StoreUnavailableError when Postgres does not answer or a statement takes too long.
    """

    def __init__(self, database_url: str, *, size: int = 3, timeout_s: float = 5.0) -> None:
        """`size` bounds the connections; `timeout_s` is the limit of one statement and of connecting."""
        raise NotImplementedError

    async def ping(self) -> str:
        """One round trip; the server's version ("15.8"). Also raises when the schema has not been migrated."""
        raise NotImplementedError

    async def snapshot(self, midnight: datetime, *, latest: int = 20) -> StoreSnapshot:
        """The figures, cheap enough for once a second at any size.

        `total` and `today` (received since the aware datetime `midnight`, to the quarter of an hour) come from counters
        that a trigger keeps exact. `latest` leads come without `fields`, `consent` and `raw`.
        """
        raise NotImplementedError

    async def page(self, where: LeadFilter, cursor: str = "", limit: int = 50, *, full: bool = False) -> LeadPage:
        """A page of leads, newest first by (received_at, id); `full` adds `fields`, `consent` and `raw`.

        `where.text` is folded (case, width, compatibility forms) and matched as a fragment of name, e-mail, phone,
        external id and job id. `notice` says so when the search had to read all rows. A cursor that this method did not
        give out raises ValueError.
        """
        raise NotImplementedError

    async def details(self, lead_id: int) -> LeadDetails:
        """One lead, complete, with deliveries and attempts of every job that carried it. `lead` None: no such id."""
        raise NotImplementedError

    async def find(self, text: str, limit: int = 20) -> tuple[LeadDetails, ...]:
        """What has exactly this lead id, external id, job id or request id, or else a job id that begins with it.

        A job that ended without a lead (discarded) is given with `lead` None. Empty when there is nothing.
        """
        raise NotImplementedError

    async def deliveries_in(self, job_ids: Iterable[str]) -> dict[str, Delivery]:
        """The ends of those of the jobs that have ended, by job id."""
        raise NotImplementedError

    async def accounting(self, places: Places) -> Accounting:
        """Where every accepted job is. `places` must have been read from the queue before this call.

        A worker writes its row before it takes the job off the queue, so that a job in no place of `places` has a row
        by now; one with both is counted as queued (`settling`). Missing jobs are listed as "#seq".
        """
        raise NotImplementedError

    async def mark_discarded(self, jobs: Sequence[Job], *, who: str = "") -> list[str]:
        """Give each job a delivery row "discarded", before the queue puts it away; the ids that have one now.

        A job that had ended otherwise keeps its row and is not among the ids: it must not be discarded.
        """
        raise NotImplementedError

    async def unmark_discarded(self, job_ids: Iterable[str]) -> int:
        """Take the "discarded" rows away again, after the queue took the jobs back; how many there were."""
        raise NotImplementedError

    async def audit(self, who: str, what: str, target: str, result: str) -> None:
        """Record what an operator did. Texts are bounded (200, target and result 2,000 characters) and cleaned."""
        raise NotImplementedError

    async def actions(self, limit: int = 100) -> tuple[OperatorAction, ...]:
        """What operators did, newest first."""
        raise NotImplementedError

    def stored(self) -> AsyncIterator[int]:
        """Wait for batches: yields the size of each once committed; reconnects without end (and then yields 0)."""
        raise NotImplementedError

    async def close(self) -> None:
        """Give the connections back."""
        raise NotImplementedError
