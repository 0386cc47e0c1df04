"""Benchmark `export`: leads as CSV and JSON lines by the command, its peak memory by size, beside a plain COPY."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from tests.bench.harness import ROOT, MissingError, Options, Report, narrate
from tests.bench.loading import load

WAYS = (("csv", ()), ("csv", ("--reveal",)), ("jsonl", ()))
COLUMNS = (
    "id, source, external_id, job_id, status, full_name, email, phone, phone_e164, page_id, page_name, form_id, "
    "form_name, ad_id, ad_name, campaign_id, campaign_name, platform, received_at, created_at, stored_at, is_test, "
    "fields, consent"
)
FULL = 10_000_000


@dataclass(frozen=True, slots=True)
class Run:
    """One export: leads, seconds, processor seconds of the command, its peak resident bytes, bytes written."""

    leads: int
    took_s: float
    cpu_s: float
    peak: int
    written: int


def run(options: Options) -> Sequence[Report]:
    """Exports of growing size out of one database; the largest with --full."""
    sizes: Sequence[int] = options.pick((5_000, 20_000), (100_000, 1_000_000))
    if options.full:
        sizes = (*sizes, FULL)
    loaded = load(options.folder, sizes[-1], datetime.now(UTC))
    loaded.server.start()
    try:
        return [table(loaded.url, sizes)]
    finally:
        loaded.server.stop()


def table(url: str, sizes: Sequence[int]) -> Report:
    """Exports of the first so many leads of a database; the peer exports the largest number."""
    rows, flat = [], []
    for format_, more in WAYS:
        runs = [_export(url, size, format_, more) for size in sizes]
        flat.append(f"{format_} {runs[-1].peak / runs[0].peak:.2f}x")
        for one in runs:
            name = " ".join(("leads export", format_, *more))
            rows.append((name, *_cells(one), f"{one.peak / 2**20:.0f}"))
            narrate(f"export: {name} of {one.leads:,} took {one.took_s:.0f} s")
    rows.append(("COPY … TO STDOUT CSV", *_cells(_copy(url, sizes[-1])), ""))
    note = f"peak memory at {sizes[-1]:,} leads by that at {sizes[0]:,}: {', '.join(flat)}"
    heads = ("what", "leads", "seconds", "CPU s", "leads/s", "MB written", "peak MiB")
    return Report("leads export", heads, tuple(rows), (note, "COPY masks nothing and guards no cell"))


def _cells(one: Run) -> tuple[str, ...]:
    return (f"{one.leads:,}", f"{one.took_s:.1f}", f"{one.cpu_s:.1f}", f"{one.leads / one.took_s:,.0f}",
            f"{one.written / 1e6:,.0f}")  # fmt: skip


def _export(url: str, leads: int, format_: str, more: Sequence[str]) -> Run:
    words = (sys.executable, "-m", "console", "-q", "leads", "export", "--format", format_, "-n", str(leads), *more)
    began = time.monotonic()
    process = subprocess.Popen(
        words, cwd=ROOT, stdout=subprocess.PIPE, env=os.environ | {"LEADSCTL_DATABASE_URL": url}, bufsize=0
    )
    assert process.stdout is not None
    written = lines = peak = 0
    while chunk := process.stdout.read(1 << 20):
        peak = max(peak, _peak_bytes(process.pid))
        written += len(chunk)
        lines += chunk.count(b"\n")
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or lines < leads:
        raise MissingError(f"leads export wrote {lines:,} of {leads:,} lines and ended with {process.returncode}")
    return Run(leads, time.monotonic() - began, usage.ru_utime + usage.ru_stime, peak, written)


def _peak_bytes(pid: int) -> int:
    """Most resident memory so far, of the program alone: what wait4 tells begins with the parent's before the exec."""
    found = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(found[0].split()[1]) * 1024 if found else 0


def _copy(url: str, leads: int) -> Run:
    began, used, written = time.monotonic(), time.process_time(), 0
    query = f"COPY (SELECT {COLUMNS} FROM leads ORDER BY received_at DESC, id DESC LIMIT {leads}) TO STDOUT CSV"
    with psycopg.connect(url) as connection, connection.cursor().copy(query.encode()) as copy:
        for block in copy:
            written += len(block)
    return Run(leads, time.monotonic() - began, time.process_time() - used, 0, written)
