"""Owns single values of a payload as a row takes them: texts of bounded length, moments within reason. Never raises."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from api.fields.answers import Fields
from api.fields.json_text import Number

MAX_TEXT = 1_000
"""Characters kept of a name or an id."""

MAX_BYTES = 1_500
"""Of these as UTF-8: an index of Postgres takes 2,704, and in lower case a text may have half as many more."""

_SANE_YEARS = (1970, 2200)


def text_of(data: dict[str, Any], key: str) -> str:
    """A text member, "" for anything else."""
    value = data.get(key)
    if value is None:
        return ""
    return _bounded(str(value)) if isinstance(value, str) else ""


def first_of(answers: Fields, key: str) -> str:
    """The first value of an answer, "" if there is none."""
    values = answers.get(key)
    return _bounded(values[0]) if values else ""


def time_of(value: Any) -> datetime | None:
    """Epoch seconds, or ISO 8601 also as Meta writes it (+0000); None for anything else."""
    if value is None:
        return None
    try:
        if isinstance(value, Number):
            moment = datetime.fromtimestamp(float(value), UTC)
        else:
            moment = datetime.fromisoformat(value)
            moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return moment if _SANE_YEARS[0] <= moment.year <= _SANE_YEARS[1] else None


def moment(epoch_s: float) -> datetime:
    """Epoch seconds as a moment; the epoch for what is none."""
    try:
        return datetime.fromtimestamp(epoch_s, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)


def _bounded(text: str) -> str:
    """The beginning of a text, whole characters."""
    kept = text[:MAX_TEXT]
    if kept.isascii() or 4 * len(kept) <= MAX_BYTES:
        return kept
    return kept.encode("utf-8", "replace")[:MAX_BYTES].decode("utf-8", "ignore")
