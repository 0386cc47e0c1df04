"""Rows of `leads`, `deliveries` and `attempts` as frozen values, and the queries that page through leads. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import msgspec
from psycopg import sql

from api.models import Attempt, Delivery, Lead, LeadFilter, Outcome
from api.store.records import NAMED
from api.store.statements import LEAD_TEXTS
from api.store.text import fit, like

Ids = Mapping[str, Sequence[str]]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = re.compile(r"(-?[0-9]{1,18})\.([0-9]{1,18})")

_SHORT = ("id", "source", "external_id", "job_id", *LEAD_TEXTS, "status", "is_test", "cleaned", "created_at")
_SHORT_COLUMNS = (*_SHORT, "received_at", "stored_at")
_FULL_COLUMNS = (*_SHORT_COLUMNS, "fields", "consent", "raw")

DELIVERY_COLUMNS: LiteralString = (
    "job_id, coalesce(seq, 0), source, external_id, outcome, attempts, request_id, received_at, finished_at, "
    "coalesce(lead_id, 0), worker"
)


def lead_columns(*, full: bool) -> sql.Composed:
    """The select list that `lead_of` understands. JSON columns come as text: `raw` stays as it is, digits and all."""
    texts = [sql.SQL("{}::text").format(sql.Identifier(name)) for name in ("fields", "consent", "raw")]
    short: list[sql.Composable] = [sql.Identifier(name) for name in _SHORT_COLUMNS]
    return sql.SQL(", ").join([*short, *(texts if full else [])])


def lead_of(row: Sequence[Any]) -> Lead:
    """A row of `lead_columns`; without the JSON columns these are empty."""
    values = dict(zip(_FULL_COLUMNS, row, strict=False))
    if "fields" in values:
        values["fields"] = msgspec.json.decode(values["fields"])
        values["consent"] = msgspec.json.decode(values["consent"])
    return Lead(**values)


def delivery_of(row: Sequence[Any]) -> Delivery:
    """A row of DELIVERY_COLUMNS."""
    job_id, seq, source, external_id, outcome, attempts, request_id, received_at, finished_at, lead_id, worker = row
    return Delivery(
        job_id=job_id,
        seq=seq,
        source=source,
        external_id=external_id,
        outcome=Outcome(outcome),
        attempts=attempts,
        request_id=request_id,
        received_at=received_at,
        finished_at=finished_at,
        lead_id=lead_id,
        worker=worker,
    )


def attempt_of(row: Sequence[Any]) -> tuple[str, Attempt]:
    """A row (job_id, n, started_at, worker, took_s, error)."""
    job_id, n, started_at, worker, took_s, error = row
    return job_id, Attempt(n=n, worker=worker, started_at=started_at.timestamp(), took_s=took_s, error=error)


def cursor_of(lead: Lead) -> str:
    """The cursor that continues after `lead`: microseconds of received_at, and id."""
    return f"{(lead.received_at - _EPOCH) // timedelta(microseconds=1)}.{lead.id}"


def page_query(
    where: LeadFilter, cursor: str, limit: int, *, full: bool, ids: Ids | None = None
) -> tuple[sql.Composed, dict[str, Any]]:
    """The query of one page and its parameters; it asks for one row more than `limit`, to know whether more follow.

    Args:
        ids: for page, form and campaign, ids of what is called as the filter says.

    Raises:
        ValueError: the cursor is none that `cursor_of` made.
    """
    conditions, parameters = conditions_of(where, ids or {})
    if cursor:
        match = _CURSOR.fullmatch(cursor)
        if not match:
            raise ValueError("not a cursor of this listing")
        try:
            parameters |= {"at": _EPOCH + timedelta(microseconds=int(match[1])), "id": int(match[2])}
        except OverflowError:
            raise ValueError("not a cursor of this listing") from None
        conditions.append(sql.SQL("(received_at, id) < (%(at)s, %(id)s)"))
    query = sql.SQL("SELECT {} FROM leads {} ORDER BY received_at DESC, id DESC LIMIT {}").format(
        lead_columns(full=full),
        sql.SQL("WHERE {}").format(sql.SQL(" AND ").join(conditions)) if conditions else sql.SQL(""),
        sql.Literal(limit + 1),
    )
    return query, parameters


def conditions_of(where: LeadFilter, ids: Ids) -> tuple[list[sql.Composable], dict[str, Any]]:
    """The conditions a filter means, with their parameters. Page, form and campaign match by id, or by one of `ids`."""
    conditions: list[sql.Composable] = []
    parameters: dict[str, Any] = {}
    for name in ("source", "status"):
        if getattr(where, name):
            conditions.append(sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)))
            parameters[name] = fit(getattr(where, name))
    for kind in NAMED:
        if getattr(where, kind):
            wanted = [fit(getattr(where, kind)), *ids.get(kind, ())]
            # One id keeps the index's order; of several, newer servers do too.
            conditions.append(
                sql.SQL("{} = {}" if len(wanted) == 1 else "{} = ANY ({})").format(
                    sql.Identifier(f"{kind}_id"), sql.Placeholder(kind)
                )
            )
            parameters[kind] = wanted[0] if len(wanted) == 1 else wanted
    if where.text.strip():
        conditions.append(sql.SQL("search LIKE %(text)s"))
        parameters["text"] = like(where.text)
    if where.since:
        conditions.append(sql.SQL("received_at >= %(since)s"))
        parameters["since"] = where.since
    if where.until:
        conditions.append(sql.SQL("received_at < %(until)s"))
        parameters["until"] = where.until
    return conditions, parameters
