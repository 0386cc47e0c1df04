"""Owns Meta's Lead Ads webhooks: the subscription handshake, and the `leadgen` changes in a delivery.

Sources: developers.facebook.com, "Webhooks: Getting Started" and "Webhooks for Leads".
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from api.errors import PayloadError, RejectedError
from api.ids import new_id
from api.models import Job
from api.signatures import verify_meta
from api.sources import strict_json
from api.sources.base import Incoming, Parsed, Source, digest
from api.sources.meta_usual import usual_jobs
from api.sources.payload import MAX_ID_DIGITS, kept

MAX_CHALLENGE = 1_024

_SIGNATURE = "x-hub-signature-256"
_ID = re.compile(r"[0-9]{1,40}")
_EVENT_LISTS = ("messaging", "standby")


class MetaSource(Source):
    """Leads of Meta's Lead Ads: `POST /webhooks/meta`. Webhooks bring ids only: the answers come from the Graph API."""

    name = "meta"
    secret = "META_APP_SECRET"  # noqa: S105 - the setting's name
    headers = (_SIGNATURE,)
    fetched = True

    def verify(self, incoming: Incoming, now: float) -> None:
        """Check `X-Hub-Signature-256`; RejectedError (401). Meta signs no time, so `now` does not matter."""
        del now
        verify_meta(self.keys, incoming.body, incoming.headers.get(_SIGNATURE, ""))

    def parse(self, incoming: Incoming) -> Parsed:
        """One job for each `leadgen` change of a page, wherever it stands; everything else is counted."""
        jobs = usual_jobs(incoming.body, incoming.received_at, incoming.request_id)
        if jobs is not None:
            return Parsed(jobs=jobs)
        body = strict_json.loads(incoming.body)
        if not isinstance(body, dict):
            raise PayloadError("the body is not a JSON object")
        parsed = Parsed()
        kind = _text(body.get("object"))
        if "entry" not in body:
            _ignore(parsed, kind, _text(body.get("field")))
        entries = body.get("entry")
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, dict):
                _read_entry(parsed, incoming, kind, entry)
            else:
                _ignore(parsed, kind, "(not an object)")
        return parsed

    def amended(self, job: Job, payload: str) -> Job:
        """See `Source.amended`."""
        return amended(job, payload)


def handshake(query: str, verify_token: str) -> bytes:
    """Answer Meta's subscription request: the challenge, byte for byte.

    Args:
        query: the raw query string.
        verify_token: what the operator entered at Meta; "" matches nothing.

    Raises:
        RejectedError: 403 for a token that is wrong, missing or repeated; 400 for anything else that is off.
    """
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=20, errors="surrogateescape")
    except ValueError:
        raise RejectedError(400, "the query has too many parameters") from None
    values: dict[str, list[str]] = {}
    for key, value in pairs:
        values.setdefault(key, []).append(value)
    if not any(key.startswith("hub.") for key in values):
        raise RejectedError(400, "hub.mode, hub.challenge and hub.verify_token are missing: this is a webhook endpoint")
    tokens = values.get("hub.verify_token", [])
    given = tokens[0].encode("utf-8", "surrogateescape") if len(tokens) == 1 else b""
    if not verify_token or not hmac.compare_digest(given, verify_token.encode()):
        raise RejectedError(403, "hub.verify_token does not match")
    if values.get("hub.mode") != ["subscribe"]:
        raise RejectedError(400, "hub.mode is not subscribe")
    challenges = values.get("hub.challenge", [])
    challenge = challenges[0].encode("utf-8", "surrogateescape") if len(challenges) == 1 else b""
    if not 0 < len(challenge) <= MAX_CHALLENGE:
        raise RejectedError(400, "hub.challenge is missing, repeated or too long")
    return challenge


def lead_id(value: Any) -> str:
    """An id as text, exactly; "" if it is none.

    Meta sends ids as JSON ints and as texts. A float has lost digits; "+1", full-width digits (for which `str.isdigit`
    is true) and an embedded NUL name nothing. Outer whitespace is harmless.
    """
    if isinstance(value, bool):
        return ""
    if isinstance(value, int):
        value = str(value) if 0 <= value < 10**MAX_ID_DIGITS else ""
    elif isinstance(value, str):
        value = value.strip(" \t\r\n")
    else:
        return ""
    return value if _ID.fullmatch(value) else ""


def amended(job: Job, payload: str) -> Job:
    """The job with a payload that an operator wrote: the `value` of a leadgen change, or a body with just one of these.

    Lead, page and form are those of the payload, so that a dead letter without an id becomes a lead.

    Raises:
        PayloadError: it names no lead, or more than one.
    """
    value = strict_json.loads(payload.encode("utf-8", "replace"))
    if isinstance(value, dict) and "entry" in value:
        values = list(_leadgen_values(value))
        if len(values) != 1:
            raise PayloadError(f"a job is one lead, and the body has {len(values)} leadgen changes")
        value = values[0]
    external_id = lead_id(value.get("leadgen_id")) if isinstance(value, dict) else ""
    if not external_id:
        raise PayloadError(_why_invalid(value))
    return msgspec.structs.replace(
        job,
        payload=strict_json.dumps(value),
        external_id=external_id,
        page=lead_id(value.get("page_id")) or job.page,
        form=lead_id(value.get("form_id")) or job.form,
    )


def _leadgen_values(body: dict[str, Any]) -> Iterator[Any]:
    entries = body.get("entry")
    for entry in entries if isinstance(entries, list) else []:
        changes = entry.get("changes") if isinstance(entry, dict) else None
        for change in changes if isinstance(changes, list) else []:
            if isinstance(change, dict) and change.get("field") == "leadgen":
                yield change.get("value")


def _read_entry(parsed: Parsed, incoming: Incoming, kind: str, entry: dict[str, Any]) -> None:
    found = parsed.ignored + len(parsed.jobs)
    changes = entry.get("changes")
    for change in changes if isinstance(changes, list) else []:
        _read_change(parsed, incoming, kind, entry, change)
    for name in _EVENT_LISTS:
        events = entry.get(name)
        for _ in events if isinstance(events, list) else []:
            _ignore(parsed, kind, name)
    names = entry.get("changed_fields")
    for name in names if isinstance(names, list) else []:
        _ignore(parsed, kind, _text(name))
        if kind == "page" and name == "leadgen":
            parsed.notices.append(_values_off(lead_id(entry.get("id"))))
    if found == parsed.ignored + len(parsed.jobs):
        _ignore(parsed, kind, "(no changes)")


def _read_change(parsed: Parsed, incoming: Incoming, kind: str, entry: dict[str, Any], change: Any) -> None:
    if not isinstance(change, dict):
        _ignore(parsed, kind, "(not an object)")
        return
    field = change.get("field")
    if kind != "page" or field != "leadgen":
        _ignore(parsed, kind, _text(field))
        return
    value = change.get("value")
    external_id = lead_id(value.get("leadgen_id")) if isinstance(value, dict) else ""
    payload = kept(value)
    members = value if isinstance(value, dict) else {}
    job = Job(
        id=new_id(),
        source="meta",
        external_id=external_id or "invalid-" + digest(payload.encode()),
        payload=payload,
        received_at=incoming.received_at,
        request_id=incoming.request_id,
        # Meta's own sample pairs an entry id with another page_id: the value's is right. "0" is its test button.
        page=lead_id(members.get("page_id")) or _entry_page(entry),
        form=lead_id(members.get("form_id")),
    )
    if external_id:
        parsed.jobs.append(job)
        return
    parsed.ignored += 1
    parsed.dead.append((job, _why_invalid(value)))


def _entry_page(entry: dict[str, Any]) -> str:
    page = lead_id(entry.get("id"))
    return page if page.strip("0") else ""


def _why_invalid(value: Any) -> str:
    if not isinstance(value, dict):
        return "the leadgen change has no value object"
    if "leadgen_id" not in value:
        return "the leadgen change has no leadgen_id"
    given = value["leadgen_id"]
    if isinstance(given, float):
        return "leadgen_id is a floating-point number: its digits are not exact"
    return f"leadgen_id is not a number of up to {MAX_ID_DIGITS} digits"


def _values_off(page: str) -> tuple[str, str]:
    text = (
        f'Meta reports leads of page {page or "?"} without their ids: switch on "Include Values" in the webhook\'s '
        "subscription, and fetch the missed leads with a backfill"
    )
    return f"include-values:{page or '?'}", text


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "(not a text)" if value is not None else "(none)"


def _ignore(parsed: Parsed, kind: str, field: str) -> None:
    parsed.ignored += 1
    parsed.unhandled.append((kind, field))
