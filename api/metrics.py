"""Owns the Prometheus metrics: a registry of its own, every label bounded, whatever a sender calls its fields."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from api.scrape import Figures, Scrape, gauge, label

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
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """What this process counts, and the queue's figures of the last look at it.

    A request is counted in plain dicts, at a tenth of what the library's own counters cost, and shown when asked for.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._counts = _Counts()
        self.registry.register(self._counts)
        self._figures = Figures()
        self.registry.register(self._figures)
        self._unhandled_names: set[tuple[str, str]] = set()

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count an answered request. `route` is a template and `method` a known one, so that both are bounded."""
        counts = self._counts
        key = route, method, status
        counts.requests[key] = counts.requests.get(key, 0) + 1
        times = counts.seconds.get(route)
        if times is None:
            times = counts.seconds[route] = _Times()
        times.below[bisect_left(_BUCKETS, seconds)] += 1
        times.total += seconds

    def count_events(self, source: str, outcome: str, number: int) -> None:
        """Count events of a webhook; nothing for 0."""
        if number:
            key = source, outcome
            self._counts.events[key] = self._counts.events.get(key, 0) + number

    def count_rejected(self, source: str, status: int, *, busy: bool = False) -> None:
        """Count a webhook that was refused; `busy`: because too much is being received at once."""
        key = source, status, "busy" if busy else _REASONS.get(status, "other")
        self._counts.rejected[key] = self._counts.rejected.get(key, 0) + 1

    def watch_held(self, held: Callable[[], int]) -> None:
        """Where to ask how many bytes of bodies are held."""
        self._counts.held = held

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


class _Times:
    """How long a route's requests took: a histogram's buckets (the last one: longer than all bounds) and their sum."""

    __slots__ = ("below", "total")

    def __init__(self) -> None:
        self.below = [0] * (len(_BUCKETS) + 1)
        self.total = 0.0


class _Counts(Collector):
    """What this process has counted, by the values of the labels."""

    def __init__(self) -> None:
        self.requests: dict[tuple[str, str, int], int] = {}
        self.seconds: dict[str, _Times] = {}
        self.events: dict[tuple[str, str], int] = {}
        self.rejected: dict[tuple[str, int, str], int] = {}
        self.unhandled: dict[tuple[str, str], int] = {}
        self.held: Callable[[], int] = int

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client."""
        yield _counted("leads_http_requests", "HTTP requests answered.", ["route", "method", "status"], self.requests)
        seconds = HistogramMetricFamily(
            "leads_http_request_seconds", "From a request's head to its answer.", labels=["route"]
        )
        for route, times in self.seconds.items():
            bounds = [*map(floatToGoString, _BUCKETS), "+Inf"]
            buckets = list(zip(bounds, accumulate(map(float, times.below)), strict=True))
            seconds.add_metric([route], buckets, times.total)
        yield seconds
        yield _counted(
            "leads_webhook_events",
            "Events found in signed webhooks: accepted, duplicate, ignored, dead (kept for the operator).",
            ["source", "outcome"],
            self.events,
        )
        yield _counted(
            "leads_webhook_rejected",
            "Webhooks refused.",
            ["source", "status", "reason"],
            self.rejected,
        )
        yield _counted(
            "leads_webhook_unhandled", "Ignored events by object and field.", ["object", "field"], self.unhandled
        )
        yield gauge("leads_webhook_body_bytes", "Bytes of webhook bodies held now.", self.held())


def _counted(name: str, text: str, labels: list[str], counts: Mapping[tuple[Any, ...], int]) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, count in counts.items():
        family.add_metric([str(value) for value in values], count)
    return family
