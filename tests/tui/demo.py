"""Shows the interface over the fakes, to look at it: `python -m tests.tui.demo [--flood LINES_A_SECOND]`."""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from console.ports import Sources
from console.snapshots import LogLine
from console.tui.app import LeadsApp
from console.tui.garbage import collect_seldom
from tests.tui.fakes import (
    NOW,
    FakeChecker,
    FakeLeads,
    FakeQueue,
    FakeRunner,
    FakeStack,
    FakeTracer,
    FakeVolumes,
    World,
    log_lines,
)


@dataclass
class FloodingStack(FakeStack):
    """A stack whose services write `rate` lines a second."""

    rate: int = 0

    async def logs(
        self, services: Sequence[str] = (), *, since: float = 0.0, tail: int | None = None, follow: bool = False
    ) -> AsyncIterator[list[LogLine]]:
        """The made-up log, then the flood in batches of 50 ms."""
        del services, since, tail, follow
        yield log_lines(self.world, 120)
        pattern = log_lines(self.world, 240)
        sent, start = 0, time.monotonic()
        while True:
            await asyncio.sleep(0.05 if self.rate else 1.0)
            due = int((time.monotonic() - start) * (self.rate or 2)) - sent
            now, stamp = self.world.now(), f" @{time.time():.3f}"
            yield [
                LogLine(
                    now,
                    line.service,
                    line.replica,
                    line.text if line.text.endswith("}") else line.text + stamp,
                    line.stream,
                )
                for line in (pattern[(sent + n) % 240] for n in range(due))
            ]
            sent += due


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--flood", type=int, default=0, metavar="LINES_A_SECOND")
    parser.add_argument("--speed", type=float, default=1.0, help="how much faster than ours the time goes")
    for flag in ("hostile", "empty", "calm", "read-only", "broken"):
        parser.add_argument(f"--{flag}", action="store_true")
    args = parser.parse_args()
    start = time.time()
    world = World(
        clock=lambda: NOW + (time.time() - start) * args.speed, hostile=args.hostile, empty=args.empty, calm=args.calm
    )
    if args.broken:
        world.queue_error = "Redis does not answer: connection refused (leads_redis)"
    stack = FloodingStack(world, rate=args.flood)
    sources = Sources(stack, FakeQueue(world), FakeLeads(world), FakeChecker(), FakeVolumes(world), FakeTracer(world))
    app = LeadsApp(sources, FakeRunner(world), clock=world.clock, read_only=args.read_only)

    async def run() -> None:
        collect_seldom()
        await app.run_async()

    asyncio.run(run())


if __name__ == "__main__":
    main()
