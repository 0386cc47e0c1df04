"""Benchmark `worker`: queued jobs → rows by one process, beside BullMQ's worker that writes one row a job."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from api.worker.width import MOST
from tests import servers
from tests.bench.bare import leads_per_second
from tests.bench.contenders import own_redis
from tests.bench.database import migrated, postgres
from tests.bench.graph import Calls, stand_in
from tests.bench.harness import Options, Report, Samples, figure, interleave, times
from tests.bench.processes import cpu_seconds, memory_bytes, running
from tests.bench.workers import OURS, PEER, POLL_S, Worker, await_rows, workers

GRAPH_DELAY_S = 0.05
ALONE = f"Graph alone, {MOST} calls at once"
NOTES = (
    "rate: from the first rows seen to the last; whole: from the start of the process to the last row",
    "CPU, Postgres: processor time of the worker, and of all of Postgres, a job",
    "ours writes a lead, a delivery and an attempt row a job, the peer one row",
    "all write to one Postgres server with initdb's settings: fsync and synchronous_commit on, 128 MB of buffers",
    f"Graph: a stand-in that answers every call after {GRAPH_DELAY_S * 1e3:.0f} ms; the peer asks for one lead a call",
    "Graph alone: what the stand-in allows, asked by a bare client that does nothing with the answers",
)


@dataclass(frozen=True, slots=True)
class Drained:
    """How a queue was emptied: jobs a second, seconds in all, processor time a job (own and Postgres's), memory."""

    rate: float
    whole_s: float
    cpu_us: float
    database_us: float
    memory_bytes: int
    calls: Calls


def run(options: Options) -> Sequence[Report]:
    """Jobs a second of one process, without and with Graph calls."""
    jobs = options.pick(4_000, 20_000)
    contenders = workers()
    found: dict[str, list[Drained]] = {name: [] for name in contenders}
    rates = Samples()
    with postgres(options.folder) as server:
        for n, name in interleave([*contenders, ALONE], options.count(1, 3), "worker"):
            if name == ALONE:
                with stand_in(options.folder, GRAPH_DELAY_S) as graph:
                    rates.add(name, leads_per_second(graph.url, jobs, MOST))
                continue
            database = f"w{n}_{len(found[name])}_{list(contenders).index(name)}"
            drained = _drain(options, contenders[name], server, database, jobs)
            found[name].append(drained)
            rates.add(name, drained.rate)
    alone = (ALONE, figure(rates.median(ALONE)), rates.spread(ALONE), *("-" * 8))
    rows = (*(_row(name, found[name], rates) for name in contenders), alone)
    heads = (
        "worker",
        "jobs/s",
        "range",
        "to BullMQ",
        "to Graph alone",
        "whole s",
        "CPU µs",
        "Postgres µs",
        "MiB",
        "leads/call",
        "calls at once",
    )
    return [Report(f"worker: {jobs:,} queued jobs, one process", heads, rows, NOTES)]


def _row(name: str, found: list[Drained], rates: Samples) -> tuple[str, ...]:
    middle = sorted(found, key=lambda one: one.rate)[len(found) // 2]
    calls = middle.calls
    return (
        name,
        figure(rates.median(name)),
        rates.spread(name),
        times(rates.ratio(name, name.replace(OURS, PEER))),
        times(rates.ratio(name, ALONE)) if calls.calls else "-",
        f"{middle.whole_s:.1f}",
        f"{middle.cpu_us:.0f}",
        f"{middle.database_us:.0f}",
        f"{middle.memory_bytes / 2**20:.0f}",
        f"{calls.leads / calls.calls:.1f}" if calls.calls else "-",
        str(calls.most_at_once) if calls.calls else "-",
    )


def _drain(options: Options, worker: Worker, server: servers.PostgresServer, database: str, jobs: int) -> Drained:
    folder = options.folder / database
    folder.mkdir()
    database_url = migrated(server, database)
    with own_redis(folder / "redis") as redis_url, stand_in(folder, GRAPH_DELAY_S) as graph:
        worker.fill(redis_url, jobs)
        log = folder / "worker.log"
        began = time.perf_counter()
        with (
            psycopg.connect(database_url, autocommit=True) as connection,
            running(worker.command, worker.settings(redis_url, database_url, graph.url), log) as process,
        ):
            first_at, first = await_rows(connection, worker, process, 1, 30, log)
            assert server.process is not None
            used, database_used = cpu_seconds(process), cpu_seconds(server.process)
            last_at, _ = await_rows(connection, worker, process, jobs, 120, log)
            drained = Drained(
                rate=(jobs - first) / max(last_at - first_at, POLL_S),
                whole_s=last_at - began,
                database_us=(cpu_seconds(server.process) - database_used) / max(jobs - first, 1) * 1e6,
                cpu_us=(cpu_seconds(process) - used) / max(jobs - first, 1) * 1e6,
                memory_bytes=memory_bytes(process),
                calls=graph.calls(),
            )
    server.drop(database)
    shutil.rmtree(folder)
    return drained
