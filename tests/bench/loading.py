"""Fills a database with made-up leads by COPY: the product's schema, its secondary indexes built after the rows."""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
from psycopg import sql

from api.store import migrate
from tests import servers
from tests.bench import people
from tests.bench.harness import narrate

LOADING = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_wal_size=4GB",
    "autovacuum=off",
    "maintenance_work_mem=1GB",
    "max_parallel_maintenance_workers=2",
)
"""Settings while rows are loaded and indexes are built; they change nothing of what is measured afterwards."""

_MAKERS = 2

# Every index but those that constraints need is built when the rows are there.
_INDEXES = """
SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid)
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indrelid
WHERE c.relname IN ('leads', 'deliveries') AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid)
ORDER BY 1
"""
_NAMES = """
INSERT INTO names (kind, id, name)
SELECT DISTINCT ON (kind, each.id) kind, each.id, name
FROM leads TABLESAMPLE SYSTEM (%s), LATERAL (VALUES
    ('page', page_id, page_name), ('form', form_id, form_name), ('campaign', campaign_id, campaign_name)
) AS each (kind, id, name)
WHERE each.id <> ''
ORDER BY kind, each.id, name DESC
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A database full of leads, its server stopped: how long the parts took (name, seconds), and what to ask for."""

    server: servers.PostgresServer
    url: str
    leads: int
    took: tuple[tuple[str, float], ...]
    known: tuple[people.Known, ...]


def load(folder: Path, leads: int, now: datetime) -> Loaded:
    """Load `leads` leads that end at `now` into a new cluster under `folder`, and shut it down."""
    server = servers.PostgresServer(folder / "postgres", options=LOADING).start()
    try:
        return _load(server, leads, now)
    finally:
        server.stop()


def _load(server: servers.PostgresServer, leads: int, now: datetime) -> Loaded:
    url = server.create("leads")
    asyncio.run(migrate(url))
    took: list[tuple[str, float]] = []
    with psycopg.connect(url, autocommit=True) as connection:
        indexes = connection.execute(_INDEXES).fetchall()
        for name, _ in indexes:
            connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
        with _timed(took, "COPY"):
            known = _copy(connection, leads, now)
        for name, definition in indexes:
            with _timed(took, name):
                connection.execute(definition)
        with _timed(took, "names, VACUUM, ANALYZE"):
            connection.execute(_NAMES, [min(100.0, 100 * 200_000 / leads)])
            connection.execute("SELECT setval(pg_get_serial_sequence('leads', 'id'), max(id)) FROM leads")
            connection.execute("VACUUM (ANALYZE, FREEZE)")
    return Loaded(server, url, leads, tuple(took), known)


def _copy(connection: psycopg.Connection, leads: int, now: datetime) -> tuple[people.Known, ...]:
    """Rows are made in processes of their own, so that Postgres need not wait for Python."""
    known: list[people.Known] = []
    context = multiprocessing.get_context("spawn")
    made = [context.Queue(maxsize=4) for _ in range(_MAKERS)]
    makers = [context.Process(target=_make, args=(into, n, leads, now), daemon=True) for n, into in enumerate(made)]
    for maker in makers:
        maker.start()
    done = 0
    try:
        for turn in itertools.cycle(made):
            chunk: people.Made | None = turn.get(timeout=240)
            if chunk is None:
                break
            _copy_chunk(connection, f"COPY leads (id, {people.LEAD_COLUMNS}) FROM STDIN", chunk.leads)
            _copy_chunk(connection, f"COPY deliveries ({people.DELIVERY_COLUMNS}) FROM STDIN", chunk.deliveries)
            known += chunk.known
            done += chunk.leads.count(b"\n")
            if done % max(10_000, leads // 20 // 10_000 * 10_000) == 0:
                narrate(f"leads: {done:,} of {leads:,} loaded")
    finally:
        for maker in makers:
            maker.terminate()
            maker.join()
    return tuple(known)


def _copy_chunk(connection: psycopg.Connection, statement: str, rows: bytes) -> None:
    with connection.cursor().copy(sql.SQL(statement)) as copy:
        copy.write(rows)


def _make(made: multiprocessing.Queue[people.Made | None], n: int, leads: int, now: datetime) -> None:
    """Every _MAKERS-th chunk, the first of them number `n`."""
    for chunk in people.chunks(n, _MAKERS, leads, now, known=max(2, min(20, 20_000_000 // leads))):
        made.put(chunk)
    made.put(None)


@contextmanager
def _timed(took: list[tuple[str, float]], what: str) -> Iterator[None]:
    began = time.monotonic()
    yield
    took.append((what, time.monotonic() - began))
    narrate(f"leads: {what} took {took[-1][1]:.1f} s")
