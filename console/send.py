"""Sends one signed test webhook to a running stack, as Meta, a web form, Google Ads or Typeform would."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.errors import SettingsError
from api.settings import Settings
from api.signatures import sign_meta, sign_standard, sign_typeform
from api.sources import SOURCES
from api.sources.forms import TEST_TYPE
from api.sources.typeform import EVENT, TEST_FIELD
from console.errors import UnreachableError, UsageError
from console.format import safe, took
from console.ports import Result

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 10.0
MAX_ANSWER = 10_000
KNOWN = ("meta", "google", "typeform")
"""Sources beside web forms that test leads can be sent as."""

TEST_PAGE = "1029"
TEST_FORM = "77"
GOOGLE_COLUMNS = {"full_name": "FULL_NAME", "email": "EMAIL", "phone": "PHONE_NUMBER", "phone_number": "PHONE_NUMBER"}
TYPEFORM_TYPES = {"email": "email", "phone": "phone_number", "phone_number": "phone_number"}
TEST_FIELDS = {"full_name": "Test Lead", "email": "test@example.com", "phone": "+1 202 555 0123"}

_ID = re.compile(r"[!-~]{1,256}")
"""As the service takes them of every source."""
_NAME_SIGNS = str.maketrans("", "", "-_.")


@dataclass(frozen=True, slots=True)
class Webhook:
    """A request ready to be sent. `path` is below the web URL; `external_id` is what the lead will be known by."""

    path: str
    headers: dict[str, str]
    body: bytes
    external_id: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the stack answered. `body` is cut at 10,000 characters; `took_s` is from the first byte to the last."""

    url: str
    external_id: str
    status: int
    body: str
    took_s: float
    request_id: str = ""

    @property
    def accepted(self) -> bool:
        """Whether it was taken."""
        return self.status == 200

    def result(self) -> Result:
        """The same for a front end that shows results of actions."""
        text = f"{self.status} in {took(self.took_s)}: {safe(self.body, 200)}"
        return Result(ok=self.accepted, text=text, changed=int(self.accepted), exit_code=0 if self.accepted else 1)


def meta_webhook(secret: bytes, *, lead_id: str = "", page: str = TEST_PAGE, form: str = TEST_FORM) -> Webhook:
    """A `leadgen` change, signed as Meta signs (see api.signatures). `lead_id` "" makes a new one up."""
    lead_id = lead_id or str(9 * 10**15 + secrets.randbelow(10**15))
    now = int(time.time())
    value = {"leadgen_id": lead_id, "page_id": page, "form_id": form, "created_time": now}
    change = {"field": "leadgen", "value": value}
    entry = {"id": page, "time": now, "changes": [change]}
    body = json.dumps({"object": "page", "entry": [entry]}).encode()
    headers = {"Content-Type": "application/json", "X-Hub-Signature-256": sign_meta(secret, body)}
    return Webhook("/webhooks/meta", headers, body, lead_id)


def form_webhook(secret: bytes, form: str, fields: Mapping[str, str], *, message_id: str = "") -> Webhook:
    """A web form's lead, marked as a test, signed as Standard Webhooks are; `message_id` is its idempotency key."""
    message_id = message_id or f"msg_{secrets.token_hex(12)}"
    now = int(time.time())
    sent_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now))
    body = json.dumps({"type": TEST_TYPE, "timestamp": sent_at, "data": dict(fields)}).encode()
    headers = {
        "Content-Type": "application/json",
        "webhook-id": message_id,
        "webhook-timestamp": str(now),
        "webhook-signature": sign_standard(secret, message_id, now, body),
    }
    return Webhook(f"/webhooks/forms/{form}", headers, body, message_id)


def google_webhook(
    key: bytes, fields: Mapping[str, str], *, lead_id: str = "", form: str = TEST_FORM, test: bool = True
) -> Webhook:
    """A Google Ads lead form's lead, marked as a test or not; `key` is in the body. `lead_id` "" makes a new one up."""
    lead_id = lead_id or f"test-{secrets.token_hex(12)}"
    columns = [
        {"column_id": GOOGLE_COLUMNS.get(name, ""), "column_name": name, "string_value": value}
        for name, value in fields.items()
    ]
    lead = {"lead_id": lead_id, "form_id": int(form) if form.isdecimal() else form, "user_column_data": columns}
    body = json.dumps({**lead, "api_version": "1.0", "is_test": test, "google_key": key.decode()}).encode()
    return Webhook("/webhooks/google", {"Content-Type": "application/json"}, body, lead_id)


def typeform_webhook(
    secret: bytes, fields: Mapping[str, str], *, token: str = "", form: str = TEST_FORM, test: bool = True
) -> Webhook:
    """A Typeform response, signed as Typeform signs; a hidden field marks a test. `token` "" makes one up."""
    token = token or secrets.token_hex(16)
    sent_at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    questions, answers = [], []
    for place, (name, value) in enumerate(fields.items()):
        kind = TYPEFORM_TYPES.get(name, "text")
        field = {"id": f"f{place}", "ref": name, "type": "short_text" if kind == "text" else kind}
        questions.append(field | {"title": name})
        answers.append({"type": kind, kind: value, "field": field})
    response = {
        "form_id": form,
        "token": token,
        "submitted_at": sent_at,
        "hidden": {TEST_FIELD: "1"} if test else {},
        "definition": {"id": form, "title": form, "fields": questions},
        "answers": answers,
    }
    body = json.dumps({"event_id": secrets.token_hex(8), "event_type": EVENT, EVENT: response}).encode()
    headers = {"Content-Type": "application/json", "Typeform-Signature": sign_typeform(secret, body)}
    return Webhook("/webhooks/typeform", headers, body, token)


def prepare(
    stack: Mapping[str, str],
    *,
    source: str = "meta",
    form: str = "",
    fields: Mapping[str, str] | None = None,
    external_id: str = "",
    page: str = "",
    meta_form: str = "",
) -> Webhook:
    """A webhook signed with the stack's own secret: of a source, or of a web form when `form` names one.

    Args:
        stack: the stack's settings by name, as in its `.env`.
        source: meta, google or typeform.
        fields: the answers, of any source but Meta; None: made-up ones.
        page: Meta's page.
        meta_form: Meta's, Google's or Typeform's form.

    Raises:
        UsageError: the stack has no such secret, the form's name or the id cannot be one, or nobody knows how the
            source sends.
    """
    source = "forms" if form else source
    if source not in (*KNOWN, "forms") or (source == "forms" and not form):
        raise UsageError(f"{safe(source, 40)} is no source of test leads", f"use {', '.join(KNOWN)}")
    form = named_form(form) if form else ""
    if external_id and not _ID.fullmatch(external_id):
        raise UsageError(
            f"{safe(external_id, 40)} cannot be a lead's id", "use visible characters of ASCII, at most 256"
        )
    key = key_of(stack, source)
    answers = TEST_FIELDS if fields is None else fields
    if source == "forms":
        return form_webhook(key, form, answers, message_id=external_id)
    if source == "google":
        return google_webhook(key, answers, lead_id=external_id, form=meta_form or TEST_FORM)
    if source == "typeform":
        return typeform_webhook(key, answers, token=external_id, form=meta_form or TEST_FORM)
    return meta_webhook(key, lead_id=external_id, page=page or TEST_PAGE, form=meta_form or TEST_FORM)


def named_form(form: str) -> str:
    """The form's name. UsageError for what cannot be one in a path."""
    if not (form.isascii() and form.translate(_NAME_SIGNS).isalnum()):
        raise UsageError(f"{safe(form, 40)} cannot be a form's name", "use letters, digits, - _ and .")
    return form


def key_of(stack: Mapping[str, str], source: str) -> bytes:
    """The secret that a source signs with now. UsageError when the stack has none, or none that makes sense."""
    wanted = SOURCES[source].secret
    try:
        settings = Settings.load({name: stack[name] for name in (wanted, f"{wanted}_FILE") if stack.get(name)})
    except SettingsError as error:
        raise UsageError(str(error), "correct it in the stack's .env") from error
    keys = settings.keys_of(wanted)
    if not keys:
        raise UsageError(f"{wanted} is not set", "set it in the stack's .env, or name that file with --env-file")
    return keys[0]


async def deliver(web_url: str, webhook: Webhook, *, transport: httpx.AsyncBaseTransport | None = None) -> Answer:
    """Post it and read the answer, whatever its status.

    Raises:
        UnreachableError: the web service does not answer.
    """
    import httpx

    url = web_url.rstrip("/") + webhook.path
    begun = time.monotonic()
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_S, trust_env=False, transport=transport) as client:
            answer = await client.post(url, content=webhook.body, headers=webhook.headers)
    except httpx.HTTPError as error:
        what = str(error) or type(error).__name__
        raise UnreachableError(
            f"the web service does not answer at {web_url}: {what}", "the command ps shows whether app runs"
        ) from error
    return Answer(
        url=url,
        external_id=webhook.external_id,
        status=answer.status_code,
        body=answer.text[:MAX_ANSWER],
        took_s=time.monotonic() - begun,
        request_id=answer.headers.get("x-request-id", ""),
    )
