"""Benchmark `ps`: `leadsctl ps --json` beside `docker compose ps --format json` on a warm stack of a real engine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.bench.harness import MissingError, Options, Report, Samples, interleave, times
from tests.bench.processes import environment
from tests.live.stacks import LiveStack, why_not

OURS = "leadsctl ps --json"
PEER = "docker compose ps --format json"


def run(options: Options) -> Sequence[Report]:
    """Wall and processor time of each, children included. MissingError without an engine or its images."""
    if reason := why_not():
        raise MissingError(reason)
    stack = LiveStack(options.folder)
    env = environment({"XDG_STATE_HOME": str(options.folder / "state")})
    commands = {
        OURS: [str(Path(sys.executable).with_name("leadsctl")), *stack.words, "ps", "--json"],
        PEER: ["docker", "compose", "--project-name", stack.project, "ps", "--format", "json"],
    }
    wall, cpu = Samples(), Samples()
    try:
        stack.up()
        for command in commands.values():
            _timed(command, env)
        for _n, name in interleave(list(commands), options.count(3, 21), "ps"):
            took_s, used_s = _timed(commands[name], env)
            wall.add(name, took_s * 1e3)
            cpu.add(name, used_s * 1e3)
    finally:
        stack.remove()
    rows = tuple(
        (name, f"{wall.median(name):.0f}", wall.spread(name), f"{cpu.median(name):.0f}", times(wall.ratio(name, PEER)))
        for name in commands
    )
    notes = ("leadsctl also compares what runs with the compose files; compose ps does not",)
    return [
        Report("ps on a warm stack of five services", ("command", "ms", "range", "CPU ms", "to compose"), rows, notes)
    ]


def _timed(command: Sequence[str], env: Mapping[str, str]) -> tuple[float, float]:
    """Seconds, and processor seconds of the command and what it ran."""
    began, before = time.perf_counter(), os.times()
    done = subprocess.run(command, env=env, capture_output=True, check=False)
    took, after = time.perf_counter() - began, os.times()
    if done.returncode:
        raise MissingError(f"{command[0]} failed: {done.stderr.decode(errors='replace')[-300:]}")
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return took, used
