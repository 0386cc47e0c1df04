"""Owns the Prometheus metrics: a registry of its own, every label bounded, whatever a sender calls its fields."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from api.models import QueueSnapshot, StoreSnapshot

CONTENT_TYPE = CONTENT_TYPE_LATEST

MAX_UNHANDLED = 50
"""Distinct (object, field) pairs counted by name; the rest are counted together as "other"."""

# A series with the time of creation beside each counter doubles the page and serves nobody.
disable_created_metrics()  # type: ignore[no-untyped-call]

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_UNSAFE = re.compile(r"[^A-Za-z0-9_.() -]")


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
        self._figures = _Figures()
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

    def render(self, queue: QueueSnapshot | None, store: StoreSnapshot | None) -> bytes:
        """The text format; None: Redis, or Postgres, does not answer, and its figures are left out."""
        self._figures.queue, self._figures.store = queue, store
        return generate_latest(self.registry)


def label(text: str) -> str:
    """A text from outside as a label's value: printable ASCII, at most 40 characters."""
    return _UNSAFE.sub("?", text[:40]) or "(empty)"


class _Figures(Collector):
    """Queue and store as read for this scrape."""

    def __init__(self) -> None:
        self.queue: QueueSnapshot | None = None
        self.store: StoreSnapshot | None = None

    def collect(self) -> Iterator[Metric]:
        yield _gauge("leads_queue_up", "Whether Redis answered for this scrape.", self.queue is not None)
        if self.queue is not None:
            yield from _queue(self.queue)
            yield from _workers(self.queue)
        yield _gauge("leads_store_up", "Whether Postgres answered for this scrape.", self.store is not None)
        if self.store is not None:
            yield from _store(self.store)


def _queue(queue: QueueSnapshot) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("leads_queue_jobs", "Jobs by state; stuck is a view over the others.", labels=["state"])
    for state in ("ready", "in_flight", "retry", "dead", "discarded", "stuck"):
        jobs.add_metric([state], getattr(queue, state))
    yield jobs
    yield _counter("leads_queue_accepted", "Jobs accepted since the queue began.", queue.accepted)
    yield _counter("leads_queue_duplicates", "Jobs dropped at the door as duplicates.", queue.duplicates)
    yield _gauge("leads_queue_oldest_ready_seconds", "Age of the oldest ready job.", queue.oldest_ready_s)
    yield _gauge("leads_queue_oldest_in_flight_seconds", "Age of the oldest job in flight.", queue.oldest_in_flight_s)
    yield _gauge("leads_queue_paused", "Whether the operator has paused the queue.", queue.paused)
    yield _gauge("leads_queue_pages_paused", "Pages whose Graph API calls wait.", len(queue.pauses))
    yield _gauge("leads_queue_notices", "Notices that wait for the operator.", len(queue.notices))
    yield _gauge("leads_queue_memory_bytes", "Memory Redis uses.", queue.memory_bytes)
    yield _gauge("leads_queue_aof_ok", "Whether the last write to the append-only file succeeded.", queue.aof_ok)


def _workers(queue: QueueSnapshot) -> Iterator[Metric]:
    yield _gauge("leads_workers", "Workers whose heartbeat is fresh.", sum(worker.alive for worker in queue.workers))
    stored = CounterMetricFamily("leads_worker_stored", "Jobs stored since the worker's start.", labels=["worker"])
    failed = CounterMetricFamily("leads_worker_failed", "Failed attempts since the worker's start.", labels=["worker"])
    for worker in queue.workers[:100]:
        stored.add_metric([label(worker.name)], worker.stored)
        failed.add_metric([label(worker.name)], worker.failed)
    yield stored
    yield failed


def _store(store: StoreSnapshot) -> Iterator[Metric]:
    yield _gauge("leads_store_leads", "Leads stored.", store.total)
    yield _gauge("leads_store_leads_today", "Leads received since midnight UTC.", store.today)
    last = store.last_stored_at.timestamp() if store.last_stored_at else 0.0
    yield _gauge("leads_store_last_stored_timestamp_seconds", "When the newest lead was stored, 0 if never.", last)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=float(value))


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(name, text, value=value)
