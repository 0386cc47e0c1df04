"""How benchmarks are run and summed up: options, interleaved rounds, medians, ratios of paired rounds, reports."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

ROOT = Path(__file__).resolve().parents[2]
"""The checkout: child processes run here."""

T = TypeVar("T")


class MissingError(Exception):
    """A benchmark cannot run here; the text says what is missing and how to get it."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to run: `quick` takes a few seconds a benchmark and proves little; `folder` is scratch space on a disk.

    `full`: sizes that take many minutes too.
    """

    quick: bool
    folder: Path
    rounds: int = 0
    full: bool = False

    def pick(self, quick: T, full: T) -> T:
        """The value for this mode."""
        return quick if self.quick else full

    def count(self, quick: int, full: int) -> int:
        """How many rounds: what the command line says, else the benchmark's own number for this mode."""
        return self.rounds or self.pick(quick, full)


@dataclass(frozen=True, slots=True)
class Report:
    """One table. `rows` hold finished cells, the first one a name; `notes` stand under it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


class Benchmark(Protocol):
    """What a benchmark module offers as `run`."""

    def __call__(self, options: Options) -> Iterable[Report]:
        """Measure, and say what was found. MissingError if it cannot run here."""
        ...


@dataclass(slots=True)
class Samples:
    """Figures by contender, one a round, in the order of the rounds."""

    by_name: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        """Note this round's figure of a contender."""
        self.by_name.setdefault(name, []).append(value)

    def median(self, name: str) -> float:
        """The contender's median over the rounds."""
        return statistics.median(self.by_name[name])

    def ratio(self, name: str, to: str) -> float:
        """Median over the rounds of this contender's figure by the other's of the same round."""
        return statistics.median(
            ours / theirs for ours, theirs in zip(self.by_name[name], self.by_name[to], strict=True)
        )

    def spread(self, name: str) -> str:
        """The range over the rounds, as "low-high"."""
        values = self.by_name[name]
        return f"{figure(min(values))}-{figure(max(values))}"


def interleave(names: Sequence[str], rounds: int, what: str) -> Iterator[tuple[int, str]]:
    """(round, contender): each contender once a round, another one first in each, so that drift hits all alike."""
    for n in range(rounds):
        start = n % len(names)
        for name in (*names[start:], *names[:start]):
            narrate(f"{what}: round {n + 1}/{rounds}, {name}")
            yield n, name


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of them lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def figure(value: float) -> str:
    """A figure with three significant digits, thousands set apart: 12,345 · 123 · 12.3 · 1.23."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def times(value: float) -> str:
    """A ratio: 5.4 ×."""
    return f"{figure(value)} ×"


def narrate(text: str) -> None:
    """Say on stderr what goes on; stdout is for the tables."""
    print(f"  {text}", file=sys.stderr, flush=True)
