"""Masks personal data: what is left of a name, an address, a number or a payload until the operator reveals it. Pure.

How long a hidden part is never shows.
"""

from __future__ import annotations

from typing import Any

import msgspec

from console.format import safe, width_of

HIDDEN = "•••"
_PLAIN_KEYS = frozenset(
    {"id", "leadgen_id", "page_id", "form_id", "ad_id", "adgroup_id", "adset_id", "campaign_id", "created_time", "form"}
    | {"page", "source", "type", "platform", "is_organic", "event", "timestamp", "webhook_id", "version", "object"}
    | {"field", "time", "locale", "lead_id", "column_id", "creative_id", "asset_group_id", "event_type", "event_id"}
)


def mask_name(name: str) -> str:
    """A name with the first word whole and an initial of the next: "Ana Silva" → "Ana S•••"; "" stays ""."""
    words = safe(name, 200).split()
    if not words:
        return ""
    first = words[0]
    if len(words) == 1 or len(first) > 20 or "@" in first or sum(map(str.isdigit, first)) > 2:
        return first[0] + HIDDEN
    initial = words[1][0] if words[1][0].isalpha() and width_of(words[1][0]) == 1 else ""
    return f"{first} {initial}{HIDDEN}"


def mask_email(email: str) -> str:
    """An address with the first letter and the domain: "ana@gmail.com" → "a•••@gmail.com"."""
    text = safe(email, 320).strip()
    name, at, domain = text.rpartition("@")
    if not at:
        return mask_value(text)
    return f"{name[:1]}{HIDDEN}@{domain}"


def mask_phone(phone: str) -> str:
    """A phone number with its first three and last two characters: "+5511987654321" → "+55•••21"."""
    text = safe(phone, 64).strip()
    return f"{text[:3]}{HIDDEN}{text[-2:]}" if len(text) > 7 else mask_value(text)


def mask_value(value: str) -> str:
    """Any other answer: its first character only, whatever its length."""
    text = safe(value, 64).strip()
    return text[:1] + HIDDEN if text else ""


def mask_json(payload: str) -> str:
    """A JSON payload as one line with every value masked that is not an id or a time; not JSON: all hidden."""
    try:
        value = msgspec.json.decode(payload)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return mask_value(payload)
    return safe(msgspec.json.encode(_masked(value, "", 0)).decode(), 4_000)


def _masked(value: Any, key: str, depth: int) -> Any:
    if depth > 20:
        return HIDDEN
    if isinstance(value, dict):
        return {str(k): _masked(v, str(k), depth + 1) for k, v in value.items()}
    if isinstance(value, list):
        return [_masked(item, key, depth + 1) for item in value]
    if value is None or isinstance(value, bool) or key.lower() in _PLAIN_KEYS:
        return value
    return mask_email(str(value)) if "@" in str(value) else mask_value(str(value))
