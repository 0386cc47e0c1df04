"""One page of a lead list: the filter to what is wanted, what is wanted to leads, and what the reader is told."""

from __future__ import annotations

from datetime import datetime
from typing import LiteralString

from psycopg import sql

from api.models import Lead, LeadFilter, LeadPage
from api.store.connections import Connection, rows
from api.store.listing import cursor_of, lead_columns, lead_of
from api.store.records import NAMED
from api.store.sample import Sample
from api.store.search import MOST_JOBS, Found, find, of_job
from api.store.text import fit
from api.store.wanted import LEAST_ID, Edge, Wanted, wanted_of

_SCAN_NOTICE = "the search read every lead: this database has no trigram index (extension pg_trgm)"
_IDS_NAMED: LiteralString = (
    "SELECT n.kind, n.id FROM unnest(%s::text[], %s::text[]) AS wanted (kind, name) "
    "JOIN names AS n ON n.kind = wanted.kind AND lower(n.name) = lower(wanted.name) AND n.id <> wanted.name LIMIT 1000"
)


async def read_page(
    connection: Connection, where: LeadFilter, edge: Edge, limit: int, *, full: bool, sample: Sample | None
) -> LeadPage:
    """See `Reader.page`. `sample` is None where there is no search index."""
    wanted = wanted_of(where, await ids_named(connection, where))
    edge = min(edge, Edge(wanted.until, LEAST_ID))
    # One more than is shown tells whether more follow.
    if wanted.direct:
        leads = await walk(connection, wanted, edge, limit + 1, full=full)
        return LeadPage(leads[:limit], _cursor(tuple(Edge(lead.received_at, lead.id) for lead in leads), limit))
    found = Found(())
    if where.text:
        found = await of_job(connection, wanted, where.text, edge, limit + 1)
    cut = found.cut
    if not found.leads:
        found = await find(connection, wanted, where.text, edge, limit + 1, sample=sample)
    leads = await _load(connection, found.leads[:limit], full=full)
    if found.stopped and len(found.leads) <= limit:
        return LeadPage(leads, cursor_of(found.stopped), _stopped_notice(found.stopped.at, indexed=sample is not None))
    notice = _SCAN_NOTICE if wanted.pattern and sample is None else ""
    if cut:
        notice = f"only the latest {MOST_JOBS:,} jobs whose ids begin so were looked at: give more of the id"
    return LeadPage(leads, _cursor(found.leads, limit), notice)


async def walk(connection: Connection, wanted: Wanted, edge: Edge, limit: int, *, full: bool) -> tuple[Lead, ...]:
    """The first `limit` leads after `edge` in the order of an index."""
    query, values = wanted.walk(lead_columns(full=full), edge, limit)
    return tuple(lead_of(row) for row in await (await connection.execute(query, values, prepare=False)).fetchall())


async def ids_named(connection: Connection, where: LeadFilter) -> dict[str, list[str]]:
    """Ids of the pages, forms and campaigns that are called as a filter says, by kind."""
    wanted = {kind: fit(getattr(where, kind)) for kind in NAMED if getattr(where, kind)}
    found: dict[str, list[str]] = {}
    if wanted:
        for kind, each in await rows(connection, _IDS_NAMED, [list(wanted), list(wanted.values())]):
            found.setdefault(kind, []).append(each)
    return found


async def _load(connection: Connection, edges: tuple[Edge, ...], *, full: bool) -> tuple[Lead, ...]:
    """The leads at those places; one that was erased meanwhile is left out."""
    if not edges:
        return ()
    query = sql.SQL("SELECT {} FROM leads WHERE id = ANY (%s)").format(lead_columns(full=full))
    loaded = map(lead_of, await (await connection.execute(query, [[edge.id for edge in edges]])).fetchall())
    return tuple(sorted(loaded, key=lambda lead: (lead.received_at, lead.id), reverse=True))


def _cursor(edges: tuple[Edge, ...], limit: int) -> str:
    return cursor_of(edges[limit - 1]) if len(edges) > limit else ""


def _stopped_notice(at: datetime, *, indexed: bool) -> str:
    why = "" if indexed else " (this database has no trigram index, extension pg_trgm)"
    return f"looked down to {at:%Y-%m-%d %H:%M} UTC so far{why}: older leads follow on the next page"
