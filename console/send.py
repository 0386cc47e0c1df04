"""Sends one signed test webhook to a running stack, as Meta or a web form would."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from api.errors import SettingsError
from api.settings import Settings
from api.signatures import sign_meta, sign_standard
from console.errors import UnreachableError, UsageError
from console.format import safe, took
from console.ports import Result

if TYPE_CHECKING:
    import httpx

TIMEOUT_S = 10.0
MAX_ANSWER = 10_000
TEST_TYPE = "lead.test"
"""By which the worker knows a form's lead as a test."""
TEST_PAGE = "1029"
TEST_FORM = "77"
TEST_FIELDS = {"full_name": "Test Lead", "email": "test@example.com", "phone": "+1 202 555 0123"}


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


def prepare(
    stack: Mapping[str, str],
    *,
    form: str = "",
    fields: Mapping[str, str] | None = None,
    external_id: str = "",
    page: str = "",
    meta_form: str = "",
) -> Webhook:
    """A webhook signed with the stack's own secret: Meta's, or a web form's when `form` names one.

    Args:
        stack: the stack's settings by name, as in its `.env`.
        fields: a form's answers; None: made-up ones.

    Raises:
        UsageError: the stack has no such secret, or the form's name cannot be one.
    """
    wanted = "FORMS_SECRET" if form else "META_APP_SECRET"
    try:
        settings = Settings.load({name: stack[name] for name in (wanted, f"{wanted}_FILE") if stack.get(name)})
    except SettingsError as error:
        raise UsageError(str(error), "correct it in the stack's .env") from error
    keys = settings.forms_secrets if form else settings.meta_app_secrets
    if not keys:
        raise UsageError(f"{wanted} is not set", "set it in the stack's .env, or name that file with --env-file")
    if not form:
        return meta_webhook(keys[0], lead_id=external_id, page=page or TEST_PAGE, form=meta_form or TEST_FORM)
    if not (form.isascii() and form.replace("-", "").replace("_", "").replace(".", "").isalnum()):
        raise UsageError(f"{safe(form, 40)} cannot be a form's name", "use letters, digits, - _ and .")
    return form_webhook(keys[0], form, TEST_FIELDS if fields is None else fields, message_id=external_id)


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
