"""Benchmark `batch`: one delivery of 1,000 leadgen changes, the most that Meta sends at once."""

from __future__ import annotations

import http.client
import shutil
import time
from collections.abc import Sequence
from contextlib import closing

from tests.bench import bodies
from tests.bench.contenders import EXPRESS, FASTIFY, OURS, Running, serving, web
from tests.bench.database import migrated, postgres
from tests.bench.harness import MissingError, Options, Report, Samples, interleave, quantile, times

CHANGES = 1_000
NAMES = (OURS, EXPRESS, FASTIFY)


def run(options: Options) -> Sequence[Report]:
    """Milliseconds from sending such a body to its answer, one after the other on one connection."""
    count = options.pick(30, 100)
    p50, p95, worst, lost = Samples(), Samples(), Samples(), Samples()
    size = len(bodies.body(CHANGES))
    with postgres(options.folder) as server:
        contenders = web(migrated(server, "web"))
        for n, name in interleave(NAMES, options.count(1, 3), "batch"):
            folder = options.folder / f"{n}-{NAMES.index(name)}"
            folder.mkdir()
            with serving(contenders[name], folder) as running:
                _send(running, 10)
                before = running.queued()
                took = _send(running, count)
                p50.add(name, quantile(took, 0.5) * 1e3)
                p95.add(name, quantile(took, 0.95) * 1e3)
                worst.add(name, max(took) * 1e3)
                lost.add(name, count * CHANGES - (running.queued() - before))
            shutil.rmtree(folder)
    rows = tuple(
        (
            name,
            f"{p50.median(name):.1f}",
            f"{p95.median(name):.1f}",
            f"{worst.median(name):.1f}",
            times(1 / p95.ratio(name, EXPRESS)),
            times(1 / p95.ratio(name, FASTIFY)),
            f"{sum(lost.by_name[name]):.0f}",
        )
        for name in NAMES
    )
    title = f"batch: {CHANGES:,} changes in a body of {size / 1e3:.0f} kB, appendfsync always"
    heads = ("server", "p50 ms", "p95 ms", "max ms", "as fast as Express", "as Fastify", "lost")
    return [Report(title, heads, rows, ("one connection, one body after the other; medians over the rounds",))]


def _send(running: Running, count: int) -> list[float]:
    """Seconds from the first byte sent to the whole answer, for each of `count` bodies with new ids."""
    took = []
    with closing(http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)) as connection:
        for _ in range(count):
            body = bodies.body(CHANGES)
            headers = {"Content-Type": "application/json", "X-Hub-Signature-256": bodies.signature(body)}
            began = time.perf_counter()
            connection.request("POST", bodies.PATH, body, headers)
            response = connection.getresponse()
            answer = response.read()
            took.append(time.perf_counter() - began)
            if response.status != 200:
                raise MissingError(f"{running.contender.name} answered {response.status}: {answer[:200]!r}")
    return took
