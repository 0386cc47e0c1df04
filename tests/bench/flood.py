"""Benchmark `flood`: the console over made-up sources, so that nothing but the console is measured.

Processor time while every pane is live; a log of 20,000 and 40,000 lines/s: how far behind the newest line shown is,
how long a key takes, memory; how long a search in a million lines takes. `consoles` measures it on a real engine.
"""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Iterator, Sequence

from console.snapshots import LogLine
from console.tui.logbook import Logbook, LogFilter, LogView, compiled
from tests.bench.harness import Options, Report, figure, quantile
from tests.bench.processes import cpu_seconds, python
from tests.bench.recording import record, seen
from tests.bench.terminal import program
from tests.tui.fakes import World, log_lines

DEMO = ("-m", "tests.tui.demo")
RATES = (20_000, 40_000)
SETTLE_S = 3.0
KEY_EVERY_S = 0.25
HELP, ESCAPE, ANSWER = "?", "\x1b", "Everywhere"
LINES = 1_000_000
PATTERNS = ("payment", "invalid", "graph.*limit", "stored", "(a|b)oo", "!webhook")


def run(options: Options) -> Sequence[Report]:
    """The three tables."""
    return [
        _idle(options.pick(5.0, 30.0)),
        _floods(options.pick(4.0, 20.0)),
        _searches(options.pick(LINES // 20, LINES)),
    ]


def _idle(seconds: float) -> Report:
    with program(python(*DEMO), {}) as terminal:
        terminal.await_screen(lambda text: "healthy" in text, 60)
        record(terminal, SETTLE_S, itertools.repeat(""), 60)
        before = cpu_seconds(terminal.process)
        made = record(terminal, seconds, itertools.repeat(""), 60)
        share = (cpu_seconds(terminal.process) - before) / seconds
    row = (f"{share:.2%}", f"{made.memory / 2**20:.0f}")
    note = f"{seconds:.0f} s; every pane is live at 1 s, and its figures change each second"
    return Report("flood: idle", ("of a core", "memory MiB"), (row,), (note,))


def _floods(seconds: float) -> Report:
    rows = []
    for rate in RATES:
        with program(python(*DEMO, "--flood", str(rate)), {}) as terminal:
            terminal.await_screen(lambda text: "healthy" in text, 60)
            terminal.send("2")
            terminal.await_screen(lambda text: "following" in text, 60)
            before, began = bytes(terminal.written), time.time()
            made = record(terminal, seconds, itertools.cycle((HELP, ESCAPE)), KEY_EVERY_S)
            used = cpu_seconds(terminal.process) / (time.time() - began)
        found = seen(made, before, began + 1, began + seconds, ANSWER, HELP)
        pressed = sum(key == HELP for _, key in made.keys)
        rows.append(
            (
                f"{rate:,}",
                f"{statistics.median(found.behind):.2f}",
                f"{quantile(found.behind, 0.95):.2f}",
                f"{quantile(found.key_s, 0.95) * 1e3:.0f}",
                f"{len(found.key_s)} of {pressed}",
                f"{made.memory / 2**20:.0f}",
                f"{used:.0%}",
            )
        )
    columns = ("lines/s", "behind s", "p95 s", "key p95 ms", "keys answered", "memory MiB", "of a core")
    return Report(f"flood: a log that is followed for {seconds:.0f} s", columns, tuple(rows))


def _million(count: int) -> Iterator[list[LogLine]]:
    pattern = log_lines(World(), 240)
    for start in range(0, count, 1_000):
        yield [
            LogLine(start + n / 1e3, line.service, line.replica, f"{line.text}{start + n}", line.stream)
            for n, line in enumerate((pattern * 5)[:1_000])
        ]


def _searches(count: int) -> Report:
    book = Logbook(1 << 40)
    for lines in _million(count):
        book.extend(lines)
    view = LogView(book)
    rows = []
    for pattern in PATTERNS:
        inverse = pattern.startswith("!")
        plain = pattern.lstrip("!")
        began, wall = time.process_time(), time.perf_counter()
        slowest = 0.0
        for _left in view.scan(LogFilter(pattern=plain, inverse=inverse, regex=compiled(plain))):
            slowest = max(slowest, time.perf_counter() - wall)
            wall = time.perf_counter()
        took = time.process_time() - began
        rows.append((pattern, f"{len(view.entries):,}", f"{took:.2f}", f"{slowest * 1e3:.0f}"))
    title = f"flood: a search in {count:,} lines"
    note = f"processor time; the lines take {figure(book.bytes / 1e6)} MB"
    return Report(title, ("pattern", "lines found", "s", "longest hold-up ms"), tuple(rows), (note,))
