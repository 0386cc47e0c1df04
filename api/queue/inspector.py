"""Owns reading the queue: figures, listings, one job, and where everything is. Changes nothing."""

from __future__ import annotations

from collections.abc import Collection

from api.ids import FRAGMENT_LETTERS
from api.models import JobPage, JobState, JobView, QueueSnapshot
from api.queue import census, figures
from api.queue.codec import text
from api.queue.link import Link, Linked
from api.queue.listing import Listing
from api.queue.matching import matcher
from api.queue.rows import Limits
from api.queue.types import Places, Seen

SCAN_LIMIT = 5_000
"""Jobs that one call of `jobs` looks at, at most."""
STRETCH = 500
SEEN_STEP = 1_000
ID_LENGTH = 26


class Inspector(Linked):
    """Reads the queue. Every method raises QueueUnavailableError while Redis does not answer."""

    def __init__(
        self,
        redis_url: str,
        namespace: str = "leads",
        *,
        visibility_timeout: float = 60.0,
        gone_after: float = 3.0,
        sla_s: float = 300.0,
        timeout_s: float = 2.0,
    ) -> None:
        """The times (seconds) say from when on a job counts as stuck and a worker as gone."""
        super().__init__(Link(redis_url, namespace, timeout_s=timeout_s, attempts=2))
        self._limits = Limits(visibility_timeout, gone_after, sla_s)
        self._listing = Listing(self._link, self._limits)
        self._figures = figures.Figures(self._link, self._limits)

    async def ping(self) -> None:
        """Return when Redis answers."""
        await self._link.call("PING")

    async def snapshot(self) -> QueueSnapshot:
        """All figures in one round trip, made to be read once a second. `stuck` beyond 1,000 is a floor."""
        return await self._figures.read()

    async def tallies(self) -> dict[str, int]:
        """What workers and operators have done since the queue began, by name or name|label; counts only grow."""
        return await self._figures.tallies()

    async def jobs(
        self,
        state: JobState,
        *,
        cursor: str = "",
        limit: int = 50,
        match: str = "",
        newest_first: bool | None = None,
    ) -> JobPage:
        """A page of one state.

        `match` is a case-insensitive fragment of id, external id, page, form or last error; `field:fragment` looks in
        one field (id, lead, page, form, error, source, request, worker, payload). A call looks at a bounded number of
        jobs: a page may be short, or empty, and still have a cursor to go on with. The order is by default what comes
        next first (ready, in flight, stuck, retry) and newest first (dead, discarded); in flight and stuck know no
        other. ValueError for a cursor that is none.
        """
        fits = matcher(match)
        found: list[JobView] = []
        scanned = 0
        while True:
            stretch = await self._listing.stretch(state, cursor, STRETCH if match else limit, newest_first)
            for n, row in enumerate(stretch.rows, start=1):
                if fits(row.view):
                    found.append(row.view)
                if len(found) == limit and n < len(stretch.rows):
                    position = f"{_kind(state, row.view)}{row.after}"
                    return JobPage(tuple(found), position, scanned + n)
            scanned += stretch.looked
            cursor = stretch.cursor
            if not cursor or len(found) == limit or scanned >= SCAN_LIMIT:
                return JobPage(tuple(found), cursor, scanned)

    async def job(self, job_id: str) -> JobView | None:
        """One job wherever it is queued, by its id or a unique fragment of it; None if it is in no state.

        A fragment has four letters or more; it is looked for among all that are parked, and the first 200,000 in the
        stream.
        """
        job_id = job_id.strip().upper()
        if not job_id or len(job_id) > ID_LENGTH:
            return None
        row = (await self._listing.by_ids([job_id])).get(job_id)
        if row is None and FRAGMENT_LETTERS <= len(job_id) < ID_LENGTH:
            row = await self._listing.by_fragment(job_id)
        return row.view if row else None

    async def places(self) -> Places:
        """Where every accepted job is, as of one instant; for the accounting."""
        return await census.count(self._link)

    async def seen_of(self, seqs: Collection[int]) -> dict[int, Seen]:
        """Names accepted jobs by their seq, as far as they were accepted within seven days. Slow: walks all of them."""
        wanted, found = set(seqs), dict[int, Seen]()
        cursor = b"0"
        while len(found) < len(wanted):
            cursor, names = await self._link.call(
                "SCAN", cursor, "MATCH", self._link.keys.seen_pattern, "COUNT", SEEN_STEP
            )
            values = await self._link.call("MGET", *names) if names else []
            for name, value in zip(names, values, strict=True):
                seq, _, job_id = text(value or b"").partition(" ")
                if seq.isdigit() and int(seq) in wanted:
                    source, external_id = self._link.keys.lead_of(text(name))
                    found[int(seq)] = Seen(int(seq), source, external_id, job_id)
            if cursor == b"0":
                break
        return found


def _kind(state: JobState, view: JobView) -> str:
    """What a cursor among the stuck jobs has in front: which of its two parts it is in."""
    if state is not JobState.STUCK:
        return ""
    return "held:" if view.state is JobState.IN_FLIGHT else "ready:"
