"""Finds which leads are on a page, newest first, in bounded time whatever is asked for and however many there are.

What one index has in order is read from it. Anything else is first looked for among the next leads in order, which is
where anything frequent is found; what is too rare for that comes from the search index, stretch of time by stretch.
Where that index cannot help (one or two letters, no pg_trgm), a page ends after so many leads and says so.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

from api.store.connections import Connection, rows
from api.store.search_index import LETTERS, WIDTH, has_trigrams, keys_of, start_of, stretch_of
from api.store.text import fold
from api.store.wanted import LEAST_ID, Edge, Statement, Wanted

LOOK = 5_000
"""Leads that are looked at in the order of time before the search index is asked."""
LOOK_SCATTERED = 3_000
"""The same for those of a form, page or campaign: they lie apart from each other in the table."""
WALK = 40_000
"""Leads that a page looks at where the search index cannot help."""
WALK_UNINDEXED = 400_000
"""The same where there is no search index at all."""

_MOST_STRETCHES = 64
_GROWTH = 4
_MARGIN = 1.5
_MOMENT = timedelta(seconds=1)
_OLDEST: LiteralString = "SELECT received_at FROM leads ORDER BY received_at, id LIMIT 1"
_JOB = re.compile(r"01[0-9A-HJKMNP-TV-Z]{4,24}", re.IGNORECASE)
_OF_JOBS: LiteralString = (
    "SELECT lead_id FROM deliveries WHERE job_id >= %s AND job_id < %s AND lead_id IS NOT NULL "
    "ORDER BY job_id DESC LIMIT 1000"
)


@dataclass(frozen=True, slots=True)
class Found:
    """The leads of a page, newest first. `stopped` is where the look ended, if it ended before the page was full."""

    leads: tuple[Edge, ...]
    stopped: Edge | None = None


@dataclass(slots=True)
class _Search:
    """One page being found: what it has, and where it has got to."""

    connection: Connection
    wanted: Wanted
    limit: int
    edge: Edge
    found: list[Edge] = field(default_factory=list)

    @property
    def lacking(self) -> int:
        return self.limit - len(self.found)

    async def look(self, depth: int) -> bool:
        """Look at the next `depth` leads in order. False: there are no more, or the page is full."""
        came = await self._run(self.wanted.look(self.edge, depth, self.lacking))
        self.found += sorted((Edge(at, lead) for at, lead, last in came if not last), reverse=True)
        ends = [Edge(at, lead) for at, lead, last in came if last]
        if ends:
            self.edge = ends[0]
        return bool(ends)

    async def probe(self, stretches: int) -> None:
        """Ask the search index for all that follow: the next `stretches` first, and more of them each time."""
        oldest = await rows(self.connection, _OLDEST)
        last = stretch_of(max(self.wanted.since, *oldest[0])) if oldest else 0
        newest = stretch_of(self.edge.at)
        while self.lacking > 0 and newest >= last:
            until = max(last, newest - stretches + 1)
            few = newest - until < _MOST_STRETCHES
            came = await self._run(self.wanted.probe(self.edge, keys_of(newest, until) if few else [], self.lacking))
            self.found += [Edge(at, lead) for at, lead in came]
            if not few:
                return
            self.edge = Edge(start_of(until), LEAST_ID)
            newest = until - 1
            stretches *= _GROWTH

    def estimate(self, began: datetime) -> int:
        """How many stretches probably hold what the page lacks, going by how many of the leads since `began` were
        wanted.
        """
        spent = max(began - self.edge.at, _MOMENT)
        need = spent / max(1, len(self.found)) * self.lacking * _MARGIN
        return max(1, min(_MOST_STRETCHES // _GROWTH, math.ceil(need / WIDTH)))

    def page(self, *, stopped: bool = False) -> Found:
        """What was found."""
        return Found(tuple(self.found), self.edge if stopped else None)

    async def _run(self, statement: Statement) -> list[tuple[Any, ...]]:
        # Never prepared: one plan for all fragments is a bad one for most.
        return await (await self.connection.execute(*statement, prepare=False)).fetchall()


async def find(connection: Connection, wanted: Wanted, text: str, edge: Edge, limit: int, *, indexed: bool) -> Found:
    """The first `limit` of the wanted leads after `edge`.

    Args:
        text: the fragment as the user gave it.
        indexed: the search index is there.
    """
    search = _Search(connection, wanted, limit, edge)
    began = min(edge.at, datetime.now(UTC))
    depth = LOOK_SCATTERED if wanted.column else LOOK
    if not await search.look(depth):
        return search.page()
    if indexed and await _indexable(connection, wanted, text):
        await search.probe(search.estimate(began))
        return search.page()
    left = (WALK if indexed else WALK_UNINDEXED) - depth
    while left > 0:
        depth = min(depth * 2, left)
        left -= depth
        if not await search.look(depth):
            return search.page()
    return search.page(stopped=True)


async def of_job(connection: Connection, wanted: Wanted, text: str, edge: Edge, limit: int) -> Found:
    """The same for the leads of the jobs whose id is, or begins with, `text`. Empty when it looks like no job's id."""
    if not _JOB.fullmatch(text.strip()):
        return Found(())
    job = text.strip().upper()
    leads = [lead for (lead,) in await rows(connection, _OF_JOBS, [job, job + "~"])]
    if not leads:
        return Found(())
    query, values = wanted.among(leads, edge, limit)
    return Found(tuple(Edge(at, lead) for at, lead in await (await connection.execute(query, values)).fetchall()))


async def _indexable(connection: Connection, wanted: Wanted, text: str) -> bool:
    """Whether the search index can narrow what is wanted: by a key, or by a trigram of the text."""
    if not wanted.pattern:
        return bool(wanted.keys)
    folded = fold(text)
    if folded.isascii():
        return has_trigrams(folded, [sign.isalnum() for sign in folded])
    return has_trigrams(folded, [letter for (letter,) in await rows(connection, LETTERS, [list(folded)])])
