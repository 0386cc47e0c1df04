"""Benchmark `leads`: ten million leads loaded by COPY, and how long the reader takes for what operators look at."""

from __future__ import annotations

import asyncio
import random
import shutil
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from api.models import LeadFilter
from api.store import Reader
from tests.bench import asked, export, people
from tests.bench.harness import MissingError, Options, Report, figure, narrate, quantile, times
from tests.bench.loading import Loaded, load

MARK_MS = 50.0
SERVING = ("shared_buffers=256MB",)
"""As compose/docker-compose.yml starts Postgres; all else is Postgres' default."""

_BYTES_A_LEAD = 2_600
_LIMIT_MS = 3_000
_SIZES = """
SELECT c.relname, c.relkind::text, pg_relation_size(c.oid)
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
WHERE nspname = 'public' AND relkind IN ('r', 'i') ORDER BY 3 DESC LIMIT 14
"""


def run(options: Options) -> Sequence[Report]:
    """Load, and measure every question; a peer that asks Postgres the plain way in the same run."""
    leads = options.pick(200_000, 10_000_000)
    if shutil.disk_usage(options.folder).free < leads * _BYTES_A_LEAD * 1.5:
        raise MissingError(f"{leads * _BYTES_A_LEAD * 1.5 / 2**30:.0f} GiB of free disk are needed in {options.folder}")
    now = datetime.now(UTC)
    began = time.monotonic()
    loaded = load(options.folder, leads, now)
    return measure(options, loaded, leads, time.monotonic() - began, now)


def measure(options: Options, loaded: Loaded, leads: int, load_s: float, now: datetime) -> Sequence[Report]:
    """The tables, from a database that is loaded."""
    server = loaded.server
    server.options = SERVING
    server.start()
    try:
        _warm(server.folder / "data")
        answers = asyncio.run(_ask_all(loaded, now, options.pick(40, 200)))
        peers = asyncio.run(_compare(loaded, now, options.pick(3, 10)))
        exports = export.table(loaded.url, [leads // 100, leads if options.full or options.quick else leads // 10])
        return [_loading(loaded, leads, load_s), _answers(answers, leads), _peers(peers), exports]
    finally:
        server.stop()


@dataclass(slots=True)
class Took:
    """Milliseconds of every ask of a question, and of processor time; how many pages ended before they were full."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    stopped: int = 0


def _backend(url: str) -> int:
    """Process id of the reader's only connection."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'leads-reader'").fetchone()
    assert row is not None
    return int(row[0])


def _cpu_ms(pid: int) -> float:
    """Processor time of this process and that one: what other programs run does not lengthen it much."""
    running = Path(f"/proc/{pid}/schedstat").read_text().split()[0]
    return time.process_time() * 1e3 + int(running) / 1e6


async def _ask_all(loaded: Loaded, now: datetime, count: int) -> dict[str, Took]:
    """What every question took."""
    reader = Reader(loaded.url, size=1)
    found: dict[str, Took] = {}
    try:
        await reader.ping()
        pid = _backend(loaded.url)
        for question in asked.questions(loaded.known, now, count):
            took = found[question.name] = Took()
            # The first asks of a kind pay for what a console that runs has long had: a connection, catalogue caches.
            for ask in question.asks[:5]:
                await ask(reader)
            for ask in question.asks:
                used, began = _cpu_ms(pid), time.perf_counter()
                took.stopped += asked.stopped(await ask(reader))
                took.wall.append((time.perf_counter() - began) * 1e3)
                took.cpu.append(_cpu_ms(pid) - used)
            narrate(f"leads: {question.name}: p95 {quantile(took.wall, 0.95):.1f} ms")
    finally:
        await reader.close()
    return found


async def _compare(loaded: Loaded, now: datetime, count: int) -> list[tuple[str, list[float], list[float]]]:
    """(what, our milliseconds, those of the plain query) on the same parameters."""
    dice = random.Random(5)
    some = [one for one in dice.choices(loaded.known, k=count * 3) if one.name][:count]
    plain = sql.SQL("SELECT * FROM leads WHERE {} ORDER BY received_at DESC, id DESC LIMIT 50")
    cases: list[tuple[str, list[asked.Ask], list[tuple[Any, Any]]]] = [
        (
            "deep page / OFFSET",
            [asked.page(LeadFilter(), one) for one in some],
            [(sql.SQL("SELECT * FROM leads ORDER BY received_at DESC, id DESC LIMIT 50 OFFSET %s"), [
                int((now - one.at) / people.SPAN * loaded.leads)]) for one in some],
        ),
        (
            "e-mail fragment / ILIKE",
            [asked.page(LeadFilter(text=one.email.split("@")[0])) for one in some],
            [(plain.format(sql.SQL("email ILIKE %s")), [f"%{one.email.split('@')[0]}%"]) for one in some],
        ),
        (
            "surname / ILIKE",
            [asked.page(LeadFilter(text=one.name.split()[-1])) for one in some],
            [(plain.format(sql.SQL("full_name ILIKE %s")), [f"%{one.name.split()[-1]}%"]) for one in some],
        ),
        (
            "count of all forms on a day / count(*)",
            [asked.counts_of(one.at.date(), one.at.date() + timedelta(days=1), "") for one in some],
            [(sql.SQL("SELECT form_id, count(*) FROM leads WHERE date_trunc('day', received_at) = %s GROUP BY 1"),
              [one.at.replace(hour=0, minute=0, second=0, microsecond=0)]) for one in some],
        ),
    ]  # fmt: skip
    reader, found = Reader(loaded.url), []
    try:
        with psycopg.connect(loaded.url, autocommit=True) as connection:
            connection.execute(f"SET statement_timeout = {_LIMIT_MS}")
            for what, asks, queries in cases:
                ours, theirs = [], []
                for ask, (query, values) in zip(asks, queries, strict=True):
                    began = time.perf_counter()
                    await ask(reader)
                    ours.append((time.perf_counter() - began) * 1e3)
                    theirs.append(_plain(connection, query, values))
                found.append((what, ours, theirs))
                narrate(f"leads: beside the plain query: {what}")
    finally:
        await reader.close()
    return found


def _plain(connection: psycopg.Connection, query: Any, values: Any) -> float:
    began = time.perf_counter()
    try:
        connection.execute(query, values).fetchall()
    except psycopg.errors.QueryCanceled:
        return float(_LIMIT_MS)
    return (time.perf_counter() - began) * 1e3


def _warm(data: Path) -> None:
    """Read every file once, so that what fits into memory is there."""
    for path in sorted((data / "base").rglob("*")):
        if path.is_file():
            with path.open("rb", buffering=0) as file:
                while file.read(1 << 20):
                    pass


def _loading(loaded: Loaded, leads: int, load_s: float) -> Report:
    with psycopg.connect(loaded.url) as connection:
        (total,) = connection.execute("SELECT pg_database_size(current_database())").fetchone() or (0,)
        sizes = connection.execute(_SIZES).fetchall()
    rows = [("database", f"{total / 2**30:.2f}", f"{total / leads:.0f}", "", "")]
    took = dict(loaded.took)
    for name, kind, size in sizes:
        took_s = f"{took[name]:.0f}" if name in took else ""
        rows.append((name, f"{size / 2**30:.2f}", f"{size / leads:.0f}", "index" if kind == "i" else "table", took_s))
    note = (
        f"{leads:,} leads and as many deliveries loaded in {load_s:.0f} s: COPY {took['COPY']:.0f} s, triggers on "
        f"({leads / took['COPY']:,.0f} leads/s); secondary indexes after it, seconds in the table; the rest is VACUUM"
    )
    return Report(
        f"leads: {leads:,} of them", ("relation", "GiB", "bytes a lead", "kind", "built in s"), tuple(rows), (note,)
    )


def _answers(answers: dict[str, Took], leads: int) -> Report:
    rows = []
    for name, took in answers.items():
        p95 = quantile(took.wall, 0.95)
        figures = (statistics.median(took.wall), p95, quantile(took.wall, 0.99), quantile(took.cpu, 0.95))
        verdict = "ok" if p95 < MARK_MS else "MISSED"
        rows.append((name, str(len(took.wall)), *(f"{ms:.1f}" for ms in figures), verdict, str(took.stopped or "")))
    missed = [row[0] for row in rows if row[6] != "ok"]
    notes = (
        f"milliseconds in the client, one question at a time; the mark is {MARK_MS:.0f} ms at p95",
        "CPU: processor time of reader and Postgres; time beyond it is disk, or other programs on the machine",
        "stopped: pages that said that they looked at a part of the leads and go on with the next page",
        f"missed: {', '.join(missed) or 'none'}",
    )
    heads = ("question", "asked", "p50", "p95", "p99", "CPU p95", "mark", "stopped")
    return Report(f"leads: what the reader takes with {leads:,}", heads, tuple(rows), notes)


def _peers(peers: list[tuple[str, list[float], list[float]]]) -> Report:
    rows = []
    for what, ours, theirs in peers:
        ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
        cut = sum(value >= _LIMIT_MS for value in theirs)
        plain = f"{'> ' if cut else ''}{figure(statistics.median(theirs))}"
        rows.append(
            (
                what,
                figure(statistics.median(ours)),
                plain,
                f"{'> ' if cut else ''}{times(ratio)}",
                f"{cut}/{len(theirs)}",
            )
        )
    heads = ("reader / plain query", "reader ms", "plain ms", "ratio", f"cut at {_LIMIT_MS / 1e3:.0f} s")
    return Report("leads: beside the plain query on the same rows", heads, tuple(rows), ("medians",))
