"""Puts counts into words. Pure."""

from __future__ import annotations

from console.format import number, size

STEADY = 1e5
"""Bytes an hour that are not worth a figure."""
STEADY_DAY = 1e6


def counted(count: int, what: str) -> str:
    """A number with its noun: "1 lead", "1,024 leads"."""
    return f"{number(count)} {what}{'' if count == 1 else 's'}"


def growing_daily(daily: float, over: str) -> str:
    """How fast something grows, from bytes a day seen over some time: "+12 MB/day in 3h", "steady"."""
    if abs(daily) < STEADY_DAY:
        return "steady"
    return f"{'+' if daily > 0 else '−'}{size(abs(daily))}/day in {over}"


def growing(hourly: float) -> str:
    """How fast something grows, from bytes an hour: "+12 MB/h", "steady"."""
    if abs(hourly) < STEADY:
        return "steady"
    return f"{'+' if hourly > 0 else '−'}{size(abs(hourly))}/h"
