"""Owns what the description of the HTTP interface says of each source: its headers, its body, an example that works.

The examples are signed with `EXAMPLE_SECRETS`: a server that has these takes them as they stand, but for a form's
timestamp, which must be of now. A body is sent as compact JSON, its members in the order shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from api.signatures import sign_meta, sign_standard, sign_typeform
from api.sources import Source

JSON = dict[str, Any]

EXAMPLE_KEY = b"an example, 24 bytes long"
EXAMPLE_SECRETS: Mapping[str, str] = {
    "META_APP_SECRET": "example-app-secret",
    "META_VERIFY_TOKEN": "example-verify-token",
    "FORMS_SECRET": "whsec_YW4gZXhhbXBsZSwgMjQgYnl0ZXMgbG9uZw==",
    "GOOGLE_KEY": "example-google-key",
    "TYPEFORM_SECRET": "example-typeform-secret",
}
EXAMPLE_ID = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"
EXAMPLE_TIME = 1_674_087_231


@dataclass(frozen=True, slots=True)
class Described:
    """What is told of one source.

    Attributes:
        operation: its operationId.
        summary: one line without a full stop.
        about: what becomes of what is sent.
        schema: of the body; it says what is looked for, not what is demanded.
        example: a body.
        headers: (name, description, pattern, example) of those it must come with.
        limit: bytes of a body, 0 if it has no limit of its own.
    """

    operation: str
    summary: str
    about: str
    schema: JSON
    example: JSON
    headers: tuple[tuple[str, str, str, str], ...] = field(default=())
    limit: int = 0


def undescribed(source: Source) -> Described:
    """What can be told of a source that nothing is said of here."""
    return Described(
        operation=f"{source.name}Webhook",
        summary=f"Leads from {source.name}",
        about=f"Verified with {source.secret}.",
        schema=_object("What the sender sends"),
        example={},
        headers=tuple((header, "As the sender signs", "", "") for header in source.headers),
    )


def compact(body: JSON) -> bytes:
    """A body as it is signed in the examples."""
    return msgspec.json.encode(body)


def _object(about: str, required: tuple[str, ...] = (), **members: JSON) -> JSON:
    return {"type": "object", "description": about, "required": list(required), "properties": members}


def _told(about: str) -> JSON:
    return {"description": about}


_META: JSON = {
    "object": "page",
    "entry": [
        {
            "id": "153125381133",
            "time": 1_438_292_065,
            "changes": [
                {
                    "field": "leadgen",
                    "value": {
                        "leadgen_id": "123123123123",
                        "page_id": "153125381133",
                        "form_id": "12312312312",
                        "adgroup_id": "12312312313",
                        "ad_id": "12312312313",
                        "created_time": 1_440_120_384,
                    },
                }
            ],
        }
    ],
}
_FORM: JSON = {
    "type": "lead.created",
    "timestamp": "2023-01-19T00:40:31Z",
    "data": {"full_name": "Ana Example", "email": "ana@example.com", "phone": "+1 202 555 0123"},
}
_GOOGLE: JSON = {
    "lead_id": "TeSter-123-ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "user_column_data": [
        {"column_name": "Full Name", "string_value": "Ana Example", "column_id": "FULL_NAME"},
        {"column_name": "User Email", "string_value": "ana@example.com", "column_id": "EMAIL"},
    ],
    "api_version": "1.0",
    "form_id": 40_000_000_000,
    "campaign_id": 123_456,
    "google_key": EXAMPLE_SECRETS["GOOGLE_KEY"],
    "is_test": True,
    "gcl_id": "example-gcl-id",
}
_TYPEFORM: JSON = {
    "event_id": "LtWXD3crgy",
    "event_type": "form_response",
    "form_response": {
        "form_id": "lT4Z3j",
        "token": "a3a12ec67a1365927098a606107fac15",
        "submitted_at": "2018-01-18T18:17:02Z",
        "definition": {
            "id": "lT4Z3j",
            "title": "Contact",
            "fields": [{"id": "SMEUb7VJz92Q", "ref": "email", "title": "Your e-mail?", "type": "email"}],
        },
        "answers": [
            {
                "type": "email",
                "email": "ana@example.com",
                "field": {"id": "SMEUb7VJz92Q", "ref": "email", "type": "email"},
            }
        ],
    },
}

DESCRIBED: Mapping[str, Described] = {
    "meta": Described(
        operation="metaWebhook",
        summary="Leads from Meta",
        about="One job for each leadgen change. Anything else that is signed well is counted and ignored.",
        schema=_object(
            "A Meta webhook",
            object=_told("What it is about: a page, for leads"),
            entry=_told(
                "A list of {id, time, changes: [{field, value}]}; a leadgen change is a lead by its leadgen_id"
            ),
        ),
        example=_META,
        headers=(
            (
                "X-Hub-Signature-256",
                "sha256= and the hexadecimal HMAC-SHA256 of the raw body, keyed with META_APP_SECRET",
                "^sha256=[0-9a-fA-F]{64}$",
                sign_meta(EXAMPLE_SECRETS["META_APP_SECRET"].encode(), compact(_META)),
            ),
        ),
    ),
    "forms": Described(
        operation="formWebhook",
        summary="A lead from a form or another system",
        about="Signed as Standard Webhooks (standardwebhooks.com). One body is one lead.",
        schema=_object("Any JSON object, nested at most 64 levels"),
        example=_FORM,
        headers=(
            ("webhook-id", "Idempotency key: visible ASCII without a full stop", "^[!-\\-/-~]{1,256}$", EXAMPLE_ID),
            ("webhook-timestamp", "Epoch seconds, within five minutes of now", "^[0-9]{1,12}$", str(EXAMPLE_TIME)),
            (
                "webhook-signature",
                "v1, and the base64 HMAC-SHA256 of id.timestamp.body, keyed with FORMS_SECRET; several by spaces",
                "",
                sign_standard(EXAMPLE_KEY, EXAMPLE_ID, EXAMPLE_TIME, compact(_FORM)),
            ),
        ),
    ),
    "google": Described(
        operation="googleWebhook",
        summary="A lead from a Google Ads lead form",
        about="One body is one lead, known by its lead_id. The key is not kept.",
        schema=_object(
            "A lead as Google Ads sends it",
            ("google_key",),
            google_key={"type": "string", "description": "What GOOGLE_KEY says"},
            lead_id=_told("The idempotency key; a lead without one is kept for the operator"),
            user_column_data=_told("A list of {column_id, column_name, string_value}"),
        ),
        example=_GOOGLE,
        limit=262_144,
    ),
    "typeform": Described(
        operation="typeformWebhook",
        summary="A lead from Typeform",
        about="A form_response is one lead, known by its token. Another event is counted and ignored.",
        schema=_object(
            "A Typeform event",
            event_type=_told("form_response, for a lead"),
            form_response=_told("{form_id, token, submitted_at, definition, answers, hidden, …}"),
        ),
        example=_TYPEFORM,
        headers=(
            (
                "Typeform-Signature",
                "sha256= and the base64 HMAC-SHA256 of the raw body, keyed with TYPEFORM_SECRET",
                "^sha256=[A-Za-z0-9+/=]{44}$",
                sign_typeform(EXAMPLE_SECRETS["TYPEFORM_SECRET"].encode(), compact(_TYPEFORM)),
            ),
        ),
    ),
}
"""By the source's name in its registry."""
