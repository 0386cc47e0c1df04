"""Writes a batch whose leads and jobs are all new with COPY: a third of what the general statements cost Postgres."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Final, LiteralString

import msgspec

from api.models import Job, Outcome
from api.store.connections import Connection
from api.store.records import Write, Written
from api.store.statements import LEAD_TEXTS
from api.store.text import search_texts

_COPY_LEADS: Final[LiteralString] = (
    "COPY leads ("
    + ", ".join(LEAD_TEXTS)
    + ", source, external_id, job_id, fields, consent, raw, status, is_test, cleaned, search, search_parts, received_at"
    ", id, created_at) FROM STDIN"
)
_COPY_DELIVERIES: Final[LiteralString] = (
    "COPY deliveries (job_id, source, external_id, outcome, attempts, request_id, worker, lead_id, received_at, seq)"
    " FROM STDIN"
)
_COPY_ATTEMPTS: Final[LiteralString] = "COPY attempts (job_id, started_at, worker, took_s, error, n) FROM STDIN"

_STORED = Outcome.STORED.value
_NULL = "\\N"
TURN = 32
"""Rows that are made in one turn of the event loop: a transaction under way does not wait for the rest of them."""

_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
_texts_of = attrgetter(*LEAD_TEXTS)
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Lines:
    """A batch as COPY's text format, and what it becomes when none of it is there yet."""

    leads: bytes
    deliveries: bytes
    attempts: bytes
    written: list[Written]


def distinct(batch: Sequence[Write]) -> bool:
    """Whether no lead and no job is in the batch twice."""
    leads = {(write.lead.external_id, write.lead.source) for write in batch}
    return len(leads) == len({write.job.id for write in batch}) == len(batch)


async def lines(batch: Sequence[Write], ids: Sequence[int]) -> Lines | None:
    """The batch for `copy`, its leads with these row ids; None if some text in it has to be replaced first.

    Args:
        batch: what is `distinct`.
        ids: as many as there are writes, never used before.
    """
    try:
        leads: list[tuple[str, str, str]] = []
        deliveries: list[str] = []
        attempts: list[str] = []
        for n, (write, lead_id) in enumerate(zip(batch, ids, strict=True), 1):
            job, lead = write.job, write.lead
            received_at = iso(job.received_at)
            same = lead.received_at.timestamp() == job.received_at
            at = received_at if same else lead.received_at.isoformat()
            leads.append((lead.external_id, lead.source, _lead(write, lead_id, at)))
            deliveries.append(_delivery(write, lead_id, received_at))
            attempts += _attempts(job)
            if n % TURN == 0:
                await asyncio.sleep(0)
        # In the order of their keys, so that two workers never lock the same rows the other way round.
        leads.sort()
        written = [Written(write.job.id, Outcome.STORED, lead_id) for write, lead_id in zip(batch, ids, strict=True)]
        return Lines(_joined([line for _, _, line in leads]), _joined(deliveries), _joined(attempts), written)
    except (ValueError, TypeError, RecursionError):
        return None


async def copy(connection: Connection, batch: Lines) -> None:
    """Write the lines in a transaction. psycopg.Error if a lead, job or seq is there already, or a value is bad."""
    async with connection.cursor() as cursor:
        for statement, text in (
            (_COPY_LEADS, batch.leads),
            (_COPY_DELIVERIES, batch.deliveries),
            (_COPY_ATTEMPTS, batch.attempts),
        ):
            async with cursor.copy(statement) as copying:
                await copying.write(text)


def iso(epoch_s: float) -> str:
    """Epoch seconds as ISO 8601; 1970 for what no calendar holds."""
    return moment(epoch_s).isoformat()


def moment(epoch_s: float) -> datetime:
    """Epoch seconds as an aware datetime; 1970 for what no calendar holds."""
    try:
        return datetime.fromtimestamp(epoch_s, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


_start = lru_cache(64)(iso)
"""Remembered, because jobs that are taken together are begun together."""


def _lead(write: Write, lead_id: int, received_at: str) -> str:
    lead = write.lead
    line = _line(
        (
            *_texts_of(lead),
            lead.source,
            lead.external_id,
            write.job.id,
            _encode(lead.fields).decode(),
            _encode(lead.consent).decode() if lead.consent else "{}",
            lead.raw,
            lead.status,
            "t" if lead.is_test else "f",
            "t" if lead.cleaned else "f",
            *search_texts(lead.full_name, lead.email, lead.phone, lead.phone_e164, lead.external_id),
            received_at,
            str(lead_id),
        )
    )
    return f"{line}\t{lead.created_at.isoformat() if lead.created_at else _NULL}"


def _delivery(write: Write, lead_id: int, received_at: str) -> str:
    job = write.job
    line = _line(
        (
            job.id,
            job.source,
            job.external_id,
            _STORED,
            str(job.attempt),
            job.request_id,
            write.worker,
            str(lead_id),
            received_at,
        )
    )
    return f"{line}\t{job.seq or _NULL}"


def _attempts(job: Job) -> list[str]:
    return [
        _line((job.id, _start(each.started_at), each.worker, str(each.took_s), each.error, str(each.n)))
        for each in job.history
    ]


def _line(values: tuple[str, ...]) -> str:
    """Values as a line of COPY's text format."""
    line = "\t".join(values)
    if "\\" in line or "\n" in line or "\r" in line or line.count("\t") != len(values) - 1:
        return "\t".join([value.translate(_ESCAPES) for value in values])
    return line


def _joined(all_lines: Sequence[str]) -> bytes:
    """Lines as one text. ValueError if one of them holds NUL or (UnicodeEncodeError) a lone surrogate."""
    text = "\n".join([*all_lines, ""])
    if "\0" in text:
        raise ValueError("NUL")
    return text.encode()
