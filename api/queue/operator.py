"""Owns what an operator does by hand: retry, discard, undo, edit, pause. Each job moves in one atomic script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from api.models import JobState
from api.queue.types import Changed


class Operator:
    """Moves jobs by hand. Every method raises QueueUnavailableError while Redis does not answer."""

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

    async def retry(self, ids: Sequence[str]) -> Changed:
        """Make jobs ready now: from retry, dead (with a new budget of attempts) or discarded, or stuck in flight.

        A job in flight at a worker that lives is refused; one that is ready already as well.
        """
        raise NotImplementedError

    async def retry_matching(
        self, state: JobState, match: str = "", progress: Callable[[int, int], None] | None = None
    ) -> Changed:
        """Retry all jobs that are in `state` now and match (see Inspector.jobs); undo, for discarded ones.

        `progress(done, scanned)` is called after each page.
        """
        raise NotImplementedError

    async def discard(self, ids: Sequence[str]) -> Changed:
        """Take jobs out of the queue, kept 30 days for `undo`. Not those in flight at a worker that lives.

        This is the Redis half: the delivery rows (outcome discarded) are written first.
        """
        raise NotImplementedError

    async def undo(self, ids: Sequence[str]) -> Changed:
        """Make discarded jobs ready again. The delivery rows are unmarked afterwards."""
        raise NotImplementedError

    async def edit(self, job_id: str, payload: str) -> Changed:
        """Replace a job's payload where it is (a ready or stuck one goes to the end of the line).

        Raises:
            PayloadError: the payload is not JSON or too large.
        """
        raise NotImplementedError

    async def pause(self) -> None:
        """Workers take no more jobs; what they hold they finish. Webhooks are still accepted."""
        raise NotImplementedError

    async def resume(self) -> None:
        """Workers take jobs again."""
        raise NotImplementedError

    async def clear_pause(self, page: str) -> bool:
        """Lift a page's pause by hand; whether there was one."""
        raise NotImplementedError

    async def clear_warning(self, key: str) -> bool:
        """Take note of a warning and remove it; whether there was one."""
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
