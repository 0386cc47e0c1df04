"""Owns what workers count and how it is named on its way to the metrics: whole numbers by "name" or "name|label".

They travel with the heartbeat (see api.queue.report) and are added up in Redis. Every label is a word of our own.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from itertools import accumulate

COUNTERS = {
    "jobs": ("stored", "duplicate", "discarded", "dead", "retried", "waited"),
    "attempts": ("none", "transient", "missing", "unknown", "refused", "payload", "suspect", "fault"),
    "graph_calls": ("ok", "limit", "token", "permission", "retry", "bury", "split", "no_answer"),
}
"""Labels by name of the counters that have one; a label that is not here is shown too, once it is counted."""

HISTOGRAMS = {
    "store_write_seconds": (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
    "store_batch_jobs": (1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 200.0, 500.0, 1000.0),
}
"""Upper bounds of the buckets by name."""

_MILLIONTHS = 1_000_000
"""A histogram's sum is kept in: only whole numbers add up exactly."""


class Tally:
    """What one process has counted since its start."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def add(self, name: str, label: str = "", by: int = 1) -> None:
        """Count."""
        key = f"{name}|{label}" if label else name
        self._counts[key] = self._counts.get(key, 0) + by

    def observe(self, name: str, value: float) -> None:
        """Put a value into a histogram (see HISTOGRAMS)."""
        bounds = HISTOGRAMS[name]
        place = bisect_left(bounds, value)
        self.add(name, f"{bounds[place]:g}" if place < len(bounds) else "+Inf")
        self.add(name, "sum", round(value * _MILLIONTHS))

    @property
    def totals(self) -> dict[str, int]:
        """All counts so far."""
        return dict(self._counts)


def counted(tallies: Mapping[str, int], name: str) -> dict[str, int]:
    """A counter's values by label, those that are known and not counted yet as 0."""
    found = {key.partition("|")[2]: count for key, count in tallies.items() if key.startswith(f"{name}|")}
    return dict.fromkeys(COUNTERS[name], 0) | found


def histogram(tallies: Mapping[str, int], name: str) -> tuple[list[tuple[str, float]], float]:
    """A histogram's (bound, how many up to it) pairs, as Prometheus wants them, and its sum."""
    bounds = [*(f"{bound:g}" for bound in HISTOGRAMS[name]), "+Inf"]
    counts = accumulate(float(tallies.get(f"{name}|{bound}", 0)) for bound in bounds)
    return list(zip(bounds, counts, strict=True)), tallies.get(f"{name}|sum", 0) / _MILLIONTHS
