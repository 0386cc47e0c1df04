"""What an operator's verbs leave in the database: discarded deliveries and the record of actions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString

import msgspec
from psycopg.errors import UniqueViolation

from api.models import Job, Outcome
from api.store import statements
from api.store.connections import Connection, rows
from api.store.text import fit
from api.store.writer import attempt_rows, delivery_row, displace

UNMARK: LiteralString = "DELETE FROM deliveries WHERE job_id = ANY (%s) AND outcome = 'discarded' RETURNING job_id"
ACTIONS: LiteralString = "SELECT id, at, who, what, target, result FROM operator_actions ORDER BY id DESC LIMIT %s"
LAST_BACKUP: LiteralString = (
    "SELECT at FROM operator_actions WHERE what = 'backup' AND result LIKE 'backed up:%' ORDER BY id DESC LIMIT 1"
)
_FORGET: LiteralString = "DELETE FROM leads WHERE id = ANY (%s) RETURNING id, external_id, source"
_UNLINK: LiteralString = (
    "UPDATE deliveries AS d SET lead_id = NULL FROM unnest(%s::text[], %s::text[]) AS gone (external_id, source) "
    "WHERE d.external_id = gone.external_id AND d.source = gone.source"
)
_DISCARDED: LiteralString = "SELECT job_id FROM deliveries WHERE job_id = ANY (%s) AND outcome = 'discarded'"
_AUDIT: LiteralString = "INSERT INTO operator_actions (who, what, target, result) VALUES (%s, %s, %s, %s)"


async def mark_discarded(connection: Connection, jobs: Sequence[Job]) -> list[str]:
    """See `Reader.mark_discarded`."""
    unique = {job.id: job for job in jobs}.values()
    deliveries = [delivery_row(job, Outcome.DISCARDED, "", None) for job in unique]
    attempts = [row for job in unique for row in attempt_rows(job)]
    for tries_left in (2, 1, 0):
        try:
            async with connection.transaction():
                await connection.execute(statements.DELIVERIES, [msgspec.json.encode(deliveries).decode()])
                await connection.execute(statements.ATTEMPTS, [msgspec.json.encode(attempts).decode()])
                marked = await rows(connection, _DISCARDED, [[job.id for job in unique]])
                return [job_id for (job_id,) in marked]
        except UniqueViolation as error:
            if error.diag.constraint_name != "deliveries_seq" or not tries_left:
                raise
            await displace(connection, list(unique))
    raise AssertionError("unreachable")


async def audit(connection: Connection, who: str, what: str, target: str, result: str) -> None:
    """See `Reader.audit`."""
    values = [fit(who)[:200], fit(what)[:200], fit(target)[:2_000], fit(result)[:2_000]]
    await connection.execute(_AUDIT, values)


async def forget(connection: Connection, who: str, lead_ids: Sequence[int], queued: int) -> int:
    """See `Reader.forget`."""
    async with connection.transaction():
        gone = await rows(connection, _FORGET, [list(lead_ids)])
        await connection.execute(_UNLINK, [[each for _, each, _ in gone], [source for _, _, source in gone]])
        target = " ".join(f"lead {lead_id}" for lead_id, _, _ in gone[:100])
        await audit(connection, who, "forget", target, f"{len(gone)} rows erased, {queued} queued jobs to erase")
    return len(gone)
