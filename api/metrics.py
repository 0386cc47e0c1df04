"""Owns the Prometheus metrics: a registry of its own, every label bounded, whatever a sender calls its fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from api.counts import Counts, CountsCollector, Times
from api.scrape import Figures, Scrape, label

CONTENT_TYPE = CONTENT_TYPE_LATEST

MAX_UNHANDLED = 50
"""Distinct (object, field) pairs counted by name; the rest are counted together as "other"."""

_REASONS = {
    400: "unreadable",
    401: "signature",
    404: "switched_off",
    408: "slow",
    413: "too_large",
    415: "encoding",
    503: "unavailable",
}


class Metrics:
    """What this process counts, and the queue's figures of the last look at it.

    A request is counted in plain dicts, at a tenth of what the library's own counters cost, and shown when asked for.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._counts = Counts()
        self._collector = CountsCollector(self._counts)
        self.registry.register(self._collector)
        self._figures = Figures()
        self.registry.register(self._figures)
        self._unhandled_names: set[tuple[str, str]] = set()

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count an answered request. `route` is a template and `method` a known one, so that both are bounded."""
        counts = self._counts
        key = route, method, str(status)
        counts.requests[key] = counts.requests.get(key, 0) + 1
        times = counts.seconds.get(route)
        if times is None:
            times = counts.seconds[route] = Times()
        times.add(seconds)

    def count_events(self, source: str, outcome: str, number: int) -> None:
        """Count events of a webhook; nothing for 0."""
        if number:
            key = source, outcome
            self._counts.events[key] = self._counts.events.get(key, 0) + number

    def count_rejected(self, source: str, status: int, *, busy: bool = False) -> None:
        """Count a webhook that was refused; `busy`: because too much is being received at once."""
        key = source, str(status), "busy" if busy else _REASONS.get(status, "other")
        self._counts.rejected[key] = self._counts.rejected.get(key, 0) + 1

    def watch_held(self, held: Callable[[], int]) -> None:
        """Where to ask how many bytes of bodies are held."""
        self._counts.held = held

    def share(self, earlier: bytes, others: Callable[[], Iterable[bytes]]) -> Callable[[], bytes]:
        """Be one of several processes: go on from what this one had counted before a restart, and show the others' too.

        Returns what gives this one's counts, for the others.
        """
        if earlier:
            self._counts.add(earlier)
        self._collector.others = others
        return self._counts.dump

    def count_unhandled(self, names: Iterable[tuple[str, str]]) -> None:
        """Count ignored events by (object, field); hostile, long and too many names are made harmless."""
        for kind, field in names:
            pair = (label(kind), label(field))
            if pair not in self._unhandled_names:
                if len(self._unhandled_names) >= MAX_UNHANDLED:
                    pair = ("other", "other")
                else:
                    self._unhandled_names.add(pair)
            self._counts.unhandled[pair] = self._counts.unhandled.get(pair, 0) + 1

    def render(self, scrape: Scrape) -> bytes:
        """The text format."""
        self._figures.scrape = scrape
        return generate_latest(self.registry)
