"""What the Graph API's usage headers say: how much of the limits is used up, and how long a block lasts. Pure.

Source: developers.facebook.com/docs/graph-api/overview/rate-limiting. The values are per cent; the time to regain
access is in minutes, and there is no Retry-After.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MIN_WAIT_S = 60.0
MAX_WAIT_S = 86_400.0
DEFAULT_WAIT_S = 900.0

_PERCENT = ("call_count", "total_cputime", "total_time")
_OURS = frozenset({"leadgen", "pages"})
"""Types of use whose limits hold for reading leads."""

_PACE = ((95.0, 15.0), (90.0, 5.0), (80.0, 1.0))
_MAX_HEADER = 20_000


@dataclass(frozen=True, slots=True)
class Usage:
    """What the headers of one answer said.

    Attributes:
        percent: of the limit that is nearest to its end, 0 if unknown.
        regain_s: seconds until access is regained, clamped to a minute .. a day; 0 if nothing usable was said.
    """

    percent: float = 0.0
    regain_s: float = 0.0

    @property
    def pace_s(self) -> float:
        """Seconds to leave between calls so as not to run into the block: none below 80 per cent."""
        return next((seconds for percent, seconds in _PACE if self.percent >= percent), 0.0)


def usage(headers: Mapping[str, str]) -> Usage:
    """Read X-App-Usage and X-Business-Use-Case-Usage. `headers` must find names whatever their case."""
    percent = 0.0
    minutes = 0.0
    app = _object(headers.get("x-app-usage", ""))
    for entry in [app, *_entries(_object(headers.get("x-business-use-case-usage", "")))]:
        percent = max([percent, *(_number(entry.get(name)) for name in _PERCENT)])
        if entry.get("type", "leadgen") in _OURS:
            minutes = max(minutes, _number(entry.get("estimated_time_to_regain_access")))
    return Usage(percent, clamp(minutes * 60.0) if minutes > 0 else 0.0)


def clamp(seconds: float) -> float:
    """A wait within a minute .. a day."""
    return min(max(seconds, MIN_WAIT_S), MAX_WAIT_S)


def _entries(businesses: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for uses in businesses.values():
        for use in uses if isinstance(uses, list) else []:
            if isinstance(use, dict) and isinstance(use.get("type", ""), str):
                yield use


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text[:_MAX_HEADER]) if text else None
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float:
    """`value` if it is a sound positive number, else 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e12:
        return 0.0
    return float(value)
