"""Owns what the sources do alike: a body as a job or a dead letter, a job's payload as a lead. Pure."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from api import fields
from api.errors import PayloadError
from api.ids import new_id
from api.models import Job, Lead
from api.sources import strict_json
from api.sources.base import Incoming, Parsed, digest

MAX_ID_DIGITS = 40
_SENT_ID = re.compile(r"[!-~]{1,256}")
_CUT = "(nested too deeply)"


class Payload(msgspec.Struct, frozen=True):
    """A job's payload: parsed (numbers as `api.fields.Number`), as text, and whether anything in it was replaced."""

    body: Any
    raw: str
    cleaned: bool


def read(job: Job) -> Payload:
    """What a job holds, fit for jsonb.

    Raises:
        PayloadError: the payload is not JSON.
    """
    raw, cleaned = fields.clean_json(job.payload)
    try:
        return Payload(fields.parse_json(raw), raw, cleaned)
    except ValueError as error:
        raise PayloadError(f"the payload cannot be read: {error}"[:200]) from None


def sent_id(value: Any) -> str:
    """A sender's id of a lead as text: visible ASCII, at most 256 characters; "" for what is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if 0 <= value < 10**MAX_ID_DIGITS else ""
    return value if isinstance(value, str) and _SENT_ID.fullmatch(value) else ""


def one_lead(source: str, incoming: Incoming, payload: str, *, lead_id: str, form: str, why_not: str) -> Parsed:
    """A body that is one lead; `why_not` tells the operator why one without a usable `lead_id` is a dead letter."""
    job = Job(
        id=new_id(),
        source=source,
        external_id=lead_id or "invalid-" + digest(payload.encode()),
        payload=payload,
        received_at=incoming.received_at,
        request_id=incoming.request_id,
        page=incoming.name,
        form=form,
    )
    return Parsed(jobs=[job]) if lead_id else Parsed(dead=[(job, why_not)], ignored=1)


def lead_of(
    job: Job, payload: Payload, answers: fields.Fields, who: fields.Contact, *, is_test: bool = False, **more: Any
) -> Lead:
    """A lead with what every source finds alike; `is_test`: its sender says so; `more`: other attributes of `Lead`."""
    more.setdefault("status", "stored" if answers else "partial")
    return Lead(
        source=job.source,
        external_id=job.external_id,
        received_at=fields.moment(job.received_at),
        job_id=job.id,
        page_id=job.page,
        form_id=job.form,
        full_name=who.full_name,
        email=who.email,
        phone=who.phone,
        phone_e164=who.phone_e164,
        fields=answers,
        raw=payload.raw,
        is_test=is_test or fields.is_test(answers),
        cleaned=payload.cleaned,
        **more,
    )


def kept(value: Any) -> str:
    """A value as JSON text. What is nested beyond reason is cut: a lead is in its flat members, and is not lost."""
    try:
        return strict_json.dumps(value)
    except PayloadError:
        members = value if isinstance(value, dict) else {}
    return strict_json.dumps({key: _CUT if isinstance(item, dict | list) else item for key, item in members.items()})
