"""The reads that take more than one row set: figures, one lead with all that happened to it, and finding by an id."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, LiteralString

from psycopg import sql

from api.ids import BEGINNING_LETTERS
from api.models import Lead, LeadDetails, LeadFilter
from api.store.connections import Connection, rows
from api.store.listing import DELIVERY_COLUMNS, attempt_of, delivery_of, lead_columns, lead_of
from api.store.pages import ids_named, walk
from api.store.records import FormDay
from api.store.text import fit
from api.store.wanted import Edge, Wanted

PING: LiteralString = "SELECT current_setting('server_version'), (SELECT 1 FROM tallies LIMIT 1)"

ABOUT: LiteralString = "SELECT current_setting('server_version'), extract(epoch FROM clock_timestamp())::float8"

DELIVERIES_IN: LiteralString = f"SELECT {DELIVERY_COLUMNS} FROM deliveries WHERE job_id = ANY (%s)"  # noqa: S608 - as below

# Every lead that came has a delivery, also one erased since; `leads` is asked for rows brought in by other means.
KNOWN: LiteralString = """
SELECT external_id FROM deliveries WHERE source = %(source)s AND external_id = ANY (%(ids)s)
UNION SELECT external_id FROM leads WHERE source = %(source)s AND external_id = ANY (%(ids)s)
"""

# By job and by lead: what was discarded has no lead, and a lead has the jobs of every time it came.
_DELIVERIES_OF: LiteralString = (
    f"SELECT {DELIVERY_COLUMNS} FROM deliveries "  # noqa: S608 - joins our own literals
    "WHERE external_id = %s AND source = %s ORDER BY received_at, job_id"
)
_ATTEMPTS_OF: LiteralString = (
    "SELECT job_id, n, started_at, worker, took_s, error FROM attempts WHERE job_id = ANY (%s) ORDER BY started_at, n"
)
_LEADS_EXACTLY: LiteralString = (
    "SELECT external_id, source FROM leads WHERE external_id = %(text)s OR id = %(number)s LIMIT %(limit)s"
)
_JOBS_EXACTLY: LiteralString = """
SELECT DISTINCT external_id, source FROM (
    (SELECT external_id, source FROM deliveries WHERE external_id = %(text)s LIMIT %(limit)s)
    UNION ALL (SELECT external_id, source FROM deliveries WHERE job_id = %(job)s)
    UNION ALL (SELECT external_id, source FROM deliveries WHERE request_id = %(text)s AND request_id <> ''
               LIMIT %(limit)s)
) AS found LIMIT %(limit)s
"""
_JOBS_BEGINNING: LiteralString = """
SELECT DISTINCT external_id, source FROM deliveries WHERE job_id >= %(job)s AND job_id < %(end)s LIMIT %(limit)s
"""
_TALLIES: LiteralString = """
SELECT coalesce(sum(leads) FILTER (WHERE bucket = '-infinity'), 0)::bigint,
       coalesce(sum(leads) FILTER (WHERE bucket > '-infinity'), 0)::bigint,
       max(last_stored_at)
FROM tallies WHERE bucket = '-infinity' OR bucket >= date_bin('15 minutes', %s, '2000-01-01 00:00:00Z')
"""
_SIZES: LiteralString = """
SELECT current_setting('server_version'), pg_database_size(current_database()), name, pg_total_relation_size(relation)
FROM unnest(ARRAY['leads', 'deliveries', 'attempts', 'operator_actions']) AS name,
     LATERAL to_regclass(name) AS relation
"""

NAMES_OF: LiteralString = "SELECT id, name FROM names WHERE kind = %s ORDER BY lower(name), id LIMIT 10000"
_FORM_DAYS: LiteralString = """
SELECT d.form_id, coalesce(max(n.name), ''), d.day, sum(d.leads)::bigint AS total
FROM form_days AS d LEFT JOIN names AS n ON n.kind = 'form' AND n.id = d.form_id
WHERE d.day >= %(since)s AND d.day < %(until)s AND d.form_id = ANY (%(forms)s)
GROUP BY d.day, d.form_id HAVING sum(d.leads) > 0 ORDER BY d.day DESC, total DESC, d.form_id LIMIT %(limit)s
"""
# Day by day, the newest first, and no further than the limit: a day of very many forms may fill it.
_ALL_FORM_DAYS: LiteralString = """
SELECT d.form_id, coalesce(n.name, ''), d.day, d.total
FROM (
    SELECT days.day, each.form_id, each.total
    FROM (
        SELECT last - n AS day
        FROM (
            SELECT least(%(until)s::date - 1, max(day)) AS last, greatest(%(since)s::date, min(day)) AS first
            FROM form_days
        ) AS span, generate_series(0, last - first) AS n
    ) AS days, LATERAL (
        SELECT o.form_id, sum(o.leads)::bigint AS total FROM form_days AS o WHERE o.day = days.day
        GROUP BY o.form_id HAVING sum(o.leads) > 0 ORDER BY total DESC, o.form_id LIMIT %(limit)s
    ) AS each
    LIMIT %(limit)s
) AS d LEFT JOIN names AS n ON n.kind = 'form' AND n.id = d.form_id
ORDER BY d.day DESC, d.total DESC, d.form_id
"""

_KEPT = timedelta(days=6)
"""The quarter-hour counters of the last week are kept; an earlier midnight is counted."""

Sizes = tuple[str, int, tuple[tuple[str, int], ...]]


async def sizes(connection: Connection) -> Sizes:
    """(server version, bytes of the database, (table, bytes with indexes) of each)."""
    found = await rows(connection, _SIZES)
    version, database_bytes = found[0][:2]
    return version.split(" ", 1)[0], database_bytes, tuple((name, size or 0) for _, _, name, size in found)


async def tallies(connection: Connection, midnight: datetime) -> tuple[int, int, datetime | None]:
    """(all leads, leads received since `midnight`, when the last one was stored)."""
    total, today, last_stored_at = (await rows(connection, _TALLIES, [midnight]))[0]
    if midnight < datetime.now(UTC) - _KEPT:
        ((today,),) = await rows(connection, "SELECT count(*) FROM leads WHERE received_at >= %s", [midnight])
    return total, today, last_stored_at


async def latest(connection: Connection, count: int) -> tuple[Lead, ...]:
    """The newest leads, without `fields`, `consent` and `raw`."""
    return await walk(connection, Wanted(), Edge(), count, full=False)


async def form_days(connection: Connection, since: date, until: date, form: str, limit: int) -> tuple[FormDay, ...]:
    """See `Reader.counts`."""
    values: dict[str, Any] = {"since": since, "until": until, "limit": limit}
    if not form:
        return tuple(FormDay(*row) for row in await rows(connection, _ALL_FORM_DAYS, values))
    ids = await ids_named(connection, LeadFilter(form=form))
    values["forms"] = [fit(form), *ids.get("form", ())]
    return tuple(FormDay(*row) for row in await rows(connection, _FORM_DAYS, values))


async def details(connection: Connection, lead_id: int) -> LeadDetails:
    """See `Reader.details`."""
    pairs = await rows(connection, "SELECT external_id, source FROM leads WHERE id = %s", [lead_id])
    return await _of(connection, pairs[0]) if pairs else LeadDetails(None)


async def find(connection: Connection, text: str, limit: int) -> tuple[LeadDetails, ...]:
    """See `Reader.find`."""
    text = fit(text.strip())
    if not text:
        return ()
    # Job ids are upper-case ULIDs; people type them as they like.
    wanted = {
        "text": text,
        "job": text.upper(),
        "end": text.upper() + "~",
        "number": int(text) if re.fullmatch(r"[1-9][0-9]{0,17}", text) else None,
        "limit": limit,
    }
    found = {*await rows(connection, _LEADS_EXACTLY, wanted), *await rows(connection, _JOBS_EXACTLY, wanted)}
    if not found and len(text) >= BEGINNING_LETTERS:
        found = {*await rows(connection, _JOBS_BEGINNING, wanted)}
    return tuple([await _of(connection, pair) for pair in sorted(found)[:limit]])


async def _of(connection: Connection, pair: Sequence[Any]) -> LeadDetails:
    """All about one (external id, source)."""
    query = sql.SQL("SELECT {} FROM leads WHERE external_id = %s AND source = %s").format(lead_columns(full=True))
    found = await (await connection.execute(query, pair)).fetchall()
    deliveries = tuple(delivery_of(row) for row in await rows(connection, _DELIVERIES_OF, pair))
    attempts = await rows(connection, _ATTEMPTS_OF, [[delivery.job_id for delivery in deliveries]])
    return LeadDetails(
        lead=lead_of(found[0]) if found else None,
        deliveries=deliveries,
        attempts=tuple(attempt_of(row) for row in attempts),
    )
