"""Benchmark `help`: `leadsctl --help` beside a bare start of Python and an import of typer."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.bench.harness import ROOT, MissingError, Options, Report, Samples, interleave, times
from tests.bench.processes import environment, python

BARE = "python -c pass"
COMMANDS = {
    "leadsctl --help": [str(Path(sys.executable).with_name("leadsctl")), "--help"],
    "leadsctl queue --help": [str(Path(sys.executable).with_name("leadsctl")), "queue", "--help"],
    "python -c 'import typer'": python("-c", "import typer"),
    "python -c 'import textual.app'": python("-c", "import textual.app"),
    BARE: python("-c", "pass"),
}


def run(options: Options) -> Sequence[Report]:
    """Milliseconds from start to end of the process."""
    took = Samples()
    for name, command in COMMANDS.items():
        _time(name, command)
    for _n, name in interleave(list(COMMANDS), options.count(3, 21), "help"):
        took.add(name, _time(name, COMMANDS[name]) * 1e3)
    rows = tuple(
        (name, f"{took.median(name):.0f}", took.spread(name), times(took.ratio(name, BARE))) for name in COMMANDS
    )
    return [Report("help: wall time of a process", ("command", "ms", "range", f"to {BARE}"), rows)]


def _time(name: str, command: list[str]) -> float:
    began = time.perf_counter()
    done = subprocess.run(command, env=environment({}), cwd=ROOT, capture_output=True, check=False)
    took = time.perf_counter() - began
    if done.returncode:
        raise MissingError(f"{name} ended with {done.returncode}: {done.stderr.decode(errors='replace')[-300:]}")
    return took
