"""Owns reading the queue: figures, listings, one job, and where everything is. Changes nothing."""

from __future__ import annotations

from collections.abc import Collection
from types import TracebackType
from typing import Self

from api.models import JobPage, JobState, JobView, QueueSnapshot
from api.queue.types import Places, Seen


class Inspector:
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
        raise NotImplementedError

    async def ping(self) -> None:
        """Return when Redis answers and takes writes."""
        raise NotImplementedError

    async def snapshot(self) -> QueueSnapshot:
        """All figures in one round trip, made to be read once a second. `stuck` beyond 1,000 is a floor."""
        raise NotImplementedError

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

        `match` is a case-insensitive fragment of id, external id, page, form or last error. A call looks at a bounded
        number of jobs: a page may be short, or empty, and still have a cursor to go on with. The order is by default
        what comes next first (ready, in flight, stuck, retry) and newest first (dead, discarded). ValueError for a
        cursor that is none.
        """
        raise NotImplementedError

    async def job(self, job_id: str) -> JobView | None:
        """One job wherever it is queued, by its id or a unique fragment of it; None if it is in no state."""
        raise NotImplementedError

    async def places(self) -> Places:
        """Where every accepted job is, as of one instant; for the accounting."""
        raise NotImplementedError

    async def seen_of(self, seqs: Collection[int]) -> dict[int, Seen]:
        """Names accepted jobs by their seq, as far as they were accepted within seven days. Slow: walks all of them."""
        raise NotImplementedError

    async def close(self) -> None:
        """Close the connections."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
