"""What is typed to find leads, to a filter: words, and `key:value` for source, form, page, campaign, status and day."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

from api.models import LeadFilter

KEYS = ("source", "form", "page", "campaign", "status")
HINT = "name, e-mail, phone, id · source:meta form:… page:… campaign:… status:… day:today"


def lead_filter(text: str, now: float) -> LeadFilter:
    """The filter that `text` means. `day:` takes today, yesterday or YYYY-MM-DD (local days); the rest are fragments.

    What is not understood is searched for as it stands.
    """
    found = LeadFilter()
    words: list[str] = []
    for token in _tokens(text):
        key, colon, value = token.partition(":")
        key = key.lower()
        if colon and value and key in KEYS:
            found = _with(found, key, value)
        elif colon and key == "day" and (span := _day(value, now)):
            found = replace(found, since=span[0], until=span[1])
        else:
            words.append(token)
    return replace(found, text=" ".join(words))


def parts(text: str) -> dict[str, str]:
    """What is typed by key, for a form to be filled in; the words without a key are "text"."""
    found: dict[str, str] = {}
    words: list[str] = []
    for token in _tokens(text):
        key, colon, value = token.partition(":")
        if colon and value and key.lower() in (*KEYS, "day"):
            found[key.lower()] = value
        else:
            words.append(token)
    return {"text": " ".join(words), **found}


def searched(values: Mapping[str, str]) -> str:
    """The other way: what would be typed for these values."""
    words = [values.get("text", "").strip()]
    for key in (*KEYS, "day"):
        value = values.get(key, "").replace('"', " ").strip()
        if value:
            words.append(f'{key}:"{value}"' if " " in value else f"{key}:{value}")
    return " ".join(word for word in words if word)


def _with(found: LeadFilter, key: str, value: str) -> LeadFilter:
    match key:
        case "source":
            return replace(found, source=value)
        case "form":
            return replace(found, form=value)
        case "page":
            return replace(found, page=value)
        case "campaign":
            return replace(found, campaign=value)
        case _:
            return replace(found, status=value)


def _tokens(text: str) -> list[str]:
    try:
        lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
        lexer.whitespace_split = True
        lexer.commenters = ""
        lexer.quotes = '"'
        lexer.escape = ""
        return list(lexer)
    except ValueError:  # an open quotation mark: still being typed
        return text.replace('"', " ").split()


def _day(value: str, now: float) -> tuple[datetime, datetime] | None:
    today = datetime.fromtimestamp(now).astimezone().date()
    try:
        match value:
            case "today":
                return _midnight(today), _midnight(today + timedelta(days=1))
            case "yesterday":
                return _midnight(today - timedelta(days=1)), _midnight(today)
            case _:
                start = datetime.strptime(value, "%Y-%m-%d").astimezone().date()
                return _midnight(start), _midnight(start + timedelta(days=1))
    except (ValueError, OverflowError, OSError):
        return None


def _midnight(day: date) -> datetime:
    """The local day's beginning: each has its own offset from UTC where the clocks change."""
    return datetime(day.year, day.month, day.day).astimezone()
