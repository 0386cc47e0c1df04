"""Owns the metrics of what is read for a scrape: queue, workers, what they did, store, and why the queue rises."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from api.cause import Cause, Kind, Level
from api.models import QueueSnapshot, StoreSnapshot, WorkerView
from api.tally import counted, histogram

MAX_PAGES = 50
"""Pages whose usage is shown by name: those nearest to their limit."""

_UNSAFE = re.compile(r"[^A-Za-z0-9_.()* -]")


_NONE = Cause(Kind.REDIS_AWAY, Level.BAD, "")


@dataclass(frozen=True, slots=True)
class Scrape:
    """What was read; None: Redis, or Postgres, does not answer, and its figures are left out."""

    queue: QueueSnapshot | None = None
    tallies: Mapping[str, int] | None = None
    store: StoreSnapshot | None = None
    cause: Cause = _NONE


def label(text: str) -> str:
    """A text from outside as a label's value: printable ASCII, at most 40 characters."""
    return _UNSAFE.sub("?", text[:40]) or "(empty)"


class Figures(Collector):
    """Shows the last scrape's figures."""

    def __init__(self) -> None:
        self.scrape = Scrape()

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client."""
        scrape = self.scrape
        yield gauge("leads_queue_up", "Whether Redis answered for this scrape.", scrape.queue is not None)
        yield _cause(scrape.cause)
        if scrape.queue is not None:
            yield from _queue(scrape.queue)
            yield from _workers(scrape.queue.workers)
        if scrape.tallies is not None:
            yield from _done(scrape.tallies)
        yield gauge("leads_store_up", "Whether Postgres answered for this scrape.", scrape.store is not None)
        if scrape.store is not None:
            yield from _store(scrape.store)


def _cause(cause: Cause) -> Metric:
    family = GaugeMetricFamily("leads_queue_cause", "Why the queue is as it is: 1 for the one cause.", labels=["cause"])
    for kind in Kind:
        family.add_metric([kind.value], float(kind is cause.kind))
    return family


def _queue(queue: QueueSnapshot) -> Iterator[Metric]:
    jobs = GaugeMetricFamily("leads_queue_jobs", "Jobs by state; stuck is a view over the others.", labels=["state"])
    for state in ("ready", "in_flight", "retry", "dead", "discarded", "stuck"):
        jobs.add_metric([state], getattr(queue, state))
    yield jobs
    yield counter("leads_queue_accepted", "Jobs accepted since the queue began.", queue.accepted)
    yield counter("leads_queue_duplicates", "Jobs dropped at the door as duplicates.", queue.duplicates)
    yield gauge("leads_queue_oldest_ready_seconds", "Age of the oldest ready job.", queue.oldest_ready_s)
    yield gauge("leads_queue_oldest_in_flight_seconds", "Age of the oldest job in flight.", queue.oldest_in_flight_s)
    yield gauge("leads_queue_paused", "Whether the operator has paused the queue.", queue.paused)
    pauses = GaugeMetricFamily("leads_queue_pages_paused", "Pages whose Graph calls wait, by kind.", labels=["kind"])
    for kind in ("limit", "token", "permission"):
        pauses.add_metric([kind], sum(pause.kind == kind for pause in queue.pauses))
    yield pauses
    yield gauge("leads_queue_notices", "Notices that wait for the operator.", len(queue.notices))
    yield gauge("leads_queue_memory_bytes", "Memory Redis uses.", queue.memory_bytes)
    yield gauge("leads_queue_memory_limit_bytes", "Redis' maxmemory, 0 without one.", queue.memory_limit)
    yield gauge("leads_queue_aof_ok", "Whether the last write to the append-only file succeeded.", queue.aof_ok)
    refuses = GaugeMetricFamily("leads_queue_refuses", "Whether Redis takes no new jobs, by reason.", labels=["reason"])
    for reason in ("memory", "disk"):
        refuses.add_metric([reason], float(queue.refuses == reason))
    yield refuses


def _workers(workers: Sequence[WorkerView]) -> Iterator[Metric]:
    alive = [worker for worker in workers if worker.alive]
    yield gauge("leads_workers", "Workers whose heartbeat is fresh.", len(alive))
    away = sum(bool(worker.state.store_error) for worker in alive)
    yield gauge("leads_workers_without_store", "Workers alive that cannot write to Postgres.", away)
    used: dict[str, float] = {}
    for page, percent in (each for worker in alive for each in worker.state.graph_used):
        used[label(page)] = max(percent, used.get(label(page), 0.0))
    usage = GaugeMetricFamily(
        "leads_graph_usage_percent", "Of its Graph API limit a page has used up; * is the app.", labels=["page"]
    )
    for page, percent in sorted(used.items(), key=lambda each: -each[1])[:MAX_PAGES]:
        usage.add_metric([page], percent)
    yield usage


def _done(tallies: Mapping[str, int]) -> Iterator[Metric]:
    yield _counters("leads_jobs", "What became of jobs in workers' and operators' hands.", "outcome", tallies, "jobs")
    yield _counters("leads_attempts", "Attempts that ended, by kind of error.", "error", tallies, "attempts")
    yield _counters("leads_graph_calls", "Calls of the Graph API.", "outcome", tallies, "graph_calls")
    asked, got = tallies.get("graph_leads_asked", 0), tallies.get("graph_leads", 0)
    yield counter("leads_graph_leads_asked", "Leads asked for in those calls.", asked)
    yield counter("leads_graph_leads", "Leads that came.", got)
    yield _histogram("leads_store_write_seconds", "Writing a batch to Postgres.", tallies, "store_write_seconds")
    yield _histogram("leads_store_batch_jobs", "Jobs in a batch.", tallies, "store_batch_jobs")


def _store(store: StoreSnapshot) -> Iterator[Metric]:
    yield gauge("leads_store_leads", "Leads stored.", store.total)
    yield gauge("leads_store_leads_today", "Leads received since midnight UTC.", store.today)
    last = store.last_stored_at.timestamp() if store.last_stored_at else 0.0
    yield gauge("leads_store_last_stored_timestamp_seconds", "When the newest lead was stored, 0 if never.", last)


def _counters(name: str, text: str, by: str, tallies: Mapping[str, int], tally: str) -> Metric:
    family = CounterMetricFamily(name, text, labels=[by])
    for word, count in counted(tallies, tally).items():
        family.add_metric([label(word)], count)
    return family


def _histogram(name: str, text: str, tallies: Mapping[str, int], tally: str) -> Metric:
    buckets, total = histogram(tallies, tally)
    return HistogramMetricFamily(name, text, buckets=buckets, sum_value=total)


def gauge(name: str, text: str, value: float) -> Metric:
    """One figure that goes up and down."""
    return GaugeMetricFamily(name, text, value=float(value))


def counter(name: str, text: str, value: float) -> Metric:
    """One figure that only grows."""
    return CounterMetricFamily(name, text, value=value)
