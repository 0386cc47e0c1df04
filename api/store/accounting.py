"""Proves that every accepted job is in exactly one place: the queue's places against the rows in `deliveries`."""

from __future__ import annotations

from collections import Counter
from typing import Any, LiteralString

from api.models import Accounting, Outcome
from api.store.connections import Connection, rows
from api.store.records import Places

MAX_NAMED = 100
"""Missing and doubled jobs that are listed; the figures tell of all."""

# Index-only over deliveries_seq. A row whose seq is queued is not counted here: either its job is being settled, or the
# row is older than the queue (another job had that seq before Redis was emptied).
_COUNTS: LiteralString = """
WITH queued AS MATERIALIZED (SELECT * FROM unnest(%(ids)s::text[], %(seqs)s::bigint[]) AS q (job_id, seq))
SELECT outcome, count(*) FROM deliveries WHERE seq BETWEEN 1 AND %(accepted)s GROUP BY outcome
UNION ALL
SELECT CASE WHEN d.job_id = q.job_id THEN 'settling:' ELSE 'older:' END || d.outcome, count(*)
FROM queued AS q JOIN deliveries AS d ON d.seq = q.seq WHERE q.seq BETWEEN 1 AND %(accepted)s GROUP BY 1
UNION ALL
SELECT 'undone', count(*) FROM unnest(%(discarded)s::bigint[]) AS u (seq)
WHERE NOT EXISTS (SELECT FROM deliveries AS d WHERE d.seq = u.seq)
"""

_MISSING: LiteralString = """
SELECT seq FROM generate_series(1, %(accepted)s::bigint) AS seq
WHERE NOT EXISTS (SELECT FROM deliveries AS d WHERE d.seq = seq.seq)
AND NOT EXISTS (SELECT FROM unnest(%(seqs)s::bigint[] || %(discarded)s::bigint[]) AS q (seq) WHERE q.seq = seq.seq)
ORDER BY seq LIMIT %(limit)s
"""


async def account(connection: Connection, places: Places) -> Accounting:
    """See `Reader.accounting`. Reads one snapshot of the database, so that it agrees with itself."""
    queued = [*places.ready, *places.in_flight, *places.retry, *places.dead]
    parameters: dict[str, Any] = {
        "ids": [job_id for job_id, _ in queued],
        "seqs": [seq for _, seq in queued],
        "discarded": [seq for _, seq in places.discarded],
        "accepted": places.accepted,
        "limit": MAX_NAMED,
    }
    async with connection.transaction():
        await connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        counts = {str(name): int(count) for name, count in await rows(connection, _COUNTS, parameters)}
        ended = {o: counts.get(o, 0) - counts.get(f"settling:{o}", 0) - counts.get(f"older:{o}", 0) for o in Outcome}
        # Discarded when Redis was read, taken back before Postgres was: its row is gone already.
        ended[Outcome.DISCARDED] += counts.get("undone", 0)
        doubled = sorted({*places.doubled, *_doubled(queued)})
        balanced = len(queued) + sum(ended.values()) == places.accepted and not doubled
        # Seqs are dense and both sides are sets of them: equal counts leave no room for a missing one.
        missing = [] if balanced else [seq for (seq,) in await rows(connection, _MISSING, parameters)]
    return Accounting(
        accepted=places.accepted,
        ready=len(places.ready),
        in_flight=len(places.in_flight),
        retry=len(places.retry),
        dead=len(places.dead),
        deliveries=ended,
        settling=sum(counts.get(f"settling:{outcome}", 0) for outcome in Outcome),
        missing=tuple(f"#{seq}" for seq in missing),
        doubled=tuple(doubled[:MAX_NAMED]),
    )


def _doubled(queued: list[tuple[str, int]]) -> set[str]:
    """Job ids that are in two places, or share their seq with another."""
    ids = Counter(job_id for job_id, _ in queued)
    seqs = Counter(seq for _, seq in queued)
    return {job_id for job_id, seq in queued if ids[job_id] > 1 or seqs[seq] > 1}
