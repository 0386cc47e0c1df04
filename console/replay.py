"""Makes the webhook of a lead that came before once more, signed with the stack's own secret. Pure."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from api.errors import PayloadError
from api.models import Job, Lead
from api.signatures import sign_meta, sign_standard, sign_typeform
from api.sources import strict_json
from console.errors import ConsoleError
from console.format import safe
from console.masking import HIDDEN, mask_json
from console.send import Webhook, key_of, named_form

JSON = {"Content-Type": "application/json"}
SECRET_HEADERS = frozenset({"X-Hub-Signature-256", "webhook-signature", "Typeform-Signature"})
GOOGLE_KEY = "google_key"
UNREADABLE = "unreadable-"
"""What the ids of dead letters begin with whose whole body could not be understood."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What is to be sent again.

    Attributes:
        target: "lead 88213" or "job 01J9…", as the record calls it.
        payload: JSON text: the `value` of a leadgen change, or another source's whole body without its key.
    """

    target: str
    source: str
    external_id: str
    page: str
    form: str
    payload: str


def of_lead(lead: Lead) -> Origin:
    """A stored lead. Meta's answers came from the Graph API: its webhook held ids, which the row still has."""
    payload = _change_value(lead) if lead.source == "meta" else lead.raw
    return Origin(f"lead {lead.id}", lead.source, lead.external_id, lead.page_id, lead.form_id, payload)


def of_job(job: Job) -> Origin:
    """A queued job, or a dead letter."""
    return Origin(f"job {job.id}", job.source, job.external_id, job.page, job.form, job.payload)


def webhook(origin: Origin, stack: Mapping[str, str]) -> Webhook:
    """The request as its sender would make it now.

    Args:
        stack: the stack's settings by name, as in its `.env`.

    Raises:
        UsageError: the stack has no such secret.
        ConsoleError: nobody knows how that source sends, or what was kept is no body of it.
    """
    if origin.external_id.startswith(UNREADABLE):
        raise ConsoleError(
            f"{origin.target} is a body that could not be understood: it would be refused again",
            "leadsctl queue edit replaces its payload",
        )
    makers = {"meta": _meta, "forms": _form, "google": _google, "typeform": _typeform}
    if origin.source not in makers:
        raise ConsoleError(f"nobody knows how {safe(origin.source, 40)} sends its webhooks")
    return makers[origin.source](origin, key_of(stack, origin.source))


def shown_headers(request: Webhook) -> dict[str, str]:
    """The headers without the signature."""
    return {name: HIDDEN if name in SECRET_HEADERS else value for name, value in request.headers.items()}


def shown_body(request: Webhook) -> str:
    """The body on one line, personal data and Google's key masked."""
    body = request.body.decode("utf-8", "replace")
    try:
        members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return mask_json(body)
    if GOOGLE_KEY in members:
        members[GOOGLE_KEY] = msgspec.Raw(b'""')
    return mask_json(msgspec.json.encode(members).decode("utf-8", "replace"))


def _meta(origin: Origin, key: bytes) -> Webhook:
    page = origin.page or "0"
    entry = {"id": page, "time": int(time.time())}
    change = {"field": "leadgen", "value": _raw(origin)}
    body = msgspec.json.encode({"object": "page", "entry": [{**entry, "changes": [change]}]})
    return Webhook("/webhooks/meta", JSON | {"X-Hub-Signature-256": sign_meta(key, body)}, body, origin.external_id)


def _form(origin: Origin, key: bytes) -> Webhook:
    body, now, id_ = bytes(_raw(origin)), int(time.time()), origin.external_id
    headers = {
        "webhook-id": id_,
        "webhook-timestamp": str(now),
        "webhook-signature": sign_standard(key, id_, now, body),
    }
    return Webhook(f"/webhooks/forms/{named_form(origin.page or origin.form)}", JSON | headers, body, id_)


def _google(origin: Origin, key: bytes) -> Webhook:
    body = msgspec.json.encode({**_members(origin), GOOGLE_KEY: key.decode("utf-8", "replace")})
    return Webhook("/webhooks/google", JSON, body, origin.external_id)


def _typeform(origin: Origin, key: bytes) -> Webhook:
    body = bytes(_raw(origin))
    return Webhook("/webhooks/typeform", JSON | {"Typeform-Signature": sign_typeform(key, body)}, body,
                   origin.external_id)  # fmt: skip


def _raw(origin: Origin) -> msgspec.Raw:
    """The payload as it is: no figure of it goes through a float."""
    text = origin.payload.encode("utf-8", "replace")
    try:
        strict_json.loads(text)
    except PayloadError:
        raise _no_body(origin) from None
    return msgspec.Raw(text)


def _members(origin: Origin) -> dict[str, msgspec.Raw]:
    try:
        return msgspec.json.decode(origin.payload.encode("utf-8", "replace"), type=dict[str, msgspec.Raw])
    except (msgspec.MsgspecError, RecursionError):
        raise _no_body(origin) from None


def _no_body(origin: Origin) -> ConsoleError:
    return ConsoleError(
        f"what is kept of {origin.target} is no body of {safe(origin.source, 40)}", "leadsctl queue edit replaces it"
    )


def _change_value(lead: Lead) -> str:
    """The `value` of Meta's leadgen change (developers.facebook.com, "Webhooks for Leads")."""
    created = lead.created_at or lead.received_at
    value = {
        "leadgen_id": lead.external_id,
        "page_id": lead.page_id,
        "form_id": lead.form_id,
        "ad_id": lead.ad_id,
        "created_time": int(created.timestamp()),
    }
    return msgspec.json.encode({name: each for name, each in value.items() if each != ""}).decode()
