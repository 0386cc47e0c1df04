"""Writes whole batches: leads, deliveries and attempts in one transaction, without a second effect when repeated."""

from __future__ import annotations

import time
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import msgspec
from psycopg.errors import DataError, DeadlockDetected, IntegrityError, OperationalError, UniqueViolation

from api.errors import PayloadError, StoreUnavailableError
from api.models import Job, Outcome
from api.store import copying, statements
from api.store.announcer import Announcer
from api.store.connections import Connection, Connections, rows
from api.store.copying import moment
from api.store.records import NAMED, Write, Written
from api.store.text import fit, search_texts

_encode = msgspec.json.Encoder().encode
CAREFUL_S = 5.0
"""How long batches are not expected to be all new after one was not."""

_names_of = attrgetter(*(f"{kind}_{part}" for kind in NAMED for part in ("id", "name")))
_NAMES_KEPT = 20_000
_IDS_AHEAD = 1_000
"""Row ids taken from the sequence at once."""

_TRIES = 4
"""Of a transaction that another one's deadlock or an old row's seq got in the way of."""


class Writer:
    """The worker's side of the store. Several `write` calls may run at once, each on a connection of its own."""

    def __init__(
        self,
        database_url: str,
        *,
        size: int = 4,
        timeout_s: float = 30.0,
        careful_s: float = CAREFUL_S,
        careful: bool = False,
    ) -> None:
        """Connects on first use. `size` bounds the connections, `timeout_s` one statement. For `careful_s` after a
        batch that was not all new (and after the start, if `careful`) none is expected to be.
        """
        self._connections = Connections(database_url, size=size, timeout_s=timeout_s, application="leads-worker")
        self._announcer = Announcer(database_url, timeout_s=timeout_s)
        self._named: set[tuple[str, str, str]] = set()
        self._ids: list[int] = []
        self._careful_s = careful_s
        self._careful_until = time.monotonic() + careful_s if careful else 0.0

    async def write(self, batch: Sequence[Write]) -> list[Written]:
        """Write a batch in one transaction; the answers are in the batch's order. Readers are notified soon after.

        Writing the same job again changes nothing. A lead that is there as "partial" is completed by one with fields.
        A delivery that an operator had discarded becomes what is written now.

        Raises:
            StoreUnavailableError: Postgres went away or had no room; nothing, or all of it, was written: repeat it.
            PayloadError: some value in the batch can never be written; nothing was. Split the batch to find it.
        """
        if not batch:
            return []
        names = self._new_names(batch)
        if names:
            await self._connections.run(lambda connection: _write_names(connection, names))
            self._named.update(names)
        written = None
        if time.monotonic() >= self._careful_until and copying.distinct(batch):
            written = await self._connections.run(lambda connection: self._copied(connection, batch))
        if written is None:
            written = await self._merged(batch)
        self._announcer.say(len(batch))
        return written

    async def ended(self, job_ids: Sequence[str]) -> set[str]:
        """Those of the jobs that have ended in a row, other than by being discarded. StoreUnavailableError."""
        found = await self._connections.run(lambda c: rows(c, statements.OUTCOMES, [list(job_ids)]))
        return {job_id for job_id, outcome, _ in found if outcome != Outcome.DISCARDED}

    async def name_of(self, kind: str, each: str) -> str:
        """What a page, form or campaign is called, "" if that is not known. StoreUnavailableError."""
        found = await self._connections.run(lambda c: rows(c, statements.NAME_OF, [kind, fit(each)]))
        return str(found[0][0]) if found else ""

    async def ping(self) -> None:
        """One round trip to the migrated schema. StoreUnavailableError when Postgres does not answer."""
        await self._connections.run(lambda connection: rows(connection, "SELECT FROM tallies LIMIT 0"), timeout_s=5.0)

    async def tidy(self) -> None:
        """Forget quarter-hour counters older than a week and put a form's counts of a day together (once a day is
        plenty). StoreUnavailableError.
        """
        await self._connections.run(lambda connection: rows(connection, statements.TIDY))
        await self._connections.run(lambda connection: connection.execute(statements.TIDY_FORM_DAYS))

    async def close(self) -> None:
        """Give the connections back."""
        await self._announcer.close()
        await self._connections.close()

    async def _copied(self, connection: Connection, batch: Sequence[Write]) -> list[Written] | None:
        """Write a batch that is all new, as most are; None, and nothing was written, if it is not or has bad values."""
        while len(self._ids) < len(batch):
            found = await rows(connection, statements.NEW_IDS, [_IDS_AHEAD])
            self._ids.extend(lead_id for (lead_id,) in found)
        ids = self._ids[: len(batch)]
        del self._ids[: len(batch)]
        lines = await copying.lines(batch, ids)
        if lines is None:
            return None
        try:
            async with connection.transaction():
                await copying.copy(connection, lines)
        except IntegrityError:
            self._careful_until = time.monotonic() + self._careful_s
            return None
        except (DataError, OperationalError):
            if connection.closed:
                raise
            return None
        return lines.written

    async def _merged(self, batch: Sequence[Write]) -> list[Written]:
        """Write a batch whatever of it is there already, and whatever texts it has."""
        bringers = _bringers(batch)
        try:
            # In the order of their keys, so that two workers never lock the same rows the other way round.
            leads = _encode([_lead_row(write) for _, write in sorted(bringers.items(), key=lambda item: item[0])])
        except (ValueError, TypeError, RecursionError) as error:
            raise PayloadError(f"a lead in the batch cannot be written as JSON: {type(error).__name__}") from error

        async def work(connection: Connection) -> list[Written]:
            for left in range(_TRIES, 0, -1):
                try:
                    async with connection.transaction():
                        return await _write(connection, batch, bringers, leads)
                except UniqueViolation as error:
                    if error.diag.constraint_name != "deliveries_seq" or left == 1:
                        raise
                    await displace(connection, [write.job for write in batch])
                except DeadlockDetected:
                    if left == 1:
                        raise
            raise AssertionError("unreachable")

        return await self._connections.run(work)

    def _new_names(self, batch: Sequence[Write]) -> list[tuple[str, str, str]]:
        """(kind, id, name) of pages, forms and campaigns that this writer has not written yet, in order."""
        if len(self._named) > _NAMES_KEPT:
            self._named.clear()
        seen = {
            (kind, fit(each), fit(name))
            for found in {_names_of(write.lead) for write in batch}
            for kind, each, name in zip(NAMED, found[::2], found[1::2], strict=True)
        }
        best = {(kind, each): (kind, each, name) for kind, each, name in sorted(seen) if each}
        return [each for each in best.values() if each not in self._named]


async def displace(connection: Connection, jobs: Sequence[Job]) -> None:
    """Take the seqs of `jobs` from older rows: the queue that gave them out then is gone, this one began anew."""
    await connection.execute(statements.DISPLACE, {"seqs": [job.seq for job in jobs], "jobs": [job.id for job in jobs]})


def delivery_row(job: Job, outcome: Outcome, worker: str, lead_id: int | None) -> dict[str, Any]:
    """A job's end as the statements' JSON takes it."""
    return {
        "job_id": job.id,
        "seq": job.seq or None,
        "source": job.source,
        "external_id": job.external_id,
        "outcome": outcome.value,
        "attempts": job.attempt,
        "request_id": fit(job.request_id),
        "worker": fit(worker),
        "lead_id": lead_id,
        "received_at": moment(job.received_at),
    }


def attempt_rows(job: Job) -> list[dict[str, Any]]:
    """A job's finished attempts as the statements' JSON takes them."""
    return [
        {
            "job_id": job.id,
            "n": attempt.n,
            "started_at": moment(attempt.started_at),
            "worker": fit(attempt.worker),
            "took_s": attempt.took_s,
            "error": fit(attempt.error),
        }
        for attempt in job.history
    ]


async def _write_names(connection: Connection, names: Sequence[tuple[str, str, str]]) -> None:
    """In a transaction of its own: all workers write the same few rows, and none should hold them for a batch."""
    text = _encode([{"kind": kind, "id": each, "name": name} for kind, each, name in names])
    await connection.execute(statements.NAMES, [text.decode()])


def _bringers(batch: Sequence[Write]) -> dict[tuple[str, str], Write]:
    """The one write of the batch whose lead becomes the row, by (external id, source): the first that has fields."""
    found: dict[tuple[str, str], Write] = {}
    for write in batch:
        key = (write.lead.external_id, write.lead.source)
        if key not in found or (found[key].lead.status == "partial" and write.lead.status != "partial"):
            found[key] = write
    return found


def _lead_row(write: Write) -> dict[str, Any]:
    lead = write.lead
    texts = {name: fit(getattr(lead, name)) for name in statements.LEAD_TEXTS}
    search, parts = search_texts(
        texts["full_name"], texts["email"], texts["phone"], texts["phone_e164"], lead.external_id
    )
    return texts | {
        "source": lead.source,
        "external_id": lead.external_id,
        "job_id": write.job.id,
        "fields": lead.fields,
        "consent": lead.consent,
        "raw": lead.raw,
        "status": lead.status,
        "is_test": lead.is_test,
        "cleaned": lead.cleaned,
        "created_at": lead.created_at,
        "received_at": lead.received_at,
        "search": search,
        "search_parts": parts,
    }


async def _write(
    connection: Connection, batch: Sequence[Write], bringers: dict[tuple[str, str], Write], leads: bytes
) -> list[Written]:
    """The transaction's body: leads, then deliveries that name them, and attempts."""
    brought = await _leads(connection, bringers, leads)
    plan = []
    for write in batch:
        key = (write.lead.external_id, write.lead.source)
        lead_id, new = brought[key]
        outcome = Outcome.STORED if new and bringers[key] is write else Outcome.DUPLICATE
        plan.append(Written(write.job.id, outcome, lead_id))
    deliveries = _encode(
        [
            delivery_row(write.job, written.outcome, write.worker, written.lead_id)
            for write, written in {w.job.id: (w, p) for w, p in zip(batch, plan, strict=True)}.values()
        ]
    )
    attempts = _encode([row for write in batch for row in attempt_rows(write.job)])
    async with connection.pipeline():
        ended = await connection.execute(statements.DELIVERIES, [deliveries.decode()])
        await connection.execute(statements.ATTEMPTS, [attempts.decode()])
    fresh = {job_id for (job_id,) in await ended.fetchall()}
    if len(fresh) < len(plan):
        plan = await _redelivered(connection, plan, fresh)
    return plan


async def _leads(
    connection: Connection, bringers: dict[tuple[str, str], Write], leads: bytes
) -> dict[tuple[str, str], tuple[int, bool]]:
    """Insert or complete the leads: (external id, source) → (row id, whether this batch wrote it)."""
    brought = {
        (external_id, source): (lead_id, True)
        for lead_id, external_id, source in await rows(connection, statements.LEADS, [leads.decode()])
    }
    there = [key for key in bringers if key not in brought]
    if there:
        found = await rows(
            connection,
            statements.LEAD_IDS,
            {"ids": [external_id for external_id, _ in there], "sources": [source for _, source in there]},
        )
        brought |= {(external_id, source): (lead_id, False) for lead_id, external_id, source in found}
    if len(brought) < len(bringers):
        raise StoreUnavailableError("a lead was erased while another job brought it again")
    return brought


async def _redelivered(connection: Connection, plan: list[Written], fresh: set[str]) -> list[Written]:
    """The plan with what earlier deliveries of the same jobs had become in place of what was meant now."""
    old = {
        job_id: Written(job_id, Outcome(outcome), lead_id or 0, redelivered=True)
        for job_id, outcome, lead_id in await rows(
            connection, statements.OUTCOMES, [[w.job_id for w in plan if w.job_id not in fresh]]
        )
    }
    return [old.get(written.job_id, written) for written in plan]
