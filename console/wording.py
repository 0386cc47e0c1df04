"""Puts counts into words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.format import number, safe, size, took

if TYPE_CHECKING:
    from api.models import QueueSnapshot

STEADY = 1e5
"""Bytes an hour that are not worth a figure."""
STEADY_DAY = 1e6
SEASON_DAYS = 90


def counted(count: int, what: str) -> str:
    """A number with its noun: "1 lead", "1,024 leads"."""
    return f"{number(count)} {what}{'' if count == 1 else 's'}"


def growing_daily(daily: float, over: str = "") -> str:
    """How fast something grows, from bytes a day seen over some time: "+12 MB/day in 3h", "+12 MB/day", "steady"."""
    if abs(daily) < STEADY_DAY:
        return "steady"
    return f"{'+' if daily > 0 else '−'}{size(abs(daily))}/day{f' in {over}' if over else ''}"


def growing(hourly: float) -> str:
    """How fast something grows, from bytes an hour: "+12 MB/h", "steady"."""
    if abs(hourly) < STEADY:
        return "steady"
    return f"{'+' if hourly > 0 else '−'}{size(abs(hourly))}/h"


def database_version(version: str) -> str:
    """The database with its version, as in "PostgreSQL 18.6"; "" when that is not known."""
    return f"PostgreSQL {safe(version, 60)}" if version else ""


def full_in(days_left: float | None) -> str:
    """When a disk will be full, as the end of a sentence about it; "" if that is not within a season or not known."""
    return f", full in {days_left:,.0f} days" if days_left is not None and days_left < SEASON_DAYS else ""


def aof_facts(queue: QueueSnapshot) -> list[tuple[str, str, str]]:
    """What Redis tells of its append-only file: name, figure, meaning. When it last synced it does not tell."""
    file, facts = queue.aof_file, []
    if file is None:
        return []
    if file.size_bytes is not None:
        base = f"{size(file.base_bytes)} after the last rewrite" if file.base_bytes else ""
        facts.append(("file", size(file.size_bytes), base))
    if file.pending_fsyncs is not None:
        late = f"{number(file.delayed_fsyncs)} delayed since its start" if file.delayed_fsyncs is not None else ""
        facts.append(("fsync", f"{number(file.pending_fsyncs)} waiting", late))
    if file.rewriting is not None:
        done = "none since its start" if file.rewrite_s is None else f"the last one took {took(file.rewrite_s)}"
        facts.append(("rewrite", "now" if file.rewriting else "–", done))
    return facts
