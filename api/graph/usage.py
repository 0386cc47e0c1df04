"""What the Graph API's usage headers say: how much of which limit is used up, and how long a block lasts. Pure.

Source: developers.facebook.com/docs/graph-api/overview/rate-limiting. Use is in per cent. `X-App-Usage` and
`X-Ad-Account-Usage` hold one object, `X-Business-Use-Case-Usage` lists of them by business id, one a type of use. The
time to regain access is in minutes, an ad account's reset in seconds; there is no Retry-After.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

MIN_WAIT_S = 60.0
MAX_WAIT_S = 86_400.0
DEFAULT_WAIT_S = 900.0

FULL = 100.0
"""Per cent of a limit at which calls stop, before the API blocks them."""

_PERCENT = ("call_count", "total_cputime", "total_time")
_OURS = frozenset({"leadgen", "pages"})
"""Types of use whose limits hold for reading leads."""

_PACE = ((95.0, 15.0), (90.0, 5.0), (80.0, 1.0))
_MAX_HEADER = 20_000


@dataclass(frozen=True, slots=True)
class Level:
    """How far one limit is used up.

    Attributes:
        percent: of the limit, 0 if unknown.
        regain_s: seconds until access is regained, clamped to a minute .. a day; 0 if nothing usable was said.
        said: a header spoke of it. Not every answer has one.
    """

    percent: float = 0.0
    regain_s: float = 0.0
    said: bool = False

    @property
    def pace_s(self) -> float:
        """Seconds to leave between calls so as not to run into the block: none below 80 per cent."""
        return next((seconds for percent, seconds in _PACE if self.percent >= percent), 0.0)

    @property
    def stop_s(self) -> float:
        """Seconds for which there should be no call at all: as told, a minute where nothing is told; 0 to go on."""
        return self.regain_s or (MIN_WAIT_S if self.percent >= FULL else 0.0)

    def worst(self, other: Level) -> Level:
        """What both together demand."""
        return Level(max(self.percent, other.percent), max(self.regain_s, other.regain_s), said=self.said or other.said)


@dataclass(frozen=True, slots=True)
class Usage:
    """What the headers of an answer said of the limits of the page that was asked for, and of the whole app."""

    page: Level = field(default_factory=Level)
    app: Level = field(default_factory=Level)

    def worst(self, other: Usage) -> Usage:
        """What both together demand."""
        return Usage(self.page.worst(other.page), self.app.worst(other.app))


def usage(headers: Mapping[str, str]) -> Usage:
    """Read the usage headers of an answer. `headers` must find names whatever their case."""
    page = Level()
    for use in _uses(_object(headers.get("x-business-use-case-usage", ""))):
        page = page.worst(_level(use, use.get("estimated_time_to_regain_access"), 60.0))
    account = _object(headers.get("x-ad-account-usage", ""))
    percent = _number(account.get("acc_id_util_pct"))
    reset_s = _number(account.get("reset_time_duration")) if percent >= FULL else 0.0
    page = page.worst(Level(percent, clamp(reset_s) if reset_s else 0.0, said=bool(account)))
    return Usage(page, _level(_object(headers.get("x-app-usage", "")), 0, 60.0))


def clamp(seconds: float) -> float:
    """A wait within a minute .. a day."""
    return min(max(seconds, MIN_WAIT_S), MAX_WAIT_S)


def _level(use: dict[str, Any], regain: Any, unit_s: float) -> Level:
    regain_s = _number(regain) * unit_s
    percent = max(_number(use.get(name)) for name in _PERCENT)
    return Level(percent, clamp(regain_s) if regain_s else 0.0, said=bool(use))


def _uses(businesses: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The uses that count for reading leads; one without a type does."""
    for uses in businesses.values():
        for use in uses if isinstance(uses, list) else []:
            if isinstance(use, dict) and isinstance(kind := use.get("type", "leadgen"), str) and kind in _OURS:
                yield use


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text) if 0 < len(text) <= _MAX_HEADER else None
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> float:
    """`value` if it is a sound positive number, else 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e12:
        return 0.0
    return float(value)
