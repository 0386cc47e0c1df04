"""Finds which leads are on a page, newest first, in bounded time whatever is asked for and however many there are.

What one index has in order is read from it. Anything else is first looked for among the next leads in order, which is
where anything frequent is found; what is too rare for that comes from the search index, stretch of time by stretch.
Where that index cannot help (one or two letters, no pg_trgm), a page ends after so many leads and says so.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString

from api.store.connections import Connection, rows
from api.store.sample import Sample
from api.store.search_index import keys_of, start_of, stretch_of
from api.store.text import fit, fold
from api.store.wanted import LEAST_ID, Edge, Statement, Wanted

LOOK = 30_000
"""Leads that are looked at in the order of time rather than asking the search index."""
LOOK_SCATTERED = 1_000
"""The same for those of a form, page or campaign: they lie apart from each other in the table."""
FIRST_LOOK = 3_000
"""How many are looked at first where nothing is known of how frequent the wanted ones are."""
WALK = 24_000
"""Leads that a page looks at where the search index cannot help."""
WALK_UNINDEXED = 400_000
"""The same where there is no search index at all."""

AT_ONCE = 3_000
"""Leads that the search index may leave to be looked at when it is asked about all of time."""

MOST_LEFT = 30_000
"""Leads that the search index may leave to be looked at for one page."""

_ONE_BY_ONE = 4
"""Stretches that are asked for one by one in any case."""
_MARGIN = 1.5
_OF_A_FORM = 0.02
"""The share of the leads that a form, page or campaign probably has."""
_NARROW = 0.1
"""A share of the leads above which looking at all of them in order is faster than picking these out."""
_SPAN: LiteralString = """
SELECT (SELECT received_at FROM leads ORDER BY received_at, id LIMIT 1),
       (SELECT received_at FROM leads ORDER BY received_at DESC, id DESC LIMIT 1)
"""
_JOB = re.compile(r"01[0-9A-HJKMNP-TV-Z]{4,24}", re.IGNORECASE)
MOST_JOBS = 1_000
"""Jobs with the same beginning of their ids whose leads are found: the latest of them."""
_OF_JOBS: LiteralString = (
    "SELECT lead_id FROM deliveries WHERE job_id >= %s AND job_id < %s AND lead_id IS NOT NULL "
    "ORDER BY job_id DESC LIMIT %s"
)


@dataclass(frozen=True, slots=True)
class Found:
    """The leads of a page, newest first. `stopped` is where the look ended, if it ended before the page was full.

    `cut`: there are more jobs with that id's beginning than were looked at.
    """

    leads: tuple[Edge, ...]
    stopped: Edge | None = None
    cut: bool = False


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

    async def probe(self, pieces: Sequence[str], stretches: Sequence[str], left: float) -> bool:
        """Ask the search index for all that follow: the next stretches one by one, then the rest.

        `left`: how many leads the index will probably leave to be looked at in a stretch. False: they were so many
        that the look ended before the page was full.
        """
        within = stretches[: max(_ONE_BY_ONE, int(MOST_LEFT / left))]
        await self._ask(within[:_ONE_BY_ONE], pieces)
        rest = within[_ONE_BY_ONE:]
        if self.lacking > 0 and rest:
            self._after(within[_ONE_BY_ONE - 1])
            # At the pace so far a part of the rest may do, and one by one the questions end with the page.
            pace = len(self.found) / _ONE_BY_ONE
            soon = pace * len(rest) > 2 * self.lacking
            await self._ask([] if left * len(stretches) <= AT_ONCE and not soon else rest, pieces)
        if self.lacking > 0 and len(within) < len(stretches):
            self._after(within[-1])
            return False
        return True

    def _after(self, stretch: str) -> None:
        self.edge = min(self.edge, Edge(start_of(int(stretch[1:])), LEAST_ID))

    async def _ask(self, stretches: Sequence[str], pieces: Sequence[str]) -> None:
        came = await self._run(self.wanted.probe(self.edge, stretches, pieces, self.lacking))
        self.found += sorted((Edge(at, lead) for at, lead in came), reverse=True)

    async def stretches(self) -> list[str]:
        """The stretches that may hold what follows, newest first."""
        ((oldest, newest),) = await rows(self.connection, _SPAN)
        if oldest is None:
            return []
        return keys_of(stretch_of(min(newest, self.edge.at)), stretch_of(max(oldest, self.wanted.since)))

    def page(self, *, stopped: bool = False) -> Found:
        """What was found."""
        return Found(tuple(self.found), self.edge if stopped else None)

    async def _run(self, statement: Statement) -> list[tuple[Any, ...]]:
        # Never prepared: one plan for all fragments is a bad one for most.
        return await (await self.connection.execute(*statement, prepare=False)).fetchall()


async def find(
    connection: Connection, wanted: Wanted, text: str, edge: Edge, limit: int, *, sample: Sample | None
) -> Found:
    """The first `limit` of the wanted leads after `edge`.

    Args:
        text: the fragment as the user gave it.
        sample: what is known of the leads' texts; None where there is no search index.
    """
    search = _Search(connection, wanted, limit, edge)
    if sample is None:
        return await _walk(search, WALK_UNINDEXED)
    await sample.refresh(connection)
    folded = fold(fit(text))
    pieces, left = await sample.pieces(connection, folded) if wanted.pattern else ([], 1.0)
    if (wanted.pattern and left > _NARROW) or not (wanted.pattern or wanted.keys):
        return await _walk(search, WALK)
    stretches = await search.stretches()
    a_stretch = sample.leads / max(1, len(stretches))
    # Leads that lie side by side are read four times as fast as those that an index picks out.
    most = LOOK_SCATTERED if wanted.column else LOOK
    if wanted.pattern:
        share, most = sample.share(folded), min(most, max(FIRST_LOOK, int(4 * left * a_stretch)))
    looked, depth = 0, _depth(limit, share) if wanted.pattern else min(FIRST_LOOK, most)
    while looked + depth <= most:
        if not await search.look(depth):
            return search.page()
        looked += depth
        share = len(search.found) / looked
        if not wanted.pattern:
            left = max(share, 1 / looked)
            most = min(most, int(4 * left * a_stretch))
        depth = max(looked, _depth(search.lacking, share))
    if wanted.column:
        left *= _OF_A_FORM
    whole = await search.probe(pieces, await search.stretches(), max(1.0, left * a_stretch))
    return search.page(stopped=not whole)


async def _walk(search: _Search, most: int) -> Found:
    """Look at leads in order, at `most` of them."""
    depth = FIRST_LOOK
    while most > 0:
        depth = min(depth, most)
        if not await search.look(depth):
            return search.page()
        most -= depth
        depth *= 2
    return search.page(stopped=True)


def _depth(lacking: int, share: float) -> int:
    """How many leads hold as many wanted ones as are lacking, probably."""
    return math.ceil(_MARGIN * lacking / share) if share else sys.maxsize


async def of_job(connection: Connection, wanted: Wanted, text: str, edge: Edge, limit: int) -> Found:
    """The same for the leads of the jobs whose id is, or begins with, `text`. Empty when it looks like no job's id."""
    if not _JOB.fullmatch(text.strip()):
        return Found(())
    job = text.strip().upper()
    leads = [lead for (lead,) in await rows(connection, _OF_JOBS, [job, job + "~", MOST_JOBS + 1])]
    if not leads:
        return Found(())
    query, values = wanted.among(leads[:MOST_JOBS], edge, limit)
    edges = tuple(Edge(at, lead) for at, lead in await (await connection.execute(query, values)).fetchall())
    return Found(edges, cut=len(leads) > MOST_JOBS)
