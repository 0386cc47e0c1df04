"""Jobs as leads: a form's body as it is, a Meta lead with what the Graph API gave. Pure."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from api import fields
from api.errors import PayloadError
from api.graph import GraphLead
from api.models import Job, Lead

FORMS, META = "forms", "meta"
TEST_TYPE = "lead.test"
"""The `type` of a form's body that marks a test lead."""

_SANE_YEARS = (1970, 2200)


def form_lead(job: Job) -> Lead:
    """The lead in a form's body ({"type", "timestamp", "data": {…}}, or just the answers).

    Raises:
        PayloadError: the payload is not JSON.
    """
    raw, cleaned = fields.clean_json(job.payload)
    try:
        body: Any = fields.parse_json(raw)
    except ValueError as error:
        raise PayloadError(f"the payload cannot be read: {error}"[:200]) from None
    data = fields.form_data(body)
    answers = fields.form_fields(data)
    outer = body if isinstance(body, dict) else {}
    who = fields.contact(answers)
    return Lead(
        source=job.source,
        external_id=job.external_id,
        received_at=_moment(job.received_at),
        job_id=job.id,
        page_id=job.page,
        form_id=job.form,
        form_name=_text(data, "form_name"),
        page_name=_text(data, "page_name"),
        ad_id=_text(data, "ad_id"),
        ad_name=_text(data, "ad_name"),
        campaign_id=_text(data, "campaign_id"),
        campaign_name=_text(data, "campaign_name") or _text(data, "utm_campaign") or _one(answers, "utm_campaign"),
        full_name=who.full_name,
        email=who.email,
        phone=who.phone,
        phone_e164=who.phone_e164,
        platform=_text(data, "platform"),
        fields=answers,
        consent=fields.form_consent(data),
        raw=raw,
        status="stored" if answers else "partial",
        is_test=outer.get("type") == TEST_TYPE or fields.is_test(answers),
        cleaned=cleaned,
        created_at=_time(outer.get("timestamp")),
    )


def meta_lead(job: Job, found: GraphLead, names: dict[str, str]) -> Lead:
    """The lead the Graph API gave for a job; what it left out is taken from the webhook.

    `names` are those of forms and pages by id, as far as they are known.
    """
    value = webhook_value(job)
    data = found.data
    answers = fields.graph_fields(data.get("field_data"))
    who = fields.contact(answers)
    form_id = _text(data, "form_id") or job.form
    return Lead(
        source=job.source,
        external_id=job.external_id,
        received_at=_moment(job.received_at),
        job_id=job.id,
        page_id=job.page,
        page_name=names.get(job.page, ""),
        form_id=form_id,
        form_name=names.get(form_id, ""),
        # What webhooks call adgroup_id is the ad.
        ad_id=_text(data, "ad_id") or _text(value, "ad_id") or _text(value, "adgroup_id"),
        ad_name=_text(data, "ad_name"),
        campaign_id=_text(data, "campaign_id"),
        campaign_name=_text(data, "campaign_name"),
        full_name=who.full_name,
        email=who.email,
        phone=who.phone,
        phone_e164=who.phone_e164,
        platform=_text(data, "platform"),
        fields=answers,
        consent=fields.graph_consent(data.get("custom_disclaimer_responses")),
        raw=found.raw,
        status="stored" if found.has_fields else "partial",
        is_test=fields.is_test(answers, job.external_id),
        cleaned=found.cleaned,
        created_at=_time(data.get("created_time")) or _time(value.get("created_time")),
    )


def dashboard_lead(job: Job) -> Lead:
    """The lead that Meta's dashboard makes up for its test button: it has no answers, and nobody need look for them."""
    raw = fields.clean_json(job.payload)[0]
    value = webhook_value(job)
    return Lead(
        source=job.source,
        external_id=job.external_id,
        received_at=_moment(job.received_at),
        job_id=job.id,
        page_id=job.page,
        form_id=job.form,
        ad_id=_text(value, "ad_id") or _text(value, "adgroup_id"),
        raw=raw if value else "{}",
        status="partial",
        is_test=True,
        created_at=_time(value.get("created_time")),
    )


def webhook_value(job: Job) -> dict[str, Any]:
    """The `value` of the change that brought a Meta job; empty if it cannot be read, since its id is known."""
    try:
        value = fields.parse_json(fields.clean_json(job.payload)[0])
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def with_plain_raw(lead: Lead) -> Lead:
    """The lead with `raw` as one JSON text: for what is JSON but no jsonb, such as a number beyond all bounds."""
    return replace(lead, raw=json.dumps(lead.raw), cleaned=True)


def _text(data: dict[str, Any], key: str) -> str:
    value = data.get(key)
    return str(value)[:1_000] if isinstance(value, str) else ""


def _one(answers: fields.Fields, key: str) -> str:
    return next(iter(answers.get(key, [])), "")[:1_000]


def _time(value: Any) -> datetime | None:
    """Epoch seconds, or ISO 8601 also as Meta writes it (+0000); None for anything else. Never a reason to refuse."""
    try:
        if isinstance(value, fields.Number):
            moment = datetime.fromtimestamp(float(value), UTC)
        else:
            moment = datetime.fromisoformat(value)
            moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return moment if _SANE_YEARS[0] <= moment.year <= _SANE_YEARS[1] else None


def _moment(epoch_s: float) -> datetime:
    try:
        return datetime.fromtimestamp(epoch_s, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
