"""Reads points in time as operators write them: "15m", "2h", "2026-11-24", "12:30", RFC 3339. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from console.errors import UsageError

_AGO = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(s|sec|m|min|h|d|w)")
_SECONDS = {"s": 1, "sec": 1, "m": 60, "min": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")


def point(text: str, now: datetime, option: str) -> datetime:
    """The moment that is meant; without a zone it is local time. `now` is aware.

    Raises:
        UsageError: it cannot be read; names `option`.
    """
    try:
        moment = _moment(text.strip(), now)
        moment.astimezone(UTC)  # the first and the last day of the calendar are beyond it in some zones
    except (ValueError, OverflowError, OSError):
        raise UsageError(
            f"{option} {text.strip()} is not a time", "write 15m, 2h, 3d, 12:30, 2026-11-24 or 2026-11-24T12:30"
        ) from None
    return moment


def _moment(text: str, now: datetime) -> datetime:
    if found := _AGO.fullmatch(text):
        return now - timedelta(seconds=float(found[1]) * _SECONDS[found[2]])
    if found := _CLOCK.fullmatch(text):
        today = now.astimezone().replace(tzinfo=None)
        # Made local anew: on the day on which clocks are changed the morning has another offset than now.
        return today.replace(
            hour=int(found[1]), minute=int(found[2]), second=int(found[3] or 0), microsecond=0
        ).astimezone()
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.astimezone()
