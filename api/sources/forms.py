"""Owns leads from web forms and other systems: any JSON object, signed as Standard Webhooks (standardwebhooks.com)."""

from __future__ import annotations

import msgspec

from api import fields
from api.errors import PayloadError
from api.models import Job, Lead
from api.signatures import verify_standard
from api.sources import strict_json
from api.sources.base import Incoming, Parsed, Source
from api.sources.payload import lead_of, one_lead, read

TEST_TYPE = "lead.test"
"""The `type` of a body that marks a test lead."""

_ID, _TIMESTAMP, _SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


class FormsSource(Source):
    """Generic signed leads: `POST /webhooks/forms/{form}`. One body is one lead; `webhook-id` makes it idempotent."""

    name = "forms"
    secret = "FORMS_SECRET"  # noqa: S105 - the setting's name
    headers = (_ID, _TIMESTAMP, _SIGNATURE)
    named = True

    def verify(self, incoming: Incoming, now: float) -> None:
        """Check id, timestamp (within five minutes of `now`, epoch s) and signature; RejectedError (401)."""
        headers = incoming.headers
        verify_standard(
            self.keys,
            incoming.body,
            message_id=headers.get(_ID, ""),
            timestamp=headers.get(_TIMESTAMP, ""),
            signature=headers.get(_SIGNATURE, ""),
            now=now,
        )

    def parse(self, incoming: Incoming) -> Parsed:
        """The body's one lead. PayloadError when it is not a JSON object or nested beyond reason."""
        body = strict_json.loads(incoming.body)
        if not isinstance(body, dict):
            raise PayloadError("the body is not a JSON object")
        payload, lead_id = strict_json.dumps(body), incoming.headers[_ID]
        return one_lead(self.name, incoming, payload, lead_id=lead_id, form=incoming.name, why_not=f"{_ID} is missing")

    def lead(self, job: Job) -> Lead:
        """The lead in {"type", "timestamp", "data": {…}}, or in just the answers. PayloadError: it is not JSON."""
        payload = read(job)
        data = fields.form_data(payload.body)
        answers = fields.form_fields(data)
        outer = payload.body if isinstance(payload.body, dict) else {}
        return lead_of(
            job,
            payload,
            answers,
            fields.contact(answers, self.region),
            form_name=fields.text_of(data, "form_name"),
            page_name=fields.text_of(data, "page_name"),
            ad_id=fields.text_of(data, "ad_id"),
            ad_name=fields.text_of(data, "ad_name"),
            campaign_id=fields.text_of(data, "campaign_id"),
            campaign_name=fields.text_of(data, "campaign_name")
            or fields.text_of(data, "utm_campaign")
            or fields.first_of(answers, "utm_campaign"),
            platform=fields.text_of(data, "platform"),
            consent=fields.form_consent(data),
            is_test=outer.get("type") == TEST_TYPE,
            created_at=fields.time_of(outer.get("timestamp")),
        )

    def amended(self, job: Job, payload: str) -> Job:
        """See `Source.amended`; the id was in a header, and stays. PayloadError: it is not JSON."""
        changed = msgspec.structs.replace(job, payload=payload)
        self.lead(changed)
        return changed
