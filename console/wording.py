"""Puts counts into words. Pure."""

from __future__ import annotations

from console.format import number


def counted(count: int, what: str) -> str:
    """A number with its noun: "1 lead", "1,024 leads"."""
    return f"{number(count)} {what}{'' if count == 1 else 's'}"
