"""Runs the demo without a terminal: a bounded number of leads, then the status, the accounting and a verdict."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from api.models import Accounting, QueueSnapshot
from console.demo.graph import Temper
from console.demo.session import DemoSession
from console.errors import UnreachableError
from console.format import Cell, Tone, number
from console.session import Session
from console.snapshots import Progress, StackSnapshot

if TYPE_CHECKING:
    from console.cli.narrate import Narrator
    from console.cli.output import Output

LEADS = 500
PATIENCE_S = 60.0
"""Seconds without any movement after which the queue counts as not settling."""

CHECK_FAILED = 4

Emit = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Report:
    """What a run came to. `taken` leads got a 200; `repeated` were sent on top; `hopeless` can never be read."""

    taken: int
    repeated: int
    hopeless: int
    settled: bool
    seconds: float
    accounting: Accounting
    queue: QueueSnapshot
    stack: StackSnapshot

    @property
    def adds_up(self) -> bool:
        """Whether everything that got a 200 was accepted once, and all that was accepted is in its one place."""
        return self.settled and self.accounting.balanced and self.accounting.accepted == self.taken


async def run_demo(
    output: Output, narrator: Narrator, *, leads: int = LEADS, rate: float = 0.0, seed: int | None = None
) -> int:
    """Send `leads` leads through a stack of their own and prove that none was lost.

    Progress goes to `narrator`, the result to `output` (as a document if it writes JSON). `rate` leads a second, 0: as
    fast as they are taken.

    Returns:
        0 if everything adds up, else 4.

    Raises:
        ConsoleError: the stack did not come up, or stopped answering.
    """
    steps = narrator.steps()
    try:
        report = await _work(leads, rate, seed, steps.step)
    finally:
        steps.end()
    show(output, report)
    return 0 if report.adds_up else CHECK_FAILED


async def _work(leads: int, rate: float, seed: int | None, emit: Emit) -> Report:
    began = time.monotonic()
    async with (
        DemoSession(
            rate=rate, count=leads, seed=seed, temper=Temper(slow_s=0.8), retry_base_s=0.1, on_step=emit
        ) as demo,
        Session(demo.settings, demo.runtime) as session,
    ):
        # CPU is measured between two looks.
        await demo.runtime.snapshot()
        settled = await _settle(demo, session, leads, emit)
        hopeless = sum(demo.world.fate(n).lasting for n in range(leads))
        return Report(
            taken=demo.traffic.sent.leads,
            repeated=demo.traffic.sent.duplicates,
            hopeless=hopeless,
            settled=settled,
            accounting=await session.checker.accounting(),
            queue=await session.queue.read(),
            stack=await demo.runtime.snapshot(),
            seconds=time.monotonic() - began,
        )


async def _settle(demo: DemoSession, session: Session, leads: int, emit: Emit) -> bool:
    """Wait until all leads were sent and none is under way any more; False when nothing moves for PATIENCE_S."""
    began = moved = time.monotonic()
    last = None
    while time.monotonic() - moved < PATIENCE_S:
        try:
            queue = await session.queue.read()
        except UnreachableError:
            await asyncio.sleep(0.2)
            continue
        finished = queue.accepted - queue.depth
        emit(Progress("leads", done=min(finished, leads), total=leads))
        if demo.traffic.done and not queue.depth:
            emit(Progress(f"{number(leads)} leads in {time.monotonic() - began:.1f} s", ok=True))
            return True
        now = (demo.traffic.sent.webhooks, queue.accepted, queue.ready, queue.in_flight, queue.retry, queue.dead)
        if now != last:
            last, moved = now, time.monotonic()
        await asyncio.sleep(0.1)
    emit(Progress("the queue does not settle", ok=False))
    return False


def show(output: Output, report: Report) -> None:
    """Print the result: a document, or the status, the accounting and the verdict."""
    if output.json:
        from console.cli.documents import accounting_document, queue_document
        from console.cli.shaped import stack_document

        output.document(
            {
                "ok": report.adds_up,
                "settled": report.settled,
                "seconds": round(report.seconds, 2),
                "leads_answered_200": report.taken,
                "duplicates_sent": report.repeated,
                "unreadable_leads": report.hopeless,
                "stack": msgspec.to_builtins(stack_document(report.stack)),
                "queue": queue_document(report.queue),
                "accounting": msgspec.to_builtins(accounting_document(report.accounting)),
            }
        )
        return
    from console.cli.views import show_accounting, show_queue, show_stack

    output.heading("Stack")
    show_stack(output, report.stack)
    output.line()
    output.heading("Queue")
    show_queue(output, report.queue)
    output.line()
    output.heading("Accounting")
    output.line(
        f"{number(report.taken)} leads got a 200, {number(report.repeated)} of them were sent twice; "
        f"{number(report.hopeless)} can never be read and must be dead letters."
    )
    show_accounting(output, report.accounting)
    output.line()
    if report.adds_up:
        output.line(Cell(f"● It adds up: nothing lost, nothing doubled ({report.seconds:.1f} s).", Tone.OK))
    else:
        why = "" if report.settled else ": the queue did not settle"
        output.line(Cell(f"✖ It does not add up{why}.", Tone.BAD))
