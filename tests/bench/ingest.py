"""Benchmark `ingest`: signed body → durable job → 200, each server on its own Redis, wrk beside it."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.bench import bodies, wrk
from tests.bench.contenders import EXPRESS, FASTIFY, Contender, serving, web
from tests.bench.database import migrated, postgres
from tests.bench.harness import Options, Report, Samples, figure, interleave, times
from tests.bench.processes import cpu_seconds

CONNECTIONS = (64, 256)
NOTES = (
    "unique ids, dedupe on, answered after the queue's acknowledgement; ratios are medians of paired rounds",
    "Fastify, pipelined: the same with ioredis's enableAutoPipelining, which is off unless asked for",
    "one process each, but for the line that says otherwise: wrk and Redis share the cores with them",
    "lost: good answers without a job in Redis; CPU: processor time of the server process a request",
)


def run(options: Options) -> Iterator[Report]:
    """Requests a second and latencies at both numbers of connections, for appendfsync always and everysec."""
    wrk.find()
    seconds = options.pick(3, 8)
    files = {c: bodies.write(options.folder / f"requests-{c}", wrk.MAX_PER_S * seconds) for c in CONNECTIONS}
    warm = bodies.write(options.folder / "requests-warm", wrk.MAX_PER_S * 2)
    with postgres(options.folder) as server:
        contenders = web(migrated(server, "web"))
        for appendfsync in options.pick(("always",), ("always", "everysec")):
            yield _measure(options, contenders, appendfsync, warm, files, seconds)


class _Figures:
    """What is gathered for one number of connections."""

    def __init__(self) -> None:
        self.rate, self.p50, self.p99, self.errors, self.lost, self.cpu = (Samples() for _ in range(6))


def _measure(
    options: Options,
    contenders: dict[str, Contender],
    appendfsync: str,
    warm: Path,
    files: dict[int, Path],
    seconds: int,
) -> Report:
    found = {c: _Figures() for c in files}
    for n, name in interleave(list(contenders), options.count(1, 3), f"ingest, appendfsync {appendfsync}"):
        folder = options.folder / f"{appendfsync}-{n}-{list(contenders).index(name)}"
        folder.mkdir()
        with serving(contenders[name], folder, appendfsync) as running:
            wrk.load(running.port, warm, 64, options.pick(1, 2))
            for c, requests in files.items():
                before, used = running.queued(), cpu_seconds(running.process)
                load = wrk.load(running.port, requests, c, seconds)
                figures = found[c]
                figures.cpu.add(name, (cpu_seconds(running.process) - used) / max(load.answered, 1))
                figures.rate.add(name, load.rate)
                figures.p50.add(name, load.p50_s)
                figures.p99.add(name, load.p99_s)
                figures.errors.add(name, load.errors)
                figures.lost.add(name, max(0, load.answered - (running.queued() - before)))
        shutil.rmtree(folder)
    return _report(contenders, found, appendfsync)


def _report(contenders: dict[str, Contender], found: dict[int, _Figures], appendfsync: str) -> Report:
    rows = []
    for c, name in itertools.product(found, contenders):
        f = found[c]
        rows.append(
            (
                name,
                str(c),
                figure(f.rate.median(name)),
                f.rate.spread(name),
                times(f.rate.ratio(name, EXPRESS)),
                times(f.rate.ratio(name, FASTIFY)),
                f"{f.p50.median(name) * 1e3:.1f}",
                f"{f.p99.median(name) * 1e3:.1f}",
                f"{f.cpu.median(name) * 1e6:.0f}",
                f"{sum(f.errors.by_name[name]):.0f}",
                f"{sum(f.lost.by_name[name]):.0f}",
            )
        )
    heads = ("server", "conns", "req/s", "range", "Express", "Fastify", "p50 ms", "p99 ms", "CPU µs", "errors", "lost")
    return Report(f"ingest, appendfsync {appendfsync}", heads, tuple(rows), NOTES)
