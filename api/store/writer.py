"""Writes whole batches: leads, deliveries and attempts in one transaction, without a second effect when repeated."""

from __future__ import annotations

from collections.abc import Sequence

from api.store.records import Write, Written


class Writer:
    """The worker's side of the store. Several `write` calls may run at once, each on a connection of its own."""

    def __init__(self, database_url: str, *, size: int = 4, timeout_s: float = 30.0) -> None:
        """Connects on first use. `size` bounds the connections, `timeout_s` one statement."""
        raise NotImplementedError

    async def write(self, batch: Sequence[Write]) -> list[Written]:
        """Write a batch in one transaction and NOTIFY once; the answers are in the batch's order.

        Writing the same job again changes nothing. A lead that is there as "partial" is completed by one with fields.
        A delivery that an operator had discarded becomes what is written now.

        Raises:
            StoreUnavailableError: Postgres went away or had no room; nothing, or all of it, was written: repeat it.
            PayloadError: some value in the batch can never be written; nothing was. Split the batch to find it.
        """
        raise NotImplementedError

    async def ping(self) -> None:
        """One round trip. StoreUnavailableError when Postgres does not answer."""
        raise NotImplementedError

    async def close(self) -> None:
        """Give the connections back."""
        raise NotImplementedError
