"""Benchmark `soak`: memory of the console over half an hour of traffic, told faster than it would come."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from tests.bench.harness import Options, Report, figure, narrate
from tests.bench.processes import memory_bytes, python
from tests.bench.recording import record
from tests.bench.terminal import program

SIMULATED_S = 1_800.0
RATE = 700
"""Log lines a second of the simulated time."""
POINTS = 12
WALK = ("2", "k", "k", "\r", "G", "3", "j", " ", "\x1b", "4", "j", "\r", "\x1b", "5", "6", "?", "\x1b", "1", "j")


def run(options: Options) -> Sequence[Report]:
    """Resident memory at twelve times of a run in which every screen is walked through again and again."""
    seconds = options.pick(12.0, 600.0)
    speed = SIMULATED_S / seconds
    command = python("-m", "tests.tui.demo", "--flood", str(int(RATE * min(speed, 3.0))), "--speed", f"{speed:.3f}")
    rows = []
    with program(command, {}) as terminal:
        terminal.await_screen(lambda text: "healthy" in text, 60)
        keys = itertools.cycle(WALK)
        for n in range(POINTS):
            record(terminal, seconds / POINTS, keys, 0.25)
            resident = memory_bytes(terminal.process) / 2**20
            narrate(f"soak: {n + 1}/{POINTS}, {resident:.0f} MiB")
            rows.append((f"{(n + 1) * SIMULATED_S / POINTS / 60:.1f}", f"{resident:.1f}"))
    growth = float(rows[-1][1]) - float(rows[POINTS // 2 - 1][1])
    note = f"the second half grew by {figure(growth)} MiB; {len(WALK)} keys that go through all screens, 4 a second"
    return [Report("soak: the console's memory", ("minutes", "MiB"), tuple(rows), (note,))]
