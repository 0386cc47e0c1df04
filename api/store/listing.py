"""Rows of `leads`, `deliveries` and `attempts` as frozen values, and cursors. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, LiteralString

import msgspec
from psycopg import sql

from api.models import Attempt, Delivery, Lead, Outcome
from api.store.statements import LEAD_TEXTS
from api.store.wanted import Edge

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CURSOR = re.compile(r"(-?[0-9]{1,18})\.(-?[0-9]{1,19})")

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


def cursor_of(edge: Edge) -> str:
    """The cursor that continues after `edge`: microseconds of received_at, and id."""
    return f"{(edge.at - _EPOCH) // timedelta(microseconds=1)}.{edge.id}"


def edge_of(cursor: str) -> Edge:
    """Where a cursor of `cursor_of` continues; the beginning for none. ValueError for what is no cursor."""
    if not cursor:
        return Edge()
    match = _CURSOR.fullmatch(cursor)
    if not match:
        raise ValueError("not a cursor of this listing")
    try:
        return Edge(_EPOCH + timedelta(microseconds=int(match[1])), int(match[2]))
    except OverflowError:
        raise ValueError("not a cursor of this listing") from None
