"""Draws what was read for a person on the command line: the stack, the queue, a check. Made for 80 columns and up."""

from __future__ import annotations

import time
from collections.abc import Sequence

from api.models import Accounting, Outcome, PagePause, QueueSnapshot
from console.cause import pause_text, why
from console.checks import CheckReport, Verdict
from console.cli.output import Output
from console.cli.table import Column
from console.format import Cell, Tone, age, number, percent, safe, size, state_shape
from console.history import Rates
from console.snapshots import Replica, Service, StackSnapshot, State

MARKS = {
    Verdict.OK: Cell("●", Tone.OK),
    Verdict.WARN: Cell("◐", Tone.WARN),
    Verdict.FAIL: Cell("✖", Tone.BAD),
}

MEASURED = ("UPTIME", "CPU", "MEMORY")
_STACK = (
    Column(""),
    Column("SERVICE", least=8),
    Column("STATE", least=10),
    Column("UPTIME", right=True),
    Column("CPU", right=True),
    Column("MEMORY", right=True),
    Column("RESTARTS", right=True, optional=1),
    Column("PORTS", least=12, optional=2),
    Column("VERSION", least=8, optional=3),
)


def show_stack(output: Output, stack: StackSnapshot) -> None:
    """A row a service, and one a replica where there are several; what is wrong is said below.

    What was measured of none has no column.
    """
    rows: list[Sequence[str | Cell]] = []
    for service in stack.services:
        rows.append(_service_row(service))
        if len(service.replicas) > 1:
            rows += [_replica_row(replica) for replica in service.replicas]
    known = [i for i, column in enumerate(_STACK) if column.title not in MEASURED or any(row[i] != "–" for row in rows)]
    output.table([_STACK[i] for i in known], [[row[i] for i in known] for row in rows])
    for service in stack.services:
        for replica in service.replicas:
            if trouble := _trouble(replica):
                output.note(Cell("◐", Tone.WARN), f"{safe(replica.name, 60)}: {trouble}")
    for service in stack.services:
        if service.drift:
            output.note(Cell("≠", Tone.WARN), f"{safe(service.name, 60)}: {safe('; '.join(service.drift), 300)}")
    if any(service.drift for service in stack.services):
        output.note(Cell("≠", Tone.WARN), "differs from the compose files, which leadsctl up applies")
    for note in stack.notes:
        output.note(Cell("◐", Tone.WARN), safe(note, 400))


def _service_row(service: Service) -> Sequence[str | Cell]:
    replicas = service.replicas
    many = len(replicas) > 1 or service.wanted > 1
    state = service.state
    text = f"{service.up} of {max(service.wanted, len(replicas))}" if many else state.value
    started = [replica.started_at for replica in replicas if replica.started_at]
    cpu = [replica.cpu_percent for replica in replicas if replica.cpu_percent is not None]
    memory = [replica.memory_bytes for replica in replicas if replica.memory_bytes is not None]
    return (
        state_shape(state),
        Cell(safe(service.name, 60), Tone.STRONG),
        Cell(text, state_shape(state).tone),
        _since(min(started, default=0)),
        percent(sum(cpu) if cpu else None),
        size(sum(memory) if memory else None),
        number(sum(replica.restarts for replica in replicas)),
        safe(" ".join(service.ports), 80),
        safe(service.version or service.image, 80),
    )


def _replica_row(replica: Replica) -> Sequence[str | Cell]:
    shape = state_shape(replica.state)
    where = f" on {safe(replica.node, 40)}" if replica.node else ""
    return (
        "",
        Cell(f"  {safe(replica.name, 60)}", Tone.DIM),
        Cell(f"{shape.text} {replica.state.value}{where}", shape.tone),
        _since(replica.started_at),
        percent(replica.cpu_percent),
        size(replica.memory_bytes),
        number(replica.restarts),
        "",
        "",
    )


def _since(started_at: float) -> str:
    return age(time.time() - started_at) if started_at else "–"


def _trouble(replica: Replica) -> str:
    if replica.oom_killed:
        return "killed, out of memory"
    if replica.state.up:
        return ""
    code = f"ended with {replica.exit_code}" if replica.exit_code else ""
    health = "" if replica.state in (State.STOPPED, State.ABSENT) else safe(replica.health, 200)
    return "; ".join(filter(None, (code, health)))


def show_queue(output: Output, queue: QueueSnapshot) -> None:
    """The figures, one line each, and what needs an operator."""
    cause = why(queue, None, Rates())
    output.note(Cell(cause.shape, cause.tone), cause.text)
    alive = sum(worker.alive for worker in queue.workers)
    aof = queue.aof if queue.aof_ok else f"{queue.aof}, last write FAILED"
    rows: list[Sequence[str | Cell]] = [
        ("ready", number(queue.ready), f"oldest {age(queue.oldest_ready_s)}" if queue.ready else ""),
        ("in flight", number(queue.in_flight), f"oldest {age(queue.oldest_in_flight_s)}" if queue.in_flight else ""),
        ("retry", number(queue.retry), f"next in {age(queue.next_retry_s)}" if queue.retry else ""),
        ("stuck", _count(queue.stuck, Tone.BAD), ""),
        ("dead", _count(queue.dead, Tone.WARN), ""),
        ("discarded", number(queue.discarded), ""),
        ("accepted", number(queue.accepted), f"{number(queue.duplicates)} duplicates turned away"),
        ("workers", Cell(number(alive), Tone.PLAIN if alive else Tone.BAD), f"of {number(len(queue.workers))} alive"),
        ("memory", size(queue.memory_bytes), f"{safe(queue.server, 40)}, AOF {safe(aof, 40) or 'unknown'}"),
    ]
    output.table((Column(""), Column("", right=True), Column("", least=20)), rows)
    for pause in queue.pauses:
        said = f"{pause_text(pause)}{_next_try(pause, queue.taken_at)}"
        if said != cause.text:
            output.note(Cell("◐", Tone.WARN), said)
    for notice in queue.other_notices:
        output.note(Cell("◐", Tone.WARN), f"{safe(notice.text, 300)} ({number(notice.count)}×)")


def _next_try(pause: PagePause, now: float) -> str:
    """When a page is tried by itself that waits for an operator."""
    if pause.until or not pause.next_at:
        return ""
    return f"; tried again in {age(max(0.0, pause.next_at - now))}, leadsctl queue resume --page {safe(pause.page, 40)}"


def _count(count: int, tone: Tone) -> Cell:
    return Cell(number(count), tone if count else Tone.PLAIN)


def show_check(output: Output, report: CheckReport) -> None:
    """A line a finding, then where everything is, then the ids that break the accounting."""
    rows = [(MARKS[found.verdict], found.name, safe(found.text, 300)) for found in report.findings]
    output.table((Column(""), Column(""), Column("")), rows)
    show_accounting(output, report.accounting)


def show_accounting(output: Output, found: Accounting) -> None:
    """accepted = the sum of all places, as a column of figures; and the ids that break it."""
    parts = [
        ("ready", found.ready),
        ("in flight", found.in_flight),
        ("retry", found.retry),
        ("dead", found.dead),
        *((outcome.value, found.deliveries.get(outcome, 0)) for outcome in Outcome),
    ]
    equals = Cell("=" if found.balanced else "≠", Tone.OK if found.balanced else Tone.BAD)
    rows: list[Sequence[str | Cell]] = [("", "accepted", number(found.accepted))]
    rows += [(equals if n == 0 else "+", name, number(count)) for n, (name, count) in enumerate(parts)]
    output.line()
    output.table((Column(""), Column(""), Column("", right=True)), rows)
    for title, ids in (("missing", found.missing), ("in two places", found.doubled)):
        for text in ids:
            output.line(Cell(f"✖ {title}: {safe(text, 200)}", Tone.BAD))
