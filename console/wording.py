"""Puts counts into words. Pure."""

from __future__ import annotations

from console.format import number, size

STEADY = 1e5
"""Bytes an hour that are not worth a figure."""


def counted(count: int, what: str) -> str:
    """A number with its noun: "1 lead", "1,024 leads"."""
    return f"{number(count)} {what}{'' if count == 1 else 's'}"


def growing(hourly: float) -> str:
    """How fast something grows, from bytes an hour: "+12 MB/h", "steady"."""
    if abs(hourly) < STEADY:
        return "steady"
    return f"{'+' if hourly > 0 else '−'}{size(abs(hourly))}/h"
