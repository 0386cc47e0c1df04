"""Benchmark `paint`: from the start of the process to the first frame on the terminal, beside a bare Textual app."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench.harness import Options, Report, Samples, interleave, times
from tests.bench.processes import python
from tests.bench.terminal import COLUMNS, ROWS, program

OURS = "leadsctl"
BARE = "bare Textual app"
PAINTED = 20
"""Visible characters that make a frame."""


def run(options: Options) -> Sequence[Report]:
    """Milliseconds to the first frame; the console looks at a local stack that is not running."""
    state = options.folder / "stack"
    commands = {
        OURS: [str(Path(sys.executable).with_name("leadsctl")), "--local", "--dir", str(state)],
        BARE: python(str(Path(__file__).with_name("peers") / "bare_textual.py")),
    }
    took = Samples()
    for command in commands.values():
        _paint(command)
    for _n, name in interleave(list(commands), options.count(3, 21), "paint"):
        took.add(name, _paint(commands[name]) * 1e3)
    rows = tuple(
        (name, f"{took.median(name):.0f}", took.spread(name), times(took.ratio(name, BARE))) for name in commands
    )
    title = f"paint: start to first frame, {COLUMNS}×{ROWS}"
    return [Report(title, ("program", "ms", "range", "to the bare app"), rows)]


def _paint(command: list[str]) -> float:
    with program(command, {}) as terminal:
        return terminal.await_screen(lambda text: len("".join(text.split())) >= PAINTED, 20)
