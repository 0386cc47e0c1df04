"""Owns leads from Typeform: `form_response` events, signed with the webhook's secret.

Sources: typeform.com/developers/webhooks, "Secure your webhooks" and "Example payload".
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from api import fields
from api.errors import PayloadError
from api.models import Job, Lead
from api.signatures import verify_typeform
from api.sources import strict_json
from api.sources.base import Incoming, Parsed, Source
from api.sources.payload import kept, lead_of, one_lead, read, sent_id

EVENT = "form_response"
TEST_FIELD = "leads_test"
"""The hidden field that marks a test lead, whatever it holds."""

_SIGNATURE = "typeform-signature"
_NO_TOKEN = "form_response.token is missing, or not visible ASCII of up to 256 characters"  # noqa: S105 - no secret


class TypeformSource(Source):
    """Leads of Typeform: `POST /webhooks/typeform`. A `form_response` is one lead; its `token` makes it idempotent."""

    name = "typeform"
    secret = "TYPEFORM_SECRET"  # noqa: S105 - the setting's name
    headers = (_SIGNATURE,)

    def verify(self, incoming: Incoming, now: float) -> None:
        """Check `Typeform-Signature`; RejectedError (401). Typeform signs no time, so `now` does not matter."""
        del now
        verify_typeform(self.keys, incoming.body, incoming.headers.get(_SIGNATURE, ""))

    def parse(self, incoming: Incoming) -> Parsed:
        """The body's one lead; another event is counted. PayloadError when it is not a JSON object."""
        body = strict_json.loads(incoming.body)
        if not isinstance(body, dict):
            raise PayloadError("the body is not a JSON object")
        event = body.get("event_type")
        if event != EVENT:
            kind = event if isinstance(event, str) else "(no event_type)"
            return Parsed(ignored=1, unhandled=[(self.name, kind)])
        response = _member(body, EVENT)
        token, form = sent_id(response.get("token")), sent_id(response.get("form_id"))
        return one_lead(self.name, incoming, kept(body), lead_id=token, form=form, why_not=_NO_TOKEN)

    def lead(self, job: Job) -> Lead:
        """The lead in a response: answers by the question's text, then hidden fields. PayloadError: it is not JSON."""
        payload = read(job)
        response = _member(payload.body, EVENT)
        definition = _member(response, "definition")
        hidden = {name: fields.texts(value) for name, value in _member(response, "hidden").items()}
        answers, typed, consent = _answers(response.get("answers"), _titles(definition))
        everything = answers | {f"hidden.{name}": values for name, values in hidden.items()} | _variables(response)
        return lead_of(
            job,
            payload,
            everything,
            self._contact(answers, typed, hidden),
            form_name=fields.text_of(definition, "title"),
            campaign_id=fields.first_of(hidden, "campaign_id"),
            campaign_name=fields.first_of(hidden, "utm_campaign"),
            consent=consent,
            status="stored" if answers else "partial",
            is_test=TEST_FIELD in hidden,
            created_at=fields.time_of(response.get("submitted_at")) or fields.time_of(response.get("landed_at")),
        )

    def _contact(self, answers: fields.Fields, typed: fields.Fields, hidden: fields.Fields) -> fields.Contact:
        """Who it is: by the questions' texts, then by the answers' types, then what the form knew beforehand."""
        who = fields.contact(answers, self.region)
        for other in (fields.contact(typed, self.region), fields.contact(hidden, self.region)):
            if not who.phone:
                who = replace(who, phone=other.phone, phone_e164=other.phone_e164)
            who = replace(who, full_name=who.full_name or other.full_name, email=who.email or other.email)
        return who


def _member(value: Any, name: str) -> dict[str, Any]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _titles(definition: dict[str, Any]) -> dict[str, str]:
    """Field id → the question's text."""
    listed = definition.get("fields")
    questions = [field for field in listed if isinstance(field, dict)] if isinstance(listed, list) else []
    return {fields.text_of(field, "id"): " ".join(fields.text_of(field, "title").split()) for field in questions}


def _answers(listed: Any, titles: dict[str, str]) -> tuple[fields.Fields, fields.Fields, dict[str, bool]]:
    """All answers by question; those whose type says what they are, by type; and what was agreed to."""
    found: fields.Fields = {}
    typed: fields.Fields = {}
    consent: dict[str, bool] = {}
    for answer in listed if isinstance(listed, list) else []:
        if not isinstance(answer, dict):
            continue
        field = _member(answer, "field")
        name = titles.get(fields.text_of(field, "id")) or fields.text_of(field, "ref") or fields.text_of(field, "id")
        kind = fields.text_of(answer, "type")
        values = _values(answer, kind)
        found.setdefault(name or "unnamed", []).extend(values)
        if kind in ("email", "phone_number"):
            typed.setdefault(kind, []).extend(values)
        if fields.text_of(field, "type") == "legal":
            consent[name or "unnamed"] = fields.checked(answer.get("boolean"))
    return found, typed, consent


def _values(answer: dict[str, Any], kind: str) -> list[str]:
    """An answer's values. A type that is not known keeps whatever it brings."""
    value = answer.get(kind)
    if kind == "choice" and isinstance(value, dict):
        return fields.texts([value[key] for key in ("label", "other") if key in value] or value)
    if kind == "choices" and isinstance(value, dict):
        labels = value.get("labels")
        return fields.texts([*(labels if isinstance(labels, list) else [labels]), value.get("other")])
    if kind in answer:
        return fields.texts(value)
    return fields.texts({key: item for key, item in answer.items() if key not in ("field", "type")} or None)


def _variables(response: dict[str, Any]) -> fields.Fields:
    """What the form computed: the score, and variables by their keys."""
    found = {f"calculated.{name}": fields.texts(value) for name, value in _member(response, "calculated").items()}
    listed = response.get("variables")
    for variable in listed if isinstance(listed, list) else []:
        if isinstance(variable, dict):
            key, kind = fields.text_of(variable, "key"), fields.text_of(variable, "type")
            found.setdefault(f"variables.{key or 'unnamed'}", []).extend(fields.texts(variable.get(kind)))
    return found
