"""Writes a batch whose leads and jobs are all new with COPY: a third of what the general statements cost Postgres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
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

_NULL = "\\N"
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


def lines(batch: Sequence[Write], ids: Sequence[int]) -> Lines | None:
    """The batch for `copy`, its leads with these row ids; None if some text in it has to be replaced first.

    Args:
        batch: what is `distinct`.
        ids: as many as there are writes, never used before.
    """
    try:
        # In the order of their keys, so that two workers never lock the same rows the other way round.
        order = sorted(zip(batch, ids, strict=True), key=lambda pair: (pair[0].lead.external_id, pair[0].lead.source))
        return Lines(
            _joined([_lead(write, lead_id) for write, lead_id in order]),
            _joined([_delivery(write, lead_id) for write, lead_id in zip(batch, ids, strict=True)]),
            _joined([line for write in batch if write.job.history for line in _attempts(write.job)]),
            [Written(write.job.id, Outcome.STORED, lead_id) for write, lead_id in zip(batch, ids, strict=True)],
        )
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


def _lead(write: Write, lead_id: int) -> str:
    lead, job_id = write.lead, write.job.id
    line = _line(
        (
            *_texts_of(lead),
            lead.source,
            lead.external_id,
            job_id,
            _encode(lead.fields).decode(),
            _encode(lead.consent).decode() if lead.consent else "{}",
            lead.raw,
            lead.status,
            "t" if lead.is_test else "f",
            "t" if lead.cleaned else "f",
            *search_texts(lead.full_name, lead.email, lead.phone, lead.phone_e164, lead.external_id),
            lead.received_at.isoformat(),
            str(lead_id),
        )
    )
    return f"{line}\t{lead.created_at.isoformat() if lead.created_at else _NULL}"


def _delivery(write: Write, lead_id: int) -> str:
    job = write.job
    line = _line(
        (
            job.id,
            job.source,
            job.external_id,
            Outcome.STORED.value,
            str(job.attempt),
            job.request_id,
            write.worker,
            str(lead_id),
            iso(job.received_at),
        )
    )
    return f"{line}\t{job.seq or _NULL}"


def _attempts(job: Job) -> list[str]:
    return [
        _line((job.id, iso(each.started_at), each.worker, repr(each.took_s), each.error, str(each.n)))
        for each in job.history
    ]


def _line(values: tuple[str, ...]) -> str:
    """Values as a line of COPY's text format. ValueError if one of them holds NUL."""
    line = "\0".join(values)
    if line.count("\0") != len(values) - 1:
        raise ValueError("NUL")
    if "\\" in line:
        line = line.replace("\\", "\\\\")
    if "\n" in line:
        line = line.replace("\n", "\\n")
    if "\r" in line:
        line = line.replace("\r", "\\r")
    if "\t" in line:
        line = line.replace("\t", "\\t")
    return line.replace("\0", "\t")


def _joined(all_lines: Sequence[str]) -> bytes:
    """Lines as one text. UnicodeEncodeError (a ValueError) if one of them holds a lone surrogate."""
    return "\n".join([*all_lines, ""]).encode()
