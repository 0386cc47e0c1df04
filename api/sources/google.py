"""Owns leads from Google Ads lead forms: a JSON body that carries the shared key itself.

Source: developers.google.com/google-ads/webhook/docs/implementation. Google takes 200 as delivered, a 4xx as refused
for good (`message` says why), and tries again after a 5xx. Nothing is signed: the key must stay secret, so it is
compared in constant time and left out of whatever is kept.
"""

from __future__ import annotations

import hmac
import re
from typing import Any

from api import fields
from api.errors import PayloadError, RejectedError
from api.models import Job, Lead
from api.signatures import MISMATCH, UNAUTHORIZED
from api.sources import strict_json
from api.sources.base import Incoming, Parsed, Source
from api.sources.payload import kept, lead_of, one_lead, read, sent_id

MAX_BODY = 262_144
"""Bytes. A lead has a few thousand; the body is read before it is known who sent it, so that work must stay small."""

_KEY = "google_key"
_OWN_COLUMN = re.compile(r"[A-Z][A-Z0-9_]*")
_NO_LEAD_ID = "lead_id is missing, or not visible ASCII of up to 256 characters"


class GoogleSource(Source):
    """Leads of Google Ads: `POST /webhooks/google`. One body is one lead; `lead_id` makes it idempotent."""

    name = "google"
    secret = "GOOGLE_KEY"  # noqa: S105 - the setting's name
    reason_key = "message"

    def verify(self, incoming: Incoming, now: float) -> None:
        """Check `google_key` against every key that is valid now; RejectedError (401). Google sends no signed time."""
        del now
        if len(incoming.body) > MAX_BODY:
            raise RejectedError(413, f"the body is larger than {MAX_BODY} bytes")
        try:
            body = strict_json.loads(incoming.body)
        except PayloadError as error:
            raise RejectedError(UNAUTHORIZED, f"{_KEY} cannot be found: {error}") from None
        given = body.get(_KEY) if isinstance(body, dict) else None
        if not isinstance(given, str) or not given:
            raise RejectedError(UNAUTHORIZED, f"{_KEY} is missing")
        content = given.encode("utf-8", "replace")
        if not any(hmac.compare_digest(key, content) for key in self.keys if key):
            raise RejectedError(UNAUTHORIZED, MISMATCH)

    def parse(self, incoming: Incoming) -> Parsed:
        """The body's one lead, without the key; a body without a usable `lead_id` is kept for the operator."""
        body = strict_json.loads(incoming.body)
        if not isinstance(body, dict):
            raise PayloadError("the body is not a JSON object")
        lead_id, form = sent_id(body.get("lead_id")), sent_id(body.get("form_id"))
        payload = kept(_without_key(body))
        return one_lead(self.name, incoming, payload, lead_id=lead_id, form=form, why_not=_NO_LEAD_ID)

    def lead(self, job: Job) -> Lead:
        """The lead in a body: answers by column, ids as text with all their digits. PayloadError: it is not JSON."""
        payload = read(job)
        body = payload.body if isinstance(payload.body, dict) else {}
        answers = _answers(body.get("user_column_data"))
        return lead_of(
            job,
            payload,
            answers,
            fields.contact(answers, self.region),
            ad_id=fields.text_of(body, "creative_id"),
            campaign_id=fields.text_of(body, "campaign_id"),
            campaign_name=fields.text_of(body, "campaign_name"),
            is_test=fields.checked(body.get("is_test")),
            created_at=fields.time_of(body.get("lead_submit_time")),
        )


def _without_key(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != _KEY}


def _answers(columns: Any) -> fields.Fields:
    """`user_column_data` as name → values. Google's own columns go by their id (FULL_NAME), which is the same in every
    language; the advertiser's questions by their text, as far as it is sent.
    """
    found: fields.Fields = {}
    for column in columns if isinstance(columns, list) else []:
        if isinstance(column, dict):
            own = fields.text_of(column, "column_id")
            text = fields.text_of(column, "column_name")
            name = own if _OWN_COLUMN.fullmatch(own) else text or own
            values = column["string_value"] if "string_value" in column else column.get("value")
            found.setdefault(name or "unnamed", []).extend(fields.texts(values))
    return found
