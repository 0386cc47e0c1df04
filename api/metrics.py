"""Owns the Prometheus metrics: a registry of its own, every label bounded, whatever a sender calls its fields."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from api.scrape import Figures, Scrape, label

CONTENT_TYPE = CONTENT_TYPE_LATEST

MAX_UNHANDLED = 50
"""Distinct (object, field) pairs counted by name; the rest are counted together as "other"."""

# A series with the time of creation beside each counter doubles the page and serves nobody.
disable_created_metrics()  # type: ignore[no-untyped-call]

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """What this process counts, and the queue's figures of the last look at it."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "leads_http_requests", "HTTP requests answered.", ["route", "method", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "leads_http_request_seconds",
            "From a request's head to its answer.",
            ["route"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.leads = Counter(
            "leads_webhook_events",
            "Events found in signed webhooks: accepted, duplicate, ignored, dead (kept for the operator).",
            ["source", "outcome"],
            registry=self.registry,
        )
        self.rejected = Counter(
            "leads_webhook_rejected",
            "Webhooks refused, by status: 401 signature, 400 not readable, 413, 408, 503 queue away or busy.",
            ["source", "status"],
            registry=self.registry,
        )
        self.unhandled = Counter(
            "leads_webhook_unhandled",
            "Ignored events by object and field.",
            ["object", "field"],
            registry=self.registry,
        )
        self.held = Gauge("leads_webhook_body_bytes", "Bytes of webhook bodies held now.", registry=self.registry)
        self._figures = Figures()
        self.registry.register(self._figures)
        self._unhandled_names: set[tuple[str, str]] = set()
        self._requests: dict[tuple[str, str, int], Counter] = {}
        self._seconds: dict[str, Histogram] = {}
        self._events: dict[tuple[str, str], Counter] = {}

    def count_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count an answered request. `route` is a template and `method` a known one, so that both are bounded."""
        key = (route, method, status)
        counter = self._requests.get(key)
        if counter is None:
            counter = self._requests[key] = self.requests.labels(route, method, str(status))
            self._seconds.setdefault(route, self.seconds.labels(route))
        counter.inc()
        self._seconds[route].observe(seconds)

    def count_events(self, source: str, outcome: str, number: int) -> None:
        """Count events of a webhook; nothing for 0."""
        if not number:
            return
        key = (source, outcome)
        counter = self._events.get(key)
        if counter is None:
            counter = self._events[key] = self.leads.labels(source, outcome)
        counter.inc(number)

    def count_unhandled(self, names: Iterable[tuple[str, str]]) -> None:
        """Count ignored events by (object, field); hostile, long and too many names are made harmless."""
        for kind, field in names:
            pair = (label(kind), label(field))
            if pair not in self._unhandled_names:
                if len(self._unhandled_names) >= MAX_UNHANDLED:
                    pair = ("other", "other")
                else:
                    self._unhandled_names.add(pair)
            self.unhandled.labels(*pair).inc()

    def render(self, scrape: Scrape) -> bytes:
        """The text format."""
        self._figures.scrape = scrape
        return generate_latest(self.registry)
