"""Owns what a web process has counted: plain dicts, shown as Prometheus metrics, added up over several processes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import accumulate
from typing import Any

import msgspec
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from api.scrape import gauge

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

Key = tuple[str, ...]


class _Dump(msgspec.Struct, array_like=True):
    """Counts on their way to another process."""

    tables: list[list[tuple[Key, int]]]
    seconds: list[tuple[str, list[int], float]]
    held: int


_dumped = msgspec.msgpack.Decoder(_Dump).decode


class Times:
    """How long a route's requests took: a histogram's buckets (the last one: longer than all bounds) and their sum."""

    __slots__ = ("below", "total")

    def __init__(self) -> None:
        self.below = [0] * (len(BUCKETS) + 1)
        self.total = 0.0

    def add(self, seconds: float) -> None:
        """Count one request."""
        self.below[bisect_left(BUCKETS, seconds)] += 1
        self.total += seconds


class Counts:
    """Numbers by the values of the labels: a request costs a look into a dict or two."""

    def __init__(self) -> None:
        self.requests: dict[Key, int] = {}
        self.events: dict[Key, int] = {}
        self.rejected: dict[Key, int] = {}
        self.unhandled: dict[Key, int] = {}
        self.seconds: dict[str, Times] = {}
        self.held: Callable[[], int] = int

    def tables(self) -> tuple[dict[Key, int], ...]:
        """All but the times, in a fixed order."""
        return self.requests, self.events, self.rejected, self.unhandled

    def dump(self) -> bytes:
        """Everything, for `add`."""
        seconds = [(route, times.below, times.total) for route, times in self.seconds.items()]
        return msgspec.msgpack.encode(_Dump([list(table.items()) for table in self.tables()], seconds, self.held()))

    def add(self, dump: bytes) -> int:
        """Add what another one counted; the bytes it holds. ValueError if it is no dump."""
        other = _dumped(dump)
        for table, items in zip(self.tables(), other.tables, strict=True):
            for key, number in items:
                table[key] = table.get(key, 0) + number
        for route, below, total in other.seconds:
            times = self.seconds.setdefault(route, Times())
            times.below = [a + b for a, b in zip(times.below, below, strict=True)]
            times.total += total
        return other.held


class CountsCollector(Collector):
    """Shows this process's counts, with those of the others that serve the same port."""

    def __init__(self, own: Counts) -> None:
        self._own = own
        self.others: Callable[[], Iterable[bytes]] = tuple
        """The latest dump of each of the other processes."""

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client."""
        all_of = Counts()
        held = sum(all_of.add(dump) for dump in (self._own.dump(), *self.others()))
        yield _counted("leads_http_requests", "HTTP requests answered.", ["route", "method", "status"], all_of.requests)
        seconds = HistogramMetricFamily(
            "leads_http_request_seconds", "From a request's head to its answer.", labels=["route"]
        )
        for route, times in all_of.seconds.items():
            bounds = [*map(floatToGoString, BUCKETS), "+Inf"]
            buckets = list(zip(bounds, accumulate(map(float, times.below)), strict=True))
            seconds.add_metric([route], buckets, times.total)
        yield seconds
        yield _counted(
            "leads_webhook_events",
            "Events found in signed webhooks: accepted, duplicate, ignored, dead (kept for the operator).",
            ["source", "outcome"],
            all_of.events,
        )
        yield _counted("leads_webhook_rejected", "Webhooks refused.", ["source", "status", "reason"], all_of.rejected)
        yield _counted(
            "leads_webhook_unhandled", "Ignored events by object and field.", ["object", "field"], all_of.unhandled
        )
        yield gauge("leads_webhook_body_bytes", "Bytes of webhook bodies held now.", held)


def _counted(name: str, text: str, labels: list[str], counts: Mapping[Key, Any]) -> Metric:
    family = CounterMetricFamily(name, text, labels=labels)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family
