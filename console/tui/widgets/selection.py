"""Which rows of a table are selected: one by one, or a range between where it began and where the cursor is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Span:
    """A range under way: the key it began at, what was selected before, and whether plain moves stretch it."""

    start: str
    before: frozenset[str]
    lasting: bool


@dataclass(slots=True)
class Selection:
    """The selected keys. Keys that are not listed any more fall out with `keep`."""

    keys: set[str] = field(default_factory=set)
    span: Span | None = None

    def clear(self) -> None:
        """Select nothing."""
        self.keys.clear()
        self.span = None

    def keep(self, listed: Collection[str]) -> None:
        """Only what is listed can be selected."""
        self.keys.intersection_update(listed)
        if self.span and self.span.start not in listed:
            self.span = None

    def toggle(self, key: str) -> None:
        """Select a key or take it out; a range under way ends instead, and stays as it is."""
        if self.span is None:
            self.keys ^= {key}
        self.span = None

    def begin(self, key: str, *, lasting: bool) -> None:
        """Begin a range, unless one is under way."""
        if self.span is None:
            self.span = Span(key, frozenset(self.keys), lasting)

    def end(self) -> None:
        """End the range; what it selected stays."""
        self.span = None

    def reach(self, order: Sequence[str], cursor: int) -> None:
        """The range goes from its start to the cursor in `order`; what was selected before stays."""
        if self.span is not None:
            first, last = sorted((order.index(self.span.start), cursor))
            self.keys = set(self.span.before).union(order[first : last + 1])
