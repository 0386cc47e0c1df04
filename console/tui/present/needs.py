"""What needs an operator, the most urgent first."""

from __future__ import annotations

import re
from dataclasses import dataclass

from api.models import JobState, QueueSnapshot
from console.cause import pause_text
from console.format import Cell, Tone, age, number, safe, size
from console.ports import Action, Verb
from console.snapshots import Service, StackSnapshot, State, VolumesSnapshot
from console.tui.present.grid import Column, Row

FULL_PERCENT = 90
"""As `check.max_disk` has it unless configured."""
ALMOST_FULL_PERCENT = 97

_NUMBERED = re.compile(r"^page (.+?) \(\d+\): ")
"""A page's name tells here which one it is; its number is under Activity."""

COLUMNS = (Column("what", 20, grow=1), Column("keys", 22, right=True))


@dataclass(frozen=True, slots=True)
class Need:
    """One thing to look at. `place` is where Enter goes: "queue:stuck", "service:worker", "activity", "volumes".

    `action` is what `r` does, with its name; None if nothing can be done from here.
    """

    key: str
    tone: Tone
    text: str
    place: str
    action: Action | None = None
    verb: str = ""

    @property
    def of_stack(self) -> bool:
        """Whether it was seen at the services; else at the queue."""
        return self.key.startswith(("stack", "service:", "drift"))


def needs(
    stack: StackSnapshot | None,
    queue: QueueSnapshot | None,
    now: float,
    volumes: VolumesSnapshot | None = None,
    *,
    read_only: bool,
) -> list[Need]:
    """Everything that will not pass by itself."""
    found = (_services(stack) if stack else []) + _disk(volumes)
    if queue is not None:
        found += _jobs(queue) + _store(queue) + _notices(queue, now)
    found.sort(key=lambda need: need.tone is not Tone.BAD)
    if read_only:
        found = [Need(n.key, n.tone, n.text, n.place) for n in found]
    return found


def need_rows(found: list[Need]) -> list[Row]:
    """The needs as table rows."""
    rows = []
    for need in found:
        keys = "enter show" + (f" · r {need.verb}" if need.verb else "")
        shape = "✖" if need.tone is Tone.BAD else "◐"
        rows.append(Row(need.key, (Cell(f"{shape} {need.text}", need.tone), Cell(keys, Tone.DIM))))
    return rows


def _services(stack: StackSnapshot) -> list[Need]:
    if all(s.state in (State.STOPPED, State.ABSENT) for s in stack.services):
        what = Need("stack", Tone.WARN, "The stack is stopped", "service:", Action(Verb.UP), "bring it up")
        return [what] if stack.services else []
    found = [need for service in stack.services if (need := _service(service)) is not None]
    named = {need.place for need in found}
    return found + _drift([one for one in stack.services if one.drift and f"service:{one.name}" not in named])


def _drift(services: list[Service]) -> list[Need]:
    """What `up` would change."""
    if not services:
        return []
    first = services[0]
    text = f"{safe(first.name, 40)}: {safe('; '.join(first.drift), 120)}"
    if len(services) > 1:
        text = f"{', '.join(safe(one.name, 40) for one in services)} differ from the compose files"
    return [Need("drift", Tone.WARN, text, f"service:{first.name}", Action(Verb.UP), "up")]


def _service(service: Service) -> Need | None:
    name = safe(service.name, 40)
    place, start = f"service:{service.name}", Action(Verb.UP, (service.name,))
    if service.state in (State.FAILED, State.UNHEALTHY):
        bad = next(r for r in service.replicas if r.state is service.state)
        why = ", out of memory" if bad.oom_killed else f", exit code {bad.exit_code}" if bad.exit_code else ""
        why = why or (f": {safe(bad.health, 120)}" if bad.health else "")
        again = Action(Verb.RESTART, (service.name,))
        return Need(f"service:{name}", Tone.BAD, f"{name} is {service.state}{why}", place, again, "restart")
    if service.state in (State.STOPPED, State.ABSENT):
        return Need(f"service:{name}", Tone.WARN, f"{name} is {service.state}", place, start, "start")
    if service.up < service.wanted and service.state.up:
        text = f"{name}: {service.up} of {service.wanted} replicas serve"
        return Need(f"service:{name}", Tone.WARN, text, place, start, "start")
    return None


def _jobs(queue: QueueSnapshot) -> list[Need]:
    found = []
    if queue.stuck:
        gone = [safe(w.name, 40) for w in queue.workers if not w.alive and w.in_flight]
        why = f": their worker ({', '.join(gone[:2])}) is gone" if gone else ""
        text = f"{_count(queue.stuck, 'job')} stuck{why}"
        again = Action(Verb.RETRY_MATCHING, args={"state": JobState.STUCK.value, "match": ""})
        found.append(Need("stuck", Tone.BAD, text, "queue:stuck", again, "retry"))
    for pause in queue.pauses:
        if pause.kind != "limit":
            key = f"pause:{pause.page}"
            resume = Action(Verb.RESUME, args={"page": pause.page})
            found.append(Need(key, Tone.BAD, pause_text(pause), "activity", resume, "resume"))
    if queue.dead:
        text = f"{_count(queue.dead, 'dead letter')}: retry, edit or discard"
        found.append(Need("dead", Tone.WARN, text, "queue:dead"))
    if queue.paused:
        found.append(Need("paused", Tone.WARN, "Workers are paused", "queue:ready", Action(Verb.RESUME), "resume"))
    return found


def _store(queue: QueueSnapshot) -> list[Need]:
    if queue.aof == "off":
        return [Need("aof", Tone.BAD, "Redis keeps nothing on disk (AOF off): a crash loses the queue", "volumes")]
    if queue.aof and not queue.aof_ok:
        return [Need("aof", Tone.BAD, "Redis cannot write its append-only file", "volumes")]
    return []


def _disk(volumes: VolumesSnapshot | None) -> list[Need]:
    if volumes is None or not volumes.disk_total:
        return []
    used = 100 * (1 - volumes.disk_free / volumes.disk_total)
    if used <= FULL_PERCENT:
        return []
    tone = Tone.BAD if used > ALMOST_FULL_PERCENT else Tone.WARN
    text = f"The engine's disk is {used:.0f} % full: {size(volumes.disk_free)} left"
    return [Need("disk", tone, text, "volumes")]


def _notices(queue: QueueSnapshot, now: float) -> list[Need]:
    return [
        Need(
            f"notice:{notice.key}",
            Tone.WARN,
            _NUMBERED.sub(r"page \1: ", safe(notice.text, 200))
            + f" ({number(notice.count)}×, {age(now - notice.last_at)} ago)",
            "activity",
        )
        for notice in queue.other_notices
    ]


def _count(count: int, what: str) -> str:
    return f"{number(count)} {what}{'' if count == 1 else 's'}"
