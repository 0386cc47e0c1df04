"""Benchmark `busy`: how long a key takes while leads come: 100 a second, from webhook to row, on real servers.

It is a demo's stack; the sender and the stand-in of Meta run in a process of their own, beside the console.
"""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.bench.harness import MissingError, Options, Report, quantile
from tests.bench.processes import cpu_seconds, python, running, tail
from tests.bench.recording import Recording, record, seen
from tests.bench.terminal import Terminal, program
from tests.servers import wait_until

RATE = 100
PAGES = {"1": "overview", "2": "logs", "3": "queue", "4": "leads"}
HELP, ESCAPE, ANSWER = "?", "\x1b", "Everywhere"
LEADSCTL = (str(Path(sys.executable).with_name("leadsctl")),)
BARE = str(Path(__file__).with_name("peers") / "bare_textual.py")
KEY_EVERY_S = 0.25
STARTS_S, SETTLE_S = 60.0, 5.0


def run(options: Options) -> Sequence[Report]:
    """One table: each screen, the help opened and closed again and again; and a bare Textual app's box."""
    seconds = options.pick(4.0, 20.0)
    with _stack(options.folder) as stack:
        with program([*LEADSCTL, "--local", "--dir", stack], {}) as terminal:
            terminal.await_screen(lambda text: text.count("healthy") > 2, STARTS_S)
            rows = _pressed(terminal, PAGES, seconds)
        with program(python(BARE), {}) as terminal:
            terminal.await_screen(lambda text: text.count("healthy") > 2, STARTS_S)
            rows += _pressed(terminal, {"": "a bare Textual app"}, seconds)
    columns = ("screen", "key p50 ms", "p95 ms", "keys answered", "of a core")
    note = "a key is answered when the help is on the screen; the processor's share is the program's alone"
    return [Report(f"busy: {RATE} leads a second from webhook to row", columns, tuple(rows), (note,))]


def _pressed(terminal: Terminal, pages: Mapping[str, str], seconds: float) -> list[tuple[str, ...]]:
    """A row for each page, by the key that shows it."""
    before, rows = bytes(terminal.written), []
    for page, name in pages.items():
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
    return rows


@contextmanager
def _stack(folder: Path) -> Iterator[str]:
    """The folder of a running stack to which leads come."""
    log = folder / "traffic.log"
    with running(python("-m", "tests.bench.traffic", str(RATE)), {}, log) as process:

        def up() -> bool:
            if process.poll() is not None:
                raise MissingError(f"the stack ended with {process.returncode}: {tail(log)}")
            return log.read_text().startswith("/")

        wait_until(up, "a stack with traffic")
        yield log.read_text().splitlines()[0]


def _written(made: Recording) -> bytes:
    return b"".join(data for _, data in made.chunks)
