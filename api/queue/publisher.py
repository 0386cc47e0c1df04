"""Owns putting jobs into the queue: concurrent calls share one round trip and one fsync (group commit)."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from api.models import Job
from api.queue.types import Published


class Publisher:
    """Puts jobs into the queue, each lead once in seven days.

    Use it as an async context manager, or `close` it. It connects on the first publish and reconnects by itself.
    """

    def __init__(self, redis_url: str, namespace: str = "leads", *, timeout_s: float = 2.0) -> None:
        """`redis_url` is redis://, rediss:// or unix://; `timeout_s` bounds how long a publish may take."""
        raise NotImplementedError

    async def publish(self, jobs: Sequence[Job], dead: Sequence[tuple[Job, str]] = ()) -> Published:
        """Accept jobs; returns once Redis has acknowledged all of them (with appendfsync always: once on disk).

        `dead` are jobs born dead with the reason: kept for the operator, deduplicated and counted as accepted in the
        queue's figures, but not in what is returned. A job whose (source, external_id) was accepted within seven days
        is a duplicate and dropped. After an error some of the jobs may have been accepted: publish all of them again.

        Raises:
            QueueUnavailableError: Redis is away, slow, out of memory or refuses writes, or too much waits already.
        """
        raise NotImplementedError

    async def close(self) -> None:
        """Finish what is under way, then close the connection."""
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
