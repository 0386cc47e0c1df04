"""Reads the queue for both front ends."""

from __future__ import annotations

from api.models import JobPage, JobState, JobView, QueueSnapshot
from console.errors import UsageError
from console.links import Links


class QueueReader:
    """The queue's figures and jobs (console.ports.QueueSource)."""

    def __init__(self, links: Links) -> None:
        self._links = links

    async def read(self) -> QueueSnapshot:
        """All figures."""
        return await self._links.inspect(lambda inspector: inspector.snapshot())

    async def jobs(self, state: JobState, *, cursor: str = "", limit: int = 50, match: str = "") -> JobPage:
        """A page of one state. UsageError for a cursor that is none."""
        try:
            return await self._links.inspect(
                lambda inspector: inspector.jobs(state, cursor=cursor, limit=limit, match=match)
            )
        except ValueError as error:
            raise UsageError(str(error), "give the cursor as the page before gave it") from error

    async def job(self, job_id: str) -> JobView | None:
        """One job wherever it is queued, by its id or a unique fragment of it."""
        return await self._links.inspect(lambda inspector: inspector.job(job_id))
