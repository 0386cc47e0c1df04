"""Benchmark `busy`: how long a key takes while leads come: 100 a second, from webhook to row, on real servers.

It is the demo's stack, whose sender and stand-in of Meta run in the console's own process: with a stack of one's own a
key takes less.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.harness import Options, Report, quantile
from tests.bench.processes import cpu_seconds
from tests.bench.recording import Recording, record, seen
from tests.bench.terminal import program

RATE = 100
PAGES = {"1": "overview", "2": "logs", "3": "queue", "4": "leads"}
HELP, ESCAPE, ANSWER = "?", "\x1b", "Everywhere"
KEY_EVERY_S = 0.25
STARTS_S, SETTLE_S = 60.0, 5.0


def run(options: Options) -> Sequence[Report]:
    """One table: each screen, the help opened and closed again and again."""
    seconds = options.pick(4.0, 20.0)
    rows: list[tuple[str, ...]] = []
    command = [str(Path(sys.executable).with_name("leadsctl")), "demo", "--rate", str(RATE)]
    with program(command, {}) as terminal:
        terminal.await_screen(lambda text: text.count("healthy") > 2, STARTS_S)
        before = bytes(terminal.written)
        for page, name in PAGES.items():
            terminal.send(page)
            before += _written(record(terminal, SETTLE_S, itertools.repeat(""), SETTLE_S * 2))
            began, used = time.time(), cpu_seconds(terminal.process)
            made = record(terminal, seconds, itertools.cycle((HELP, ESCAPE)), KEY_EVERY_S)
            share = (cpu_seconds(terminal.process) - used) / (time.time() - began)
            found = seen(made, before, began, began + seconds, ANSWER, HELP)
            pressed = sum(key == HELP for _, key in made.keys)
            took = [f"{quantile(found.key_s, q) * 1e3:.0f}" for q in (0.5, 0.95)]
            rows.append((name, *took, f"{len(found.key_s)} of {pressed}", f"{share:.0%}"))
            before += _written(made)
    columns = ("screen", "key p50 ms", "p95 ms", "keys answered", "of a core")
    note = "a key is answered when the help is on the screen; the processor's share is the sender's and Meta's too"
    return [Report(f"busy: {RATE} leads a second from webhook to row", columns, tuple(rows), (note,))]


def _written(made: Recording) -> bytes:
    return b"".join(data for _, data in made.chunks)
