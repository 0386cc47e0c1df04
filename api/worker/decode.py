"""Jobs of Meta's as leads, with what the Graph API gave. Pure."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from api import fields
from api.graph import GraphLead
from api.models import Job, Lead


def meta_lead(job: Job, found: GraphLead, names: dict[str, str], region: str = "") -> Lead:
    """The lead the Graph API gave for a job; what it left out is taken from the webhook.

    `names` are those of forms and pages by id, as far as they are known; `region` is for phone numbers without country.
    """
    data = found.data
    ad_id, created_at = fields.text_of(data, "ad_id"), fields.time_of(data.get("created_time"))
    value = {} if ad_id and created_at else webhook_value(job)
    answers = fields.graph_fields(data.get("field_data"))
    who = fields.contact(answers, region)
    form_id = fields.text_of(data, "form_id") or job.form
    return Lead(
        source=job.source,
        external_id=job.external_id,
        received_at=fields.moment(job.received_at),
        job_id=job.id,
        page_id=job.page,
        page_name=names.get(job.page, ""),
        form_id=form_id,
        form_name=names.get(form_id, ""),
        # What webhooks call adgroup_id is the ad.
        ad_id=ad_id or fields.text_of(value, "ad_id") or fields.text_of(value, "adgroup_id"),
        ad_name=fields.text_of(data, "ad_name"),
        campaign_id=fields.text_of(data, "campaign_id"),
        campaign_name=fields.text_of(data, "campaign_name"),
        full_name=who.full_name,
        email=who.email,
        phone=who.phone,
        phone_e164=who.phone_e164,
        platform=fields.text_of(data, "platform"),
        fields=answers,
        consent=fields.graph_consent(data.get("custom_disclaimer_responses")),
        raw=found.raw,
        status="stored" if found.has_fields else "partial",
        is_test=fields.is_test(answers, job.external_id),
        cleaned=found.cleaned,
        created_at=created_at or fields.time_of(value.get("created_time")),
    )


def dashboard_lead(job: Job) -> Lead:
    """The lead that Meta's dashboard makes up for its test button: it has no answers, and nobody need look for them."""
    raw = fields.clean_json(job.payload)[0]
    value = webhook_value(job)
    return Lead(
        source=job.source,
        external_id=job.external_id,
        received_at=fields.moment(job.received_at),
        job_id=job.id,
        page_id=job.page,
        form_id=job.form,
        ad_id=fields.text_of(value, "ad_id") or fields.text_of(value, "adgroup_id"),
        raw=raw if value else "{}",
        status="partial",
        is_test=True,
        created_at=fields.time_of(value.get("created_time")),
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
    return msgspec.structs.replace(lead, raw=json.dumps(lead.raw), cleaned=True)
