"""Benchmark `memory`: resident memory of web and worker while very many webhooks go through both of them."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
import redis

from tests import servers
from tests.bench import bodies, wrk
from tests.bench.contenders import OURS, serving, web
from tests.bench.database import migrated, postgres
from tests.bench.graph import stand_in
from tests.bench.harness import Options, Report, figure, narrate
from tests.bench.processes import memory_bytes, python, running
from tests.bench.workers import count

CONNECTIONS = 64
SECONDS = 2
DRAIN_S = 300.0


def run(options: Options) -> Sequence[Report]:
    """Memory after each slice of the webhooks, and once all of them are rows."""
    wrk.find()
    wanted = options.pick(20_000, 200_000)
    rows: list[tuple[str, ...]] = []
    with postgres(options.folder) as server, stand_in(options.folder, 0.0) as graph:
        database_url = migrated(server, "memory")
        with serving(web(database_url)[OURS], options.folder, "everysec") as running_web:
            settings = {
                "DATABASE_URL": database_url,
                "REDIS_URL": running_web.redis_url,
                "META_GRAPH_URL": graph.url,
                "META_ACCESS_TOKEN": "bench-token",
                "META_APP_SECRET": bodies.SECRET,
            }
            with (
                psycopg.connect(database_url, autocommit=True) as connection,
                redis.Redis.from_url(running_web.redis_url) as client,
                running(python("-m", "api", "worker"), settings, options.folder / "worker.log") as worker,
            ):

                def note(sent: int) -> None:
                    stored = count(connection, "SELECT count(*) FROM deliveries")
                    sizes = (memory_bytes(running_web.process), memory_bytes(worker))
                    rows.append((f"{sent:,}", f"{stored:,}", *(f"{size / 2**20:.1f}" for size in sizes)))

                sent = 0
                note(sent)
                while sent < wanted:
                    requests = bodies.write(options.folder / "requests", wrk.MAX_PER_S * SECONDS)
                    sent += wrk.load(running_web.port, requests, CONNECTIONS, SECONDS).answered
                    narrate(f"memory: {sent:,} of {wanted:,} sent")
                    note(sent)
                servers.wait_until(lambda: client.xlen("{leads}:ready") == 0, "the queue to be empty", DRAIN_S)
                note(sent)
    growth = float(rows[-1][2]) - float(rows[1][2])
    heads = ("webhooks", "rows", "web MiB", "worker MiB")
    note_ = f"web grew by {figure(growth)} MiB after the first slice; bodies of one lead, dedupe on, unique ids"
    return [Report("memory: resident, web and worker with their children", heads, tuple(rows), (note_,))]
