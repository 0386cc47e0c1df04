"""Benchmark `recovery`: kill -9 of a worker in mid-run; how long until the jobs it held are rows.

Once with another worker alive, and once with none, the same worker being started again at once.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
import redis

from tests import servers
from tests.bench.contenders import own_redis
from tests.bench.database import migrated, postgres
from tests.bench.graph import stand_in
from tests.bench.harness import MissingError, Options, Report, Samples, interleave
from tests.bench.processes import kill, running
from tests.bench.workers import OURS, PEER, Worker, count, workers

GRAPH_DELAY_S = 0.2
"""Long enough that a worker always holds jobs."""
PATIENCE_S = 180.0
ALIVE, AGAIN = "another one alive", "started again"
NOTES = (
    f"each job asks a Graph stand-in that takes {GRAPH_DELAY_S * 1e3:.0f} ms, so that a worker always holds some",
    f"held: jobs in flight at the killed worker (BullMQ: at any); never: of those, no row within {PATIENCE_S:.0f} s",
)


@dataclass(frozen=True, slots=True)
class Recovered:
    """Jobs held at the kill, seconds until the last of them that came back was a row, and how many never did."""

    held: int
    took_s: float
    never: int


def run(options: Options) -> Sequence[Report]:
    """Seconds until rows, for both ways."""
    chosen = {name: worker for name, worker in workers().items() if worker.graph}
    ours, peer = (f"{name} + Graph" for name in (OURS, PEER))
    # The peer takes a minute a kill: a quick run leaves it out.
    cases = {f"{name}, {way}": (name, way) for name in options.pick((ours,), (ours, peer)) for way in (ALIVE, AGAIN)}
    jobs = options.pick(4_000, 20_000)
    found: dict[str, list[Recovered]] = {case: [] for case in cases}
    took = Samples()
    with postgres(options.folder) as server:
        for n, case in interleave(list(cases), options.count(1, 2), "recovery"):
            name, way = cases[case]
            recovered = _kill(options, chosen[name], way, server, f"r{n}_{list(cases).index(case)}", jobs)
            found[case].append(recovered)
            took.add(case, recovered.took_s)
    rows = tuple(
        (
            name,
            way,
            f"{took.median(case):.1f}",
            took.spread(case),
            ", ".join(str(one.held) for one in found[case]),
            str(sum(one.never for one in found[case])),
        )
        for case, (name, way) in cases.items()
    )
    heads = ("worker", "after the kill", "s until rows", "range", "held", "never")
    return [Report(f"recovery: kill -9 of a worker among {jobs:,} jobs", heads, rows, NOTES)]


def _kill(
    options: Options, worker: Worker, way: str, server: servers.PostgresServer, database: str, jobs: int
) -> Recovered:
    folder = options.folder / database
    folder.mkdir()
    url = migrated(server, database)
    with (
        own_redis(folder / "redis") as redis_url,
        stand_in(folder, GRAPH_DELAY_S) as graph,
        psycopg.connect(url, autocommit=True) as rows,
        redis.Redis.from_url(redis_url) as client,
        contextlib.ExitStack() as stack,
    ):
        worker.fill(redis_url, jobs)

        def start(name: str) -> subprocess.Popen[bytes]:
            settings = worker.settings(redis_url, url, graph.url, name)
            return stack.enter_context(running(worker.command, settings, folder / f"{name}.log"))

        victim = start("bench-1")
        if way == ALIVE:
            start("bench-2")
        servers.wait_until(
            lambda: count(rows, worker.stored) >= jobs // 20 and bool(worker.in_flight(client, "bench-1")),
            f"{worker.name}, under way",
        )
        kill(victim)
        killed_at = time.perf_counter()
        held = worker.in_flight(client, "bench-1")
        if not held:
            raise MissingError(f"{worker.name} held no job when it was killed")
        if way == AGAIN:
            start("bench-1")
        recovered = _await_rows(rows, worker, held, killed_at)
    server.drop(database)
    shutil.rmtree(folder)
    return recovered


def _await_rows(rows: psycopg.Connection[tuple[int]], worker: Worker, held: list[str], killed_at: float) -> Recovered:
    back, at = count(rows, worker.kept, held), time.perf_counter()
    while back < len(held) and time.perf_counter() - killed_at < PATIENCE_S:
        time.sleep(0.02)
        now = count(rows, worker.kept, held)
        if now > back:
            back, at = now, time.perf_counter()
    return Recovered(len(held), at - killed_at, len(held) - back)
