"""Tells readers that batches were written: after their commit, and many at once where they come quickly."""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial

from api.errors import ServiceError
from api.store.connections import Connection, Connections, rows
from api.store.records import CHANNEL

EVERY_S = 0.04
"""Between two notifications of one writer."""


class Announcer:
    """One NOTIFY for what was written since the last one, over a connection of its own.

    Within the transaction that writes it would make all workers' commits wait for one another: Postgres lets only one
    transaction with a notification commit at a time. One that is lost with its worker is made up for by the next.
    """

    def __init__(self, database_url: str, *, timeout_s: float) -> None:
        self._connections = Connections(database_url, size=1, timeout_s=timeout_s, application="leads-worker")
        self._unsaid = 0
        self._saying: asyncio.Task[None] | None = None

    def say(self, deliveries: int) -> None:
        """So many deliveries were committed."""
        self._unsaid += deliveries
        if self._saying is None or self._saying.done():
            self._saying = asyncio.create_task(self._say())

    async def close(self) -> None:
        """Say what is left, and give the connection back."""
        if self._saying is not None:
            await self._saying
        await self._connections.close()

    async def _say(self) -> None:
        while self._unsaid:
            unsaid, self._unsaid = self._unsaid, 0
            # Postgres is away: what was to be said is in the table all the same.
            with contextlib.suppress(ServiceError):
                await self._connections.run(partial(_notify, deliveries=unsaid))
            await asyncio.sleep(EVERY_S)


async def _notify(connection: Connection, deliveries: int) -> None:
    # Nothing is lost with a notification that a crash takes: no need to wait for the disk.
    await rows(
        connection,
        "SELECT set_config('synchronous_commit', 'off', false), pg_notify(%s, %s)",
        [CHANNEL, str(deliveries)],
    )
