"""Reads leads, deliveries and figures, and keeps the operator's records: the console's and the web service's side."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg

from api.errors import StoreUnavailableError
from api.models import Accounting, Delivery, Job, LeadDetails, LeadFilter, LeadPage, StoreSnapshot
from api.store import operators, queries
from api.store.accounting import account
from api.store.connections import Connection, Connections, rows
from api.store.listing import delivery_of, edge_of
from api.store.pages import read_page
from api.store.records import CHANNEL, FormDay, OperatorAction, Places
from api.store.sample import Sample
from api.store.search_index import USABLE

ACCOUNTING_TIMEOUT_S = 300.0
_SIZES_KEPT_S = 10.0
_INDEX_KEPT_S = 60.0


@dataclass
class _Kept:
    """A figure that is read seldom, with the time of its last reading (monotonic seconds)."""

    value: Any = None
    read_at: float = float("-inf")

    def fresh(self, seconds: float) -> bool:
        return time.monotonic() - self.read_at < seconds

    def keep(self, value: Any) -> None:
        self.value, self.read_at = value, time.monotonic()


class Reader:
    """Reads the store. Connects on first use, on a few connections of its own; a restart of Postgres heals by itself.

    Every method raises StoreUnavailableError when Postgres does not answer or a statement takes too long.
    """

    def __init__(self, database_url: str, *, size: int = 3, timeout_s: float = 5.0) -> None:
        """`size` bounds the connections; `timeout_s` is the limit of one statement and of connecting."""
        self._connections = Connections(database_url, size=size, timeout_s=timeout_s, application="leads-reader")
        self._sizes = _Kept()
        self._indexed = _Kept()
        self._sample = Sample()

    async def ping(self) -> str:
        """One round trip; the server's version ("15.8"). Also raises when the schema has not been migrated."""
        version: str = (await self._connections.run(lambda c: rows(c, queries.PING)))[0][0]
        return version.split(" ", 1)[0]

    async def snapshot(self, midnight: datetime, *, latest: int = 20) -> StoreSnapshot:
        """The figures, cheap enough for once a second at any size.

        `total` and `today` (received since the aware datetime `midnight`, to the quarter of an hour) come from counters
        that a trigger keeps exact. `latest` leads come without `fields`, `consent` and `raw`.
        """

        async def work(connection: Connection) -> StoreSnapshot:
            if not self._sizes.fresh(_SIZES_KEPT_S):
                self._sizes.keep(await queries.sizes(connection))
            version, database_bytes, table_bytes = self._sizes.value
            total, today, last_stored_at = await queries.tallies(connection, midnight)
            newest = await queries.latest(connection, latest) if latest else ()
            return StoreSnapshot(
                total=total,
                today=today,
                latest=newest,
                version=version,
                database_bytes=database_bytes,
                table_bytes=table_bytes,
                last_stored_at=last_stored_at,
            )

        return await self._connections.run(work)

    async def page(self, where: LeadFilter, cursor: str = "", limit: int = 50, *, full: bool = False) -> LeadPage:
        """A page of leads, newest first by (received_at, id); `full` adds `fields`, `consent` and `raw`.

        `where.text` is folded (case, width, compatibility forms) and matched as a fragment of name, e-mail, phone and
        external id; a job's id is found by its beginning. Page, form and campaign are ids, or whole names in any case.

        A page takes bounded time. Where the database has nothing to find leads by, the page ends after it has looked
        at so many, with fewer leads than `limit` and perhaps none: `notice` says so and `cursor` goes on from there.
        A cursor that this method did not give out raises ValueError.
        """
        edge = edge_of(cursor)

        async def work(connection: Connection) -> LeadPage:
            if not self._indexed.fresh(_INDEX_KEPT_S):
                self._indexed.keep(bool(await rows(connection, USABLE)))
            sample = self._sample if self._indexed.value else None
            return await read_page(connection, where, edge, limit, full=full, sample=sample)

        return await self._connections.run(work)

    async def counts(self, since: date, until: date, form: str = "", limit: int = 1_000) -> tuple[FormDay, ...]:
        """Leads per form and day (UTC) from `since` to before `until`, newest day first and the largest form first.

        `form` is an id, or a whole name in any case; "" means all forms. At most `limit` rows.
        """
        return await self._connections.run(lambda c: queries.form_days(c, since, until, form, limit))

    async def names(self, kind: str) -> tuple[tuple[str, str], ...]:
        """(id, name) of all pages, forms or campaigns (`kind` "page", "form", "campaign") that leads came with."""
        found = await self._connections.run(lambda connection: rows(connection, queries.NAMES_OF, [kind]))
        return tuple((str(each), str(name)) for each, name in found)

    async def details(self, lead_id: int) -> LeadDetails:
        """One lead, complete, with deliveries and attempts of every job that carried it. `lead` None: no such id."""
        return await self._connections.run(lambda connection: queries.details(connection, lead_id))

    async def find(self, text: str, limit: int = 20) -> tuple[LeadDetails, ...]:
        """What has exactly this lead id, external id, job id or request id, or else a job id that begins with it.

        A beginning has eight letters or more: what is shorter begins the ids of all jobs of days, or of all there are.

        A job that ended without a lead (discarded) is given with `lead` None. Empty when there is nothing.
        """
        return await self._connections.run(lambda connection: queries.find(connection, text, limit))

    async def known(self, source: str, external_ids: Sequence[str]) -> set[str]:
        """Those of the leads that came before and whose job has ended, whatever became of them: erased ones too."""
        values = {"source": source, "ids": list(external_ids)}
        found = await self._connections.run(lambda connection: rows(connection, queries.KNOWN, values))
        return {external_id for (external_id,) in found}

    async def deliveries_in(self, job_ids: Iterable[str]) -> dict[str, Delivery]:
        """The ends of those of the jobs that have ended, by job id."""
        wanted = list(job_ids)
        found = await self._connections.run(lambda connection: rows(connection, queries.DELIVERIES_IN, [wanted]))
        return {delivery.job_id: delivery for delivery in map(delivery_of, found)}

    async def accounting(self, places: Places) -> Accounting:
        """Where every accepted job is. `places` must have been read from the queue before this call.

        A worker writes its row before it takes the job off the queue, so that a job in no place of `places` has a row
        by now; one with both is counted as queued (`settling`). Missing jobs are listed as "#seq".
        """
        return await self._connections.run(
            lambda connection: account(connection, places), timeout_s=ACCOUNTING_TIMEOUT_S
        )

    async def mark_discarded(self, jobs: Sequence[Job]) -> list[str]:
        """Give each job a delivery row "discarded", before the queue puts it away; the ids that have one now.

        A job that had ended otherwise keeps its row and is not among the ids: it must not be discarded.
        """
        if not jobs:
            return []
        return await self._connections.run(lambda connection: operators.mark_discarded(connection, jobs))

    async def unmark_discarded(self, job_ids: Iterable[str]) -> int:
        """Take the "discarded" rows away again, after the queue took the jobs back; how many there were."""
        wanted = list(job_ids)
        return len(await self._connections.run(lambda connection: rows(connection, operators.UNMARK, [wanted])))

    async def audit(self, who: str, what: str, target: str, result: str) -> None:
        """Record what an operator did. Texts are bounded (200, target and result 2,000 characters) and cleaned."""
        await self._connections.run(lambda connection: operators.audit(connection, who, what, target, result))

    async def forget(self, who: str, lead_ids: Sequence[int], queued: int) -> int:
        """Erase leads, and record that in the same transaction (`queued`: jobs that will be erased next); how many.

        Their deliveries stay, without the lead: they hold ids and times only, and the accounting needs them.
        """
        return await self._connections.run(lambda c: operators.forget(c, who, lead_ids, queued))

    async def actions(self, limit: int = 100) -> tuple[OperatorAction, ...]:
        """What operators did, newest first."""
        found = await self._connections.run(lambda connection: rows(connection, operators.ACTIONS, [limit]))
        return tuple(OperatorAction(*row) for row in found)

    async def about(self) -> tuple[str, float]:
        """The server's version ("15.8") and what its clock says, epoch seconds; whether there is a schema or not."""
        ((version, now),) = await self._connections.run(lambda connection: rows(connection, queries.ABOUT))
        return str(version).split(" ", 1)[0], float(now)

    async def schema_there(self) -> int:
        """The number of the last migration that was run; 0 in a database that has had none."""
        found = await self._connections.run(lambda c: rows(c, "SELECT to_regclass('schema_migrations') IS NOT NULL"))
        return await self.schema() if found[0][0] else 0

    async def schema(self) -> int:
        """The number of the last migration that was run."""
        return int((await self._connections.run(lambda c: rows(c, "SELECT max(version) FROM schema_migrations")))[0][0])

    async def last_backup(self) -> datetime | None:
        """When the last backup that was verified was recorded (action "backup", result "backed up: …"); None: never."""
        found = await self._connections.run(lambda connection: rows(connection, operators.LAST_BACKUP))
        return found[0][0] if found else None

    async def stored(self) -> AsyncGenerator[int, None]:
        """Wait for batches: yields the size of each once committed; reconnects without end (and then yields 0)."""
        while True:
            try:
                connection = await self._connections.open()
            except StoreUnavailableError:
                await asyncio.sleep(1.0)
                continue
            try:
                async with contextlib.aclosing(_listen(connection)) as batches:
                    async for size in batches:
                        yield size
            except psycopg.Error:
                await asyncio.sleep(1.0)
            finally:
                with contextlib.suppress(psycopg.Error):
                    await connection.close()

    async def close(self) -> None:
        """Give the connections back."""
        await self._connections.close()


async def _listen(connection: Connection) -> AsyncGenerator[int, None]:
    await connection.execute(f"LISTEN {CHANNEL}")
    yield 0
    async for notification in connection.notifies():
        yield int(notification.payload) if notification.payload.isdecimal() else 0
