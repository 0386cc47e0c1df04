"""`python -m tests.bench [NAME…]`: runs benchmarks and prints their tables."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.bench import machine
from tests.bench.harness import Benchmark, MissingError, Options, Report, narrate
from tests.bench.others import Others

BENCHMARKS = {
    "ingest": "signed body → durable job → 200, requests/s beside Express and Fastify with BullMQ",
    "batch": "one body of 1,000 changes, p95",
    "worker": "queued jobs → rows, jobs/s beside BullMQ's worker",
    "leads": "pages, searches and counts over 10 million leads, beside the plain queries",
    "export": "leads export: leads/s and peak memory by size, beside COPY",
    "recovery": "kill -9 of a worker: how long until its jobs are rows",
    "sharing": "one, two, four, eight workers: jobs/s, and what they wait for",
    "memory": "resident memory of web and worker over many webhooks",
    "help": "leadsctl --help beside a bare start of Python",
    "ps": "leadsctl ps --json beside docker compose ps, on a real Docker Engine",
    "consoles": "the console beside lazydocker on a real Docker Engine: start, idle, a flooded log",
    "flood": "the console over made-up sources: idle, a log of 20,000 lines/s, a search in a million lines",
    "busy": "how long a key takes while 100 leads a second go from webhook to row",
    "soak": "memory of the console over half an hour of traffic",
    "paint": "first paint of the console beside a bare Textual app",
}


_MODULES = {"leads": "ten_million"}
"""Where a benchmark's module is called otherwise."""


def main(argv: list[str] | None = None) -> int:
    """Run what is named (all when nothing is); 1 if one of them could not run."""
    options = _parse(argv)
    # As Ctrl-C does it: servers are ended on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    names = options.names or list(BENCHMARKS)
    console = Console(width=None if sys.stdout.isatty() else 140, highlight=False)
    console.print(Text(machine.describe()))
    failed = False
    for name in names:
        began, others = time.monotonic(), Others()
        benchmark: Benchmark = import_module(f"tests.bench.{_MODULES.get(name, name)}").run
        # A server that drops its rights must be able to enter the folder.
        with tempfile.TemporaryDirectory(prefix="leadsctl-bench-") as folder:
            Path(folder).chmod(0o711)
            try:
                # Each as soon as it is there, so that what was measured is not lost with what was not.
                for report in benchmark(Options(options.quick, Path(folder), options.rounds, options.full)):
                    _show(console, report)
            except MissingError as error:
                narrate(f"{name} cannot run: {error}")
                failed = True
                continue
        share = others.share()
        console.print(Text(f"  other processes took {share:.0%} of the processors meanwhile", style="dim"))
        narrate(f"{name} took {time.monotonic() - began:.0f} s")
    if options.quick:
        console.print(Text("--quick: a single short round each; these figures prove nothing."))
    return int(failed)


def _parse(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Benchmarks beside a peer in the same run.",
        epilog="\n".join(f"  {name:9} {text}" for name, text in BENCHMARKS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], metavar="NAME", help="which (default: all)")
    parser.add_argument("--quick", action="store_true", help="a few seconds each, to see that they work")
    parser.add_argument("--full", action="store_true", help="sizes that take many minutes too (export: ten million)")
    parser.add_argument("--rounds", type=int, default=0, help="how many rounds (default: each benchmark's own number)")
    return parser.parse_args(argv)


def _show(console: Console, report: Report) -> None:
    table = Table(title=Text(report.title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for n, head in enumerate(report.columns):
        table.add_column(head, justify="right" if n else "left", no_wrap=True)
    for row in report.rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)
    for note in report.notes:
        console.print(Text(f"  {note}", style="dim"))


if __name__ == "__main__":
    sys.exit(main())
