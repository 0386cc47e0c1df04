"""Owns the worker's side of the queue: taking jobs, ending them, and taking over from workers that are gone."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from api.models import Job, PagePause
from api.queue.types import Taken


class Consumer:
    """One worker's hold on the queue. Every method raises QueueUnavailableError while Redis does not answer.

    Call `beat` about once a second: a consumer without a beat for `gone_after` seconds loses its jobs to the others.
    """

    def __init__(
        self,
        redis_url: str,
        namespace: str,
        name: str,
        visibility_timeout: float = 60.0,
        gone_after: float = 3.0,
    ) -> None:
        """`name` must be stable across restarts and unique among running workers. Times are seconds."""
        raise NotImplementedError

    async def open(self) -> None:
        """Create stream and group where they are missing, and beat once."""
        raise NotImplementedError

    async def read(self, count: int, block_s: float) -> list[Taken]:
        """Take up to `count` jobs, waiting up to `block_s` seconds for the first; empty while the queue is paused.

        After a start (and after a read that failed half-way) jobs this name already holds come first. A job handed
        out twice before without an end comes alone, so that one that kills its worker is found.
        """
        raise NotImplementedError

    async def settle(self, entry_ids: Sequence[str]) -> int:
        """Remove finished jobs from the queue, whoever holds them by now; how many were still there."""
        raise NotImplementedError

    async def retry(self, taken: Taken, job: Job, due_at: float, error: str) -> bool:
        """Put `job` (with its new history) in place of a held one, to be ready again at `due_at` (epoch seconds).

        False, and nothing changed, if this consumer does not hold it any more.
        """
        raise NotImplementedError

    async def defer(self, taken: Taken, job: Job, until: float, reason: str = "") -> bool:
        """As `retry`, for a wait that burns no attempt: its page is paused until `until` (epoch seconds)."""
        raise NotImplementedError

    async def bury(self, taken: Taken, job: Job, error: str) -> bool:
        """Put a held job among the dead, where it waits for an operator. False if it is not held any more."""
        raise NotImplementedError

    async def beat(self, stored: int = 0, failed: int = 0) -> None:
        """Say that this worker lives, and what it has done since its start (totals)."""
        raise NotImplementedError

    async def promote_due(self, limit: int = 500) -> int:
        """Make up to `limit` due retries ready; how many. Call again at once while it returns `limit`."""
        raise NotImplementedError

    async def reclaim(self, count: int) -> list[Taken]:
        """Take over up to `count` jobs from others: in flight past the visibility timeout, or their worker gone.

        Now and then it also forgets consumers long gone that hold nothing.
        """
        raise NotImplementedError

    async def set_pause(self, pause: PagePause) -> None:
        """Record that a page's Graph calls wait; replaces the page's former pause."""
        raise NotImplementedError

    async def clear_pause(self, page: str) -> bool:
        """Lift a page's pause; whether there was one."""
        raise NotImplementedError

    async def pauses(self) -> tuple[PagePause, ...]:
        """Pauses in force, without those that have run out."""
        raise NotImplementedError

    async def paused(self) -> bool:
        """Whether the operator has paused the queue (`read` respects it by itself)."""
        raise NotImplementedError

    async def warn(self, key: str, text: str) -> None:
        """Tell the operator something; the same `key` again only counts up and renews the text."""
        raise NotImplementedError

    async def clear_warning(self, key: str) -> bool:
        """Withdraw a warning; whether there was one."""
        raise NotImplementedError

    async def purge_discarded(self, older_than_s: float = 30 * 86_400.0, limit: int = 1_000) -> int:
        """Forget up to `limit` jobs discarded longer ago than that; how many."""
        raise NotImplementedError

    async def close(self) -> None:
        """Leave: forget this consumer if it holds nothing, and close the connections."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
