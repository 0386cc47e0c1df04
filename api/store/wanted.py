"""What a page of leads asks for, as SQL: an index that has the leads in order, and what must hold besides. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from psycopg import sql

from api.models import LeadFilter
from api.store.records import NAMED
from api.store.search_index import KEYS, PREFIXES
from api.store.text import fit, like, like_folded

Ids = Mapping[str, Sequence[str]]
Statement = tuple[sql.Composed, dict[str, Any]]

_FIRST = datetime(1, 1, 2, tzinfo=UTC)
_LAST = datetime(9999, 12, 30, tzinfo=UTC)
_MAX_ID = (1 << 63) - 1
LEAST_ID = -1 << 63
_ORDER = sql.SQL("ORDER BY {}received_at DESC, id DESC LIMIT {}")
# An expression that no index knows: the order must not lure the planner into reading the table by time.
_ORDER_AFTERWARDS = sql.SQL("ORDER BY received_at + interval '0' DESC, id DESC LIMIT {}")
COMMON_SOURCE = "meta"
"""Most leads come from it: among the latest of all they are soon found, and the index of sources leaves them out."""

_WALKED = ("received_at", "id", "search", "source", "status", "page_id", "form_id", "campaign_id")


@dataclass(frozen=True, slots=True, order=True)
class Edge:
    """A place in the order: what follows it is older, or as old with a smaller id."""

    at: datetime = _LAST
    id: int = _MAX_ID


@dataclass(frozen=True, slots=True)
class Wanted:
    """What leads of a page must meet.

    Attributes:
        column: the column whose index (column, received_at, id) has them in order; "" is the one by time alone.
        values: what stands in that column.
        partial: the index of partial leads has them in order.
        rest: what must hold besides; the index does not know it.
        keys: by kind, the values that the search index has as keys.
        pattern: the LIKE pattern of the text; "" for no text.
        since: no lead is older; `until`: all are older.
    """

    column: str = ""
    values: tuple[str, ...] = ()
    partial: bool = False
    rest: tuple[tuple[str, tuple[str, ...]], ...] = ()
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    pattern: str = ""
    since: datetime = _FIRST
    until: datetime = _LAST

    @property
    def direct(self) -> bool:
        """Whether an index has these leads, in order, and no others."""
        return not self.rest and not self.pattern

    def walk(self, columns: sql.Composable, edge: Edge, limit: int, offset: int = 0) -> Statement:
        """The first `limit` leads after `edge` in the index's order, `offset` of them left out."""
        values: dict[str, Any] = {"edge": edge.at, "id": edge.id, "since": self.since}
        if not self.column:
            partial = sql.SQL("status = 'partial' AND ") if self.partial else sql.SQL("")
            query = sql.SQL(
                "SELECT {} FROM leads WHERE {}(received_at, id) < (%(edge)s, %(id)s) AND received_at >= %(since)s {}"
            ).format(columns, partial, self._tail("", limit, offset))
            return query, values
        column = sql.Identifier(self.column)
        # Equality written as a range: the only index in this order is the column's own, so that the planner cannot
        # choose to look for the leads of a form that ended long ago among the latest of all. None is what an index
        # leaves out: the empty campaign, and the source that most leads come from.
        one = sql.SQL(
            "SELECT {columns} FROM leads WHERE ({column}, received_at, id) < ({value}, %(edge)s, %(id)s) "
            "AND ({column}, received_at) >= ({value}, %(since)s) AND {column} <> {left_out} {tail}"
        )
        left_out = sql.Literal(COMMON_SOURCE if self.column == "source" else "")
        if len(self.values) == 1:
            values["value"] = self.values[0]
            tail = self._tail(self.column, limit, offset)
            value = sql.Placeholder("value")
            return one.format(columns=columns, column=column, value=value, left_out=left_out, tail=tail), values
        values["values"] = list(self.values)
        each = one.format(
            columns=sql.SQL("*"),
            column=column,
            value=sql.SQL("one.value"),
            left_out=left_out,
            tail=self._tail(self.column, limit + offset, 0),
        )
        query = sql.SQL("SELECT {} FROM unnest(%(values)s::text[]) AS one (value), LATERAL ({}) AS each {}").format(
            columns, each, self._tail("", limit, offset)
        )
        return query, values

    def look(self, edge: Edge, depth: int, limit: int) -> Statement:
        """Rows (received_at, id, last) among the next `depth` after `edge`: up to `limit` that are wanted.

        If these are fewer, the row with `last` true is where the look ended; without it the order has ended.
        """
        columns = sql.SQL(", ").join(map(sql.Identifier, _WALKED))
        walked, values = self.walk(columns, edge, depth)
        last, _ = self.walk(sql.SQL("received_at, id, true"), edge, 1, depth - 1)
        conditions, more = self._conditions()
        query = sql.SQL(
            "WITH found AS MATERIALIZED (SELECT received_at, id, false FROM ({}) AS walked WHERE {} LIMIT {limit}) "
            "SELECT * FROM found UNION ALL SELECT * FROM ({}) AS last WHERE (SELECT count(*) FROM found) < {limit}"
        ).format(walked, conditions, last, limit=sql.Literal(limit))
        return query, values | more

    def probe(self, edge: Edge, stretches: Sequence[str], pieces: Sequence[str], limit: int) -> Statement:
        """Rows (received_at, id) after `edge` by the search index.

        Args:
            stretches: keys of stretches of time, asked one after the other until there are `limit` rows; none means
                all of time at once.
            pieces: pieces of the text's parts that the index narrows the search by.
        """
        values: dict[str, Any] = {"edge": edge.at, "id": edge.id, "since": self.since}
        conditions: list[sql.Composable] = [
            # Bounds that no index knows, for the same reason as the order.
            sql.SQL("(received_at + interval '0', id) < (%(edge)s, %(id)s) AND received_at + interval '0' >= %(since)s")
        ]
        for kind, wanted in self.keys.items():
            conditions.append(sql.SQL("{} && {}").format(sql.SQL(KEYS), sql.Placeholder(f"keys_{kind}")))
            values[f"keys_{kind}"] = [PREFIXES[kind] + value for value in wanted]
        if status := dict(self._all()).get("status"):
            conditions.append(sql.SQL("status = ANY (%(status)s)"))
            values["status"] = list(status)
        if self.pattern:
            for n, piece in enumerate(pieces):
                conditions.append(sql.SQL("search_parts LIKE {}").format(sql.Placeholder(f"piece_{n}")))
                values[f"piece_{n}"] = like_folded(piece)
            # The whole of it is looked for in what the pieces leave: the index would read the lists of all its parts.
            conditions.append(sql.SQL("(search || '') LIKE %(pattern)s"))
            values["pattern"] = self.pattern
        if stretches:
            conditions.append(sql.SQL(KEYS + " && ARRAY[stretch.key]"))
            values["stretches"] = list(stretches)
        one = sql.SQL("SELECT received_at, id FROM leads WHERE {} {}").format(
            sql.SQL(" AND ").join(conditions), _ORDER_AFTERWARDS.format(sql.Literal(limit))
        )
        if not stretches:
            return one, values
        # One after the other, newest first, and no further than the limit.
        return sql.SQL(
            "SELECT found.* FROM unnest(%(stretches)s::text[]) AS stretch (key), LATERAL ({}) AS found LIMIT {}"
        ).format(one, sql.Literal(limit)), values

    def among(self, leads: Sequence[int], edge: Edge, limit: int) -> Statement:
        """Rows (received_at, id) of those of `leads` that meet all but the text."""
        conditions, values = replace(self, rest=self._all(), pattern="")._conditions()
        query = sql.SQL(
            "SELECT received_at, id FROM leads WHERE id = ANY (%(leads)s) AND (received_at, id) < (%(edge)s, %(id)s) "
            "AND received_at >= %(since)s AND {} ORDER BY received_at DESC, id DESC LIMIT {}"
        ).format(conditions, sql.Literal(limit))
        return query, values | {"leads": list(leads), "edge": edge.at, "id": edge.id, "since": self.since}

    def _all(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        own = ((self.column, self.values),) if self.column else ()
        return (*own, *((("status", ("partial",)),) if self.partial else ()), *self.rest)

    def _conditions(self) -> Statement:
        conditions: list[sql.Composable] = [sql.SQL("true")]
        values: dict[str, Any] = {}
        for name, wanted in self.rest:
            conditions.append(sql.SQL("{} = ANY ({})").format(sql.Identifier(name), sql.Placeholder(f"rest_{name}")))
            values[f"rest_{name}"] = list(wanted)
        if self.pattern:
            conditions.append(sql.SQL("search LIKE %(pattern)s"))
            values["pattern"] = self.pattern
        return sql.SQL(" AND ").join(conditions), values

    @staticmethod
    def _tail(column: str, limit: int, offset: int) -> sql.Composed:
        first = sql.SQL("{} DESC, ").format(sql.Identifier(column)) if column else sql.SQL("")
        tail = _ORDER.format(first, sql.Literal(limit))
        return tail + sql.SQL(" OFFSET {}").format(sql.Literal(offset)) if offset else tail


def wanted_of(where: LeadFilter, ids: Ids) -> Wanted:
    """What a filter asks for. Page, form and campaign match by id, or by one of `ids`."""
    kinds = {kind: (fit(getattr(where, kind)), *ids.get(kind, ())) for kind in NAMED if getattr(where, kind)}
    # The narrowest first: a form has fewer leads than a campaign or a page.
    first = next((kind for kind in ("form", "campaign", "page") if kind in kinds), "")
    rest = [(f"{kind}_id", wanted) for kind, wanted in kinds.items() if kind != first]
    partial = where.status == "partial" and not first
    if where.status and not partial:
        rest.append(("status", (fit(where.status),)))
    column, values = (f"{first}_id", kinds[first]) if first else ("", ())
    if where.source and not first and not partial and where.source != COMMON_SOURCE:
        column, values = "source", (fit(where.source),)
    elif where.source:
        rest.append(("source", (fit(where.source),)))
    return Wanted(
        column=column,
        values=tuple(dict.fromkeys(values)),
        partial=partial,
        rest=tuple(rest),
        keys=kinds | ({"source": (fit(where.source),)} if where.source else {}),
        pattern=like(where.text) if where.text.strip() else "",
        since=where.since or _FIRST,
        until=where.until or _LAST,
    )
