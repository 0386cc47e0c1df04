"""What the interface knows: the latest readings, their history, the log, and what was done. One owner: the app."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from api.cause import Database
from api.models import QueueSnapshot, StoreSnapshot
from console.format import Tone, safe
from console.history import QueueHistory, Ring
from console.snapshots import Progress, Reading, Service, StackSnapshot, State, VolumesSnapshot
from console.tui.logbook import Logbook
from console.tui.present.supply import Health, health_of


class Kind(StrEnum):
    """What is read."""

    STACK = "stack"
    QUEUE = "queue"
    LEADS = "leads"
    VOLUMES = "volumes"


Kinds = frozenset[Kind]
INTERVALS_S = {Kind.STACK: 1.0, Kind.QUEUE: 1.0, Kind.LEADS: 1.0, Kind.VOLUMES: 30.0}
LIVELY_S = {Kind.LEADS: 0.5}
"""How often a kind is read for as long as each reading brings something new."""
TIMEOUTS_S = {Kind.STACK: 10.0, Kind.QUEUE: 4.0, Kind.LEADS: 5.0, Kind.VOLUMES: 60.0}
STALE_AFTER_S = {Kind.STACK: 6.0, Kind.QUEUE: 5.0, Kind.LEADS: 6.0, Kind.VOLUMES: 180.0}


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that was done or came to pass. `source`: "you", "stack", "queue" or "console"; texts are safe.

    `record`: its target as the store's record of operators' actions has it, None for what is not recorded there.
    """

    at: float
    source: str
    what: str
    target: str
    text: str
    tone: Tone = Tone.PLAIN
    id: int = 0
    record: str | None = None


@dataclass(slots=True)
class Doing:
    """An action under way."""

    id: int
    label: str
    started_at: float
    step: Progress | None = None


@dataclass
class Known:
    """Everything the screens draw from. `clock` gives epoch seconds."""

    title: str
    clock: Callable[[], float]
    read_only: bool = False
    only_reads: str = ""
    """What is said to whoever wants to change something in a read-only console."""
    stack: Reading[StackSnapshot] = field(default_factory=Reading)
    queue: Reading[QueueSnapshot] = field(default_factory=Reading)
    leads: Reading[StoreSnapshot] = field(default_factory=Reading)
    volumes: Reading[VolumesSnapshot] = field(default_factory=Reading)
    history: QueueHistory = field(default_factory=QueueHistory)
    cpu: dict[str, Ring] = field(default_factory=dict)
    sizes: dict[str, Ring] = field(default_factory=dict)
    happenings: deque[Happening] = field(default_factory=lambda: deque(maxlen=500))
    doing: dict[int, Doing] = field(default_factory=dict)
    recent: deque[str] = field(default_factory=lambda: deque(maxlen=12))
    revealed: set[str] = field(default_factory=set)
    logs: Logbook = field(default_factory=Logbook)
    logs_error: str = ""
    started_at: float = 0.0
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def now(self) -> float:
        """Epoch seconds."""
        return self.clock()

    def reading(self, kind: Kind) -> Reading[Any]:
        """The latest reading of that kind."""
        found: Reading[Any] = getattr(self, kind.value)
        return found

    def health(self, kind: Kind, *, key: str = "r") -> Health:
        """How fresh that reading is now; `key` is what reads at once where that is said."""
        reading, old_s = self.reading(kind), STALE_AFTER_S[kind]
        return health_of(reading, self.now(), stale_after_s=old_s, started_at=self.started_at, key=key)

    def database(self) -> Database | None:
        """Whether Postgres answers the console; None while that is unknown."""
        known = self.leads.error or self.leads.value is not None
        return Database(not self.leads.error, self.leads.error) if known else None

    def take(self, kind: Kind, reading: Reading[Any]) -> bool:
        """Take in a reading; False if a newer one is known already."""
        before = self.reading(kind)
        if reading.seq <= before.seq:
            return False
        setattr(self, kind.value, reading)
        if reading.error and not before.error:
            self.happened("console", "read", kind.value, reading.error, Tone.BAD)
        elif before.error and not reading.error:
            self.happened("console", "read", kind.value, "answers again", Tone.OK)
        value = reading.value
        if reading.error or value is None:
            return True
        if isinstance(value, QueueSnapshot):
            self._took_queue(before.value, value)
        elif isinstance(value, StackSnapshot):
            self._took_stack(before.value, value)
        elif isinstance(value, VolumesSnapshot):
            for volume in value.volumes:
                if volume.size_bytes is not None:
                    self.sizes.setdefault(volume.name, Ring(240)).add(value.taken_at, float(volume.size_bytes))
        return True

    def happened(
        self, source: str, what: str, target: str, text: str, tone: Tone = Tone.PLAIN, *, record: str | None = None
    ) -> None:
        """Note something in the activity list."""
        self.happenings.append(
            Happening(self.now(), source, what, safe(target, 120), safe(text, 400), tone, next(self._ids), record)
        )

    def remember(self, command: str) -> None:
        """A typed command that would bring back what was just at hand."""
        if command in self.recent:
            self.recent.remove(command)
        self.recent.append(command)

    def begin(self, label: str) -> Doing:
        """An action has begun."""
        doing = Doing(next(self._ids), label, self.now())
        self.doing[doing.id] = doing
        return doing

    def _took_queue(self, before: QueueSnapshot | None, queue: QueueSnapshot) -> None:
        self.history.add(queue)
        known = {notice.key: notice.count for notice in before.notices} if before else {}
        for notice in queue.notices:
            if notice.count > known.get(notice.key, 0):
                page = notice.key.partition(":")[2]
                target = f"page {page}" if page else notice.key
                self.happened("queue", "notice", target, notice.text, Tone.WARN)
        if before is None:
            return
        paused = {(p.page, p.kind) for p in before.pauses}
        for pause in queue.pauses:
            if (pause.page, pause.kind) not in paused:
                self.happened("queue", f"{pause.kind} pause", f"page {pause.page}", pause.reason, Tone.WARN)
        if before.paused != queue.paused:
            self.happened("queue", "paused" if queue.paused else "resumed", "workers", "", Tone.WARN)

    def _took_stack(self, before: StackSnapshot | None, stack: StackSnapshot) -> None:
        for service in stack.services:
            self.cpu.setdefault(service.name, Ring(180)).add(stack.taken_at, cpu_of(service) or 0.0)
        if before is None:
            return
        states = {s.name: s for s in before.services}
        for service in stack.services:
            old = states.get(service.name)
            if old is not None and old.state is not service.state:
                tone = {State.FAILED: Tone.BAD, State.UNHEALTHY: Tone.BAD}.get(service.state, Tone.PLAIN)
                tone = Tone.OK if service.state.up else tone
                self.happened("stack", "state", service.name, f"{old.state} → {service.state}", tone)

    def step(self, doing: Doing, step: Progress) -> None:
        """An action has come further."""
        doing.step = step

    def ended(self, doing: Doing) -> None:
        """An action has ended."""
        self.doing.pop(doing.id, None)


def cpu_of(service: Service) -> float | None:
    """Percent of one core over all replicas, None while unknown."""
    known = [r.cpu_percent for r in service.replicas if r.cpu_percent is not None]
    return sum(known) if known else None


def memory_of(service: Service) -> int | None:
    """Resident bytes over all replicas, None while unknown."""
    known = [r.memory_bytes for r in service.replicas if r.memory_bytes is not None]
    return sum(known) if known else None
