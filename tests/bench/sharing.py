"""Benchmark `sharing`: one, two, four and eight workers on one queue and one database, and what they wait for."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import psycopg

from tests import servers
from tests.bench.contenders import own_redis
from tests.bench.database import migrated, postgres
from tests.bench.graph import stand_in
from tests.bench.harness import Options, Report, Samples, figure, interleave, times
from tests.bench.processes import cpu_seconds, running
from tests.bench.workers import OURS, await_rows, count, workers

CROWDS = (1, 2, 4, 8)
SAMPLE_S = 0.005
_WAITS = """
SELECT CASE wait_event WHEN 'extend' THEN 'extend' ELSE wait_event_type END FROM pg_stat_activity
WHERE application_name = 'leads-worker' AND state = 'active' AND wait_event_type IN ('Lock', 'LWLock', 'IO')
"""
NOTES = (
    "each worker is a process; all of them, Postgres, Redis and this script share the machine's processors",
    f"lock wait: seconds that transactions waited for another's row, key or table, sampled every {SAMPLE_S:g} s",
    "extend: the same for one's turn to lengthen a file, which is the search index's: it grows page by page",
    "LWLock, IO: the same for what is shared inside of Postgres, and for the disk",
    "share of fewest: jobs that the least busy worker stored, to an equal share",
)


@dataclass(slots=True)
class Waits:
    """Seconds that workers' transactions waited, summed over all of them, by kind of wait."""

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))


@dataclass(frozen=True, slots=True)
class Shared:
    """What a crowd did: jobs a second, processor time a job, what it waited for, and its least busy worker's share."""

    rate: float
    cpu_us: float
    waits: dict[str, float]
    fewest: float


def run(options: Options) -> Sequence[Report]:
    """Jobs a second and seconds of waiting by number of workers."""
    jobs = options.pick(8_000, 40_000)
    crowds = {f"{crowd} worker{'s' * (crowd > 1)}": crowd for crowd in CROWDS}
    found: dict[str, list[Shared]] = {name: [] for name in crowds}
    rates = Samples()
    with postgres(options.folder) as server:
        for n, name in interleave(list(crowds), options.count(1, 3), "sharing"):
            shared = _share(options, crowds[name], server, f"s{n}_{crowds[name]}", jobs)
            found[name].append(shared)
            rates.add(name, shared.rate)
    alone = next(iter(crowds))
    rows = []
    for name in crowds:
        middle = sorted(found[name], key=lambda one: one.rate)[len(found[name]) // 2]
        rows.append(
            (
                name,
                figure(rates.median(name)),
                rates.spread(name),
                times(rates.ratio(name, alone)),
                f"{middle.cpu_us:.0f}",
                *(f"{middle.waits[kind]:.2f}" for kind in ("Lock", "extend", "LWLock", "IO")),
                f"{middle.fewest:.0%}",
            )
        )
    heads = (
        "",
        "jobs/s",
        "range",
        "to one",
        "CPU µs",
        "lock wait s",
        "extend s",
        "LWLock s",
        "IO s",
        "share of fewest",
    )
    return [Report(f"sharing: {jobs:,} queued jobs, several worker processes", heads, tuple(rows), NOTES)]


def _share(options: Options, crowd: int, server: servers.PostgresServer, database: str, jobs: int) -> Shared:
    folder = options.folder / database
    folder.mkdir()
    url = migrated(server, database)
    worker = workers()[OURS]
    with (
        own_redis(folder / "redis") as redis_url,
        stand_in(folder, 0.0) as graph,
        psycopg.connect(url, autocommit=True) as rows,
        contextlib.ExitStack() as stack,
    ):
        worker.fill(redis_url, jobs)
        processes = []
        for n in range(crowd):
            settings = worker.settings(redis_url, url, graph.url, f"bench-{n}")
            processes.append(stack.enter_context(running(worker.command, settings, folder / f"{n}.log")))
        log = folder / "0.log"
        first_at, first = await_rows(rows, worker, processes[0], 1, 60, log)
        used = [cpu_seconds(process) for process in processes]
        with _sampled(url) as waits:
            last_at, _ = await_rows(rows, worker, processes[0], jobs, 120, log)
        cpu_s = sum(map(cpu_seconds, processes)) - sum(used)
        counts = [count(rows, f"SELECT count(*) FROM deliveries WHERE worker = 'bench-{n}'") for n in range(crowd)]
    server.drop(database)
    shutil.rmtree(folder)
    return Shared(
        (jobs - first) / (last_at - first_at), cpu_s / (jobs - first) * 1e6, waits.seconds, min(counts) * crowd / jobs
    )


@contextlib.contextmanager
def _sampled(url: str) -> Iterator[Waits]:
    """Looks at what the workers' transactions wait for until the end of the block."""
    waits, done = Waits(), threading.Event()

    def look() -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            last = time.perf_counter()
            while not done.wait(SAMPLE_S):
                waiting = connection.execute(_WAITS).fetchall()
                now = time.perf_counter()
                for (kind,) in waiting:
                    waits.seconds[kind] += now - last
                last = now

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield waits
    finally:
        done.set()
        thread.join()
