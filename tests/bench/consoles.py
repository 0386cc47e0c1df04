"""Benchmark `consoles`: the console beside lazydocker on the same stack on a real engine, in the same kind of terminal.

First paint, all services on screen, idle processor time; then a service that floods its log: how far behind the newest
line on screen is, how long a key takes meanwhile, and memory.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import lazydocker
from tests.bench.harness import MissingError, Options, Report, Samples, figure, interleave, quantile, times
from tests.bench.paint import PAINTED
from tests.bench.processes import cpu_seconds
from tests.bench.recording import record, seen
from tests.bench.terminal import Terminal, program
from tests.live.stacks import LiveStack, why_not

OURS = "leadsctl"
PEER = "lazydocker"
FLOOD = "a-flood"
"""The first in lazydocker's list: its log is open from the start."""

OVERLAY = """
services:
  {flood}:
    image: python:3.13-slim
    command: ["sh", "-c", "echo ready to flood; exec sleep 86400"]
    stop_grace_period: 0s
    volumes: ["{script}:/flood.py:ro"]
"""
SERVICES = (FLOOD, "app", "worker", "db", "redis")
UP = ("healthy", "running")
RATES = (1_000, 20_000)
SETTLE_S = 4.0
KEY_EVERY_S = 0.5
LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Contender:
    """A console: its command, the keys that open the log, the key that opens help or menu, and how that looks."""

    command: list[str]
    log: str
    key: str
    answer: str


def run(options: Options) -> Sequence[Report]:
    """Side by side. MissingError without an engine, its images, or the peer."""
    if reason := why_not():
        raise MissingError(reason)
    peer = lazydocker.program()
    overlay = options.folder / "flood.yml"
    script = Path(__file__).with_name("peers") / "flood.py"
    overlay.write_text(OVERLAY.format(flood=FLOOD, script=script))
    stack = LiveStack(options.folder, overlays=(overlay,))
    files = [word for path in stack.files for word in ("-f", str(path))]
    ours = [
        str(Path(sys.executable).with_name("leadsctl")),
        "-p",
        stack.project,
        *files,
        "--env-file",
        str(stack.env_file),
    ]
    contenders = {
        OURS: Contender(ours, "2", "?", "Keys · logs"),
        PEER: Contender([peer, *files, "-p", stack.project], "", "x", "Menu"),
    }
    try:
        stack.up()
        return [
            _start(contenders, options.count(2, 11)),
            _idle(contenders, options.pick(5.0, 30.0)),
            *(_flood(stack, contenders, rate, options.pick(5.0, 20.0)) for rate in RATES),
        ]
    finally:
        stack.remove()


def _start(contenders: dict[str, Contender], rounds: int) -> Report:
    paint, whole = Samples(), Samples()
    for one in contenders.values():
        with program(one.command, {}) as terminal:
            terminal.await_screen(_all_up, LIMIT_S)
    for _n, name in interleave(list(contenders), rounds, "consoles: start"):
        with program(contenders[name].command, {}) as terminal:
            paint.add(name, terminal.await_screen(_painted, LIMIT_S) * 1e3)
            whole.add(name, terminal.await_screen(_all_up, LIMIT_S) * 1e3)
    rows = tuple(
        (
            name,
            f"{paint.median(name):.0f}",
            times(paint.ratio(name, PEER)),
            f"{whole.median(name):.0f}",
            whole.spread(name),
            times(whole.ratio(name, PEER)),
        )
        for name in contenders
    )
    columns = ("program", "first paint ms", f"to {PEER}", "all services ms", "range", f"to {PEER}")
    return Report("consoles: from start to screen, five services on a real engine", columns, rows)


def _idle(contenders: dict[str, Contender], seconds: float) -> Report:
    used: dict[str, float] = {}
    for name, one in contenders.items():
        with program(one.command, {}) as terminal:
            terminal.await_screen(_all_up, LIMIT_S)
            _drain(terminal, SETTLE_S)
            before = cpu_seconds(terminal.process)
            _drain(terminal, seconds)
            used[name] = (cpu_seconds(terminal.process) - before) / seconds * 100
    rows = tuple((name, f"{share:.2f} %", times(share / used[PEER])) for name, share in used.items())
    return Report(
        f"consoles: processor while nothing happens, {seconds:.0f} s", ("program", "of a core", f"to {PEER}"), rows
    )


def _flood(stack: LiveStack, contenders: dict[str, Contender], rate: int, seconds: float) -> Report:
    rows = []
    for name, one in contenders.items():
        stack.docker("rm", "-f", stack.container(FLOOD))
        stack.compose("up", "--detach", FLOOD)
        with program(one.command, {}) as terminal:
            terminal.await_screen(_all_up, LIMIT_S)
            terminal.send(one.log)
            terminal.await_screen(lambda text: "ready to flood" in text, LIMIT_S)
            command = f"python3 /flood.py {rate} {seconds} >/proc/1/fd/1"
            stack.docker("exec", "-d", stack.container(FLOOD), "sh", "-c", command)
            began, before = time.time(), bytes(terminal.written)
            keys = itertools.cycle((one.key, "\x1b"))
            made = record(terminal, seconds + 1.0, keys, KEY_EVERY_S)
        found = seen(made, before, began + seconds / 2, began + seconds, one.answer, one.key)
        pressed = sum(key == one.key for _, key in made.keys)
        rows.append(
            (
                name,
                f"{statistics.median(found.behind):.2f}" if found.behind else "nothing shown",
                f"{max(found.behind):.2f}" if found.behind else "–",
                f"{quantile(found.key_s, 0.95) * 1e3:.0f}" if found.key_s else "–",
                f"{len(found.key_s)} of {pressed}",
                f"{made.memory / 2**20:.0f}",
            )
        )
    columns = ("program", "behind s", "at most s", "key p95 ms", "keys answered", "memory MiB")
    return Report(
        f"consoles: a log of {figure(rate)} lines/s for {seconds:.0f} s; behind in its second half",
        columns,
        tuple(rows),
    )


def _painted(text: str) -> bool:
    return len("".join(text.split())) >= PAINTED


def _all_up(text: str) -> bool:
    lines = text.splitlines()
    return all(any(name in line and any(word in line for word in UP) for line in lines) for name in SERVICES)


def _drain(terminal: Terminal, seconds: float) -> None:
    """Read on for a while, so that the program is never held up."""
    record(terminal, seconds, iter(()), seconds * 2)
