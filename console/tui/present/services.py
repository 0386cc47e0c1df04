"""Services to table rows and details."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from console.format import Cell, Line, Tone, age, bars, fit, percent, safe, size, state_shape, width_of, wrap_line
from console.history import Ring
from console.snapshots import Replica, Role, Service, StackSnapshot, State
from console.tui.present.grid import Column, Row
from console.tui.state import cpu_of, memory_of

COLUMNS = (
    Column("service", 8, grow=3),
    Column("state", 9, grow=1),
    Column("up", 6, right=True, from_width=25),
    Column("cpu", 5, right=True, from_width=31),
    Column("mem", 5, grow=1, right=True, from_width=36),
    Column("cpu, 3 min", 12, from_width=68),
    Column("restarts", 8, right=True, from_width=78),
    Column("ports", 17, grow=2, from_width=90),
    Column("image", 8, right=True, from_width=104),
)
HUES = {Role.APP: Tone.HUE1, Role.WORKER: Tone.HUE2, Role.DB: Tone.HUE3, Role.REDIS: Tone.HUE4, Role.OTHER: Tone.HUE5}
SPARK_S = 180.0
LABEL = 11
"""Cells of what a fact of a service is called."""


def ordered(stack: StackSnapshot) -> list[Service]:
    """The services along the way of a lead, whatever order the runtime gives them in."""
    order = list(Role)
    return sorted(stack.services, key=lambda service: order.index(service.role))


def service_rows(
    stack: StackSnapshot, now: float, cpu: Mapping[str, Ring], *, room: int, wide: bool = False
) -> list[Row]:
    """One row a service; where there is `room` also one for each replica of a service that has several."""
    services = ordered(stack)
    total = sum(1 + (len(s.replicas) if len(s.replicas) > 1 else 0) for s in services)
    rows: list[Row] = []
    for service in services:
        rows.append(_service_row(service, now, cpu.get(service.name), wide=wide))
        if len(service.replicas) > 1 and total <= room:
            rows.extend(_replica_row(service, r, now, last=r is service.replicas[-1]) for r in service.replicas)
    return rows


def service_of(key: str) -> str:
    """The name of the service that a row stands for or belongs to."""
    return key.split("\n", 1)[0]


def replica_at(service: Service, key: str) -> Replica | None:
    """The replica that a row stands for, None for a row of the whole service."""
    id_ = key.partition("\n")[2]
    return next((each for each in service.replicas if each.id == id_), None) if id_ else None


def _service_row(service: Service, now: float, ring: Ring | None, *, wide: bool) -> Row:
    shape = state_shape(service.state)
    tone = Tone.WARN if service.drift and shape.tone is Tone.OK else shape.tone
    differs = " ≠" if service.drift else ""
    started = max((r.started_at for r in service.replicas if r.started_at and r.state.up), default=0.0)
    quiet = Tone.PLAIN if service.up else Tone.DIM
    spark = bars(ring.columns(12, now, SPARK_S), top=max(10.0, *(v for _, v in ring)))[0] if ring and len(ring) else ""
    return Row(
        service.name,
        (
            Cell(f"{shape.text} {safe(service.name, 60)}{differs}", tone if tone is not Tone.OK else Tone.PLAIN),
            Cell(state_text(service), shape.tone),
            Cell(age(now - started) if started else "–", quiet),
            Cell(percent(cpu_of(service)), quiet),
            Cell(size(memory_of(service)) if wide else _tight(memory_of(service)), quiet),
            Cell(spark, Tone.CHART),
            Cell(str(sum(r.restarts for r in service.replicas) or "–"), _restarts_tone(service)),
            Cell(", ".join(safe(p, 60) for p in service.ports) or "–", Tone.DIM),
            Cell(age(now - service.image_created_at) if service.image_created_at else "–", Tone.DIM),
        ),
    )


def _replica_row(service: Service, replica: Replica, now: float, *, last: bool) -> Row:
    shape = state_shape(replica.state)
    return Row(
        f"{service.name}\n{replica.id}",
        (
            Cell(f"{'└' if last else '├'} {shape.text} {safe(replica.name, 60)}", Tone.DIM),
            Cell(replica.state.value, shape.tone if not replica.state.up else Tone.DIM),
            Cell(age(now - replica.started_at) if replica.started_at and replica.state.up else "–", Tone.DIM),
            Cell(percent(replica.cpu_percent), Tone.DIM),
            Cell(size(replica.memory_bytes), Tone.DIM),
            Cell(""),
            Cell(str(replica.restarts or "–"), Tone.DIM),
            Cell(f"on {safe(replica.node, 40)}" if replica.node else "", Tone.DIM),
            Cell(""),
        ),
    )


def state_text(service: Service) -> str:
    """One word, or "2 of 3" while not all wanted replicas serve (or several do)."""
    several = service.wanted > 1 or len(service.replicas) > 1
    if several and (service.up or service.state not in (State.STOPPED, State.ABSENT)):
        return f"{service.up} of {max(service.wanted, len(service.replicas))}"
    return service.state.value


def _restarts_tone(service: Service) -> Tone:
    return Tone.WARN if any(r.restarts for r in service.replicas) else Tone.DIM


def _tight(count: int | None) -> str:
    return size(count).replace(" ", "").removesuffix("B") if count is not None else "–"


def overall(stack: StackSnapshot | None) -> Cell:
    """The stack in one word."""
    if stack is None:
        return Cell("○ unknown", Tone.DIM)
    states = [s.state for s in stack.services]
    if not states or all(s in (State.STOPPED, State.ABSENT) for s in states):
        return Cell("○ stopped", Tone.DIM)
    worst = min(states, key=list(State).index)
    lacking = any(s.up < s.wanted for s in stack.services)
    if worst in (State.FAILED, State.UNHEALTHY):
        return Cell(f"✖ {worst.value}", Tone.BAD)
    if worst in (State.STARTING, State.RESTARTING, State.STOPPING):
        return Cell(f"◐ {worst.value}", Tone.WARN)
    if worst in (State.STOPPED, State.ABSENT) or lacking:
        return Cell("◐ partial", Tone.WARN)
    return Cell("● healthy", Tone.OK)


def details(service: Service, now: float, width: int) -> list[Line]:
    """A service with everything known about its replicas."""
    lines: list[Line] = [_field("image", f"{safe(service.image)} {safe(service.version)}".strip() or "–")]
    if service.image_created_at:
        lines.append(_field("image age", age(now - service.image_created_at)))
    lines.append(_field("ports", ", ".join(safe(p, 80) for p in service.ports) or "none published"))
    lines.append(_field("replicas", f"{service.up} up of {service.wanted} wanted"))
    lines.extend((*_field("differs", safe(text, 200))[:1], Cell(safe(text, 200), Tone.WARN)) for text in service.drift)
    for replica in service.replicas:
        shape = state_shape(replica.state)
        lines.append(())
        where = f" on {safe(replica.node, 60)}" if replica.node else ""
        lines.append((Cell(f"{shape.text} {safe(replica.name, 80)}{where}", shape.tone), Cell(f"  {replica.state}")))
        lines.extend(_field(name, text, indent=2) for name, text in _facts(replica, now))
    return [part for line in lines for part in _folded(line, width)]


def _folded(line: Line, width: int) -> list[Line]:
    """A field's text is broken under itself, anything else as it comes."""
    if len(line) < 2 or line[0].tone is not Tone.DIM or width_of(line[0].text) > LABEL + 2:
        return wrap_line(line, width)
    label = width_of(line[0].text)
    rows = wrap_line(line[1:], max(width - label, 8))
    return [(line[0] if not i else Cell(" " * label), *row) for i, row in enumerate(rows)]


def _facts(replica: Replica, now: float) -> Sequence[tuple[str, str]]:
    facts = [("id", safe(replica.id, 80))]
    if replica.started_at and replica.state.up:
        facts.append(("up", age(now - replica.started_at)))
    if replica.pid:
        facts.append(("pid", str(replica.pid)))
    limit = f" of {size(replica.memory_limit)}" if replica.memory_limit else ""
    facts.append(("use", f"cpu {percent(replica.cpu_percent)}, memory {size(replica.memory_bytes)}{limit}"))
    if replica.restarts:
        facts.append(("restarts", str(replica.restarts)))
    if replica.exit_code is not None:
        killed = ", killed: out of memory" if replica.oom_killed else ""
        facts.append(("last exit", f"code {replica.exit_code}{killed}"))
    if replica.health:
        facts.append(("health", safe(replica.health, 300)))
    return facts


def _field(name: str, text: str, indent: int = 0) -> Line:
    return (Cell(" " * indent + fit(name, LABEL), Tone.DIM), Cell(text))
