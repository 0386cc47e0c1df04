"""How fresh a reading is, and the sentence that says so."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from console.format import Cell, Tone, age
from console.snapshots import Reading

T = TypeVar("T")

LIVE_S = 2.0
"""A reading younger than this is called live: its age would only flicker."""
LOADING_AFTER_S = 0.2
"""A panel stays silent for so long before it says that it is reading."""


class Supply(StrEnum):
    """How fresh the data of a panel is."""

    SILENT = "silent"
    LOADING = "loading"
    FRESH = "fresh"
    STALE = "stale"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Health:
    """A panel's supply with data, the sentence that goes with it, and what stands in the lower edge (safe texts)."""

    supply: Supply = Supply.FRESH
    text: str = ""
    foot: str = ""


FRESH = Health()


def health_of(reading: Reading[T], now: float, *, stale_after_s: float, started_at: float, key: str = "r") -> Health:
    """What a panel has to say about `reading` at `now` (epoch s); `started_at` is when reading began.

    `key` is what reads at once there.
    """
    if reading.error:
        wait = f"next try in {age(reading.next_try - now)}" if reading.next_try > now else "trying again"
        kept = f"read {age(now - reading.taken_at)} ago · " if reading.value is not None else ""
        return Health(Supply.FAILED, f"{reading.error.rstrip('.')}.", f"{kept}{wait} · {key} now")
    if reading.value is None:
        return Health(Supply.LOADING if now - started_at >= LOADING_AFTER_S else Supply.SILENT)
    old = now - reading.taken_at
    return Health(Supply.STALE, f"{age(old)} old") if old > stale_after_s else FRESH


def freshness(name: str, reading: Reading[T], now: float, stale_after_s: float) -> Cell:
    """A reading's age for the header: "queue live", "queue 3 s", "⧖ queue 12 s", "✖ queue 12 s"."""
    if reading.value is None:
        return Cell(f"✖ {name}", Tone.BAD) if reading.error else Cell(f"{name} –", Tone.DIM)
    old = now - reading.taken_at
    text = f"{name} {age(old)}"
    if reading.error:
        return Cell(f"✖ {text}", Tone.BAD)
    if old < LIVE_S:
        return Cell(f"{name} live", Tone.DIM)
    return Cell(f"⧖ {text}", Tone.WARN) if old > stale_after_s else Cell(text, Tone.DIM)
