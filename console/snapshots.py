"""The frozen values that the console reads and shows about the stack: services, replicas, volumes, log lines, progress.

What concerns jobs and leads comes from `api.models` unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

T = TypeVar("T")


class State(StrEnum):
    """What a replica (or a service as a whole) is doing, the worst first when several are summed up."""

    FAILED = "failed"
    UNHEALTHY = "unhealthy"
    RESTARTING = "restarting"
    STARTING = "starting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    ABSENT = "absent"
    RUNNING = "running"
    HEALTHY = "healthy"

    @property
    def up(self) -> bool:
        """True while it serves: running, or healthy where there is a health check."""
        return self in (State.RUNNING, State.HEALTHY)


class Role(StrEnum):
    """What a service is to the pipeline."""

    APP = "app"
    WORKER = "worker"
    DB = "db"
    REDIS = "redis"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Replica:
    """One container or one supervised process of a service.

    Attributes:
        id: what the runtime calls it (container id, process name).
        name: what a person calls it.
        node: host it runs on, "" for this one.
        health: text of the last health probe, "" if there is none.
        exit_code: of the last run, None while it runs or if unknown.
        started_at: epoch seconds, 0 while stopped.
        cpu_percent: of one core, None while unknown.
        memory_bytes: resident, None while unknown.
        memory_limit: bytes, 0 without a limit.
        index: which of the service's replicas it is, from 1 on, as shell, logs and restart take it; 0 if unknown.
    """

    id: str
    name: str
    state: State
    node: str = ""
    health: str = ""
    exit_code: int | None = None
    restarts: int = 0
    started_at: float = 0.0
    cpu_percent: float | None = None
    memory_bytes: int | None = None
    memory_limit: int = 0
    pid: int = 0
    oom_killed: bool = False
    index: int = 0


@dataclass(frozen=True, slots=True)
class Service:
    """A service with its replicas. `wanted` replicas are asked for; `ports` are "127.0.0.1:3000→3000" or "3000".

    `drift` says in what it differs from the compose files, as far as that is known; `up` puts it right.
    """

    name: str
    role: Role
    replicas: tuple[Replica, ...] = ()
    wanted: int = 1
    image: str = ""
    version: str = ""
    image_created_at: float = 0.0
    ports: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()

    @property
    def state(self) -> State:
        """The worst state among the replicas; ABSENT without any."""
        order = list(State)
        return min((r.state for r in self.replicas), key=order.index, default=State.ABSENT)

    @property
    def up(self) -> int:
        """How many replicas serve."""
        return sum(r.state.up for r in self.replicas)


@dataclass(frozen=True, slots=True)
class StackSnapshot:
    """The stack as the runtime sees it. `where` is the engine's address or the state directory.

    `notes` say what concerns no single service: why the stack is not compared with its files, for one.
    """

    runtime: str
    project: str
    where: str
    services: tuple[Service, ...]
    taken_at: float
    notes: tuple[str, ...] = ()

    def service(self, role: Role) -> Service | None:
        """The first service with that role."""
        return next((s for s in self.services if s.role is role), None)


@dataclass(frozen=True, slots=True)
class Volume:
    """A named volume, or a data directory of the local runtime. `size_bytes` None while unknown.

    `growth_bytes_day` is bytes a day at the pace of the last `growth_over_s` seconds; None before a second reading.
    """

    name: str
    mount: str
    used_by: tuple[str, ...]
    size_bytes: int | None = None
    driver: str = "local"
    path: str = ""
    growth_bytes_day: float | None = None
    growth_over_s: float | None = None


PACE_S = 3600.0
"""Growth over less than so long says nothing of the days to come."""


@dataclass(frozen=True, slots=True)
class VolumesSnapshot:
    """The stack's volumes and the engine's disk beneath them (bytes; 0 when unknown)."""

    volumes: tuple[Volume, ...]
    taken_at: float
    disk_total: int = 0
    disk_free: int = 0

    @property
    def days_left(self) -> float | None:
        """Days until the disk is full, as fast as the volumes grow; None where that is unknown, or they do not grow."""
        paced = [one.growth_bytes_day or 0.0 for one in self.volumes if (one.growth_over_s or 0.0) >= PACE_S]
        return self.disk_free / sum(paced) if self.disk_total and sum(paced) > 0 else None


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a replica's output, decoded with replacement and without its line end; not yet made safe to show.

    Attributes:
        at: epoch seconds at which it was written, as the runtime knows it.
        stream: "stdout" or "stderr".
        cut: the line was longer than the reader's bound and was cut.
    """

    at: float
    service: str
    replica: str
    text: str
    stream: str = "stdout"
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """A step of a running action. `done` of `total` where a count makes sense (total 0: unknown).

    `ok` None: still running; True/False: this step has ended so. `command`: `text` is a command line that is run now.
    `jobs`: what this step has discarded, so that it can be taken back.
    """

    text: str
    service: str = ""
    done: int = 0
    total: int = 0
    ok: bool | None = None
    command: bool = False
    jobs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the console reaches the stack's parts now. URLs carry passwords: never show or log them."""

    database_url: str
    redis_url: str
    web_url: str


@dataclass(frozen=True, slots=True)
class Reading(Generic[T]):
    """What a poller has to say: the last good value, and the error of the last try if that one failed.

    Attributes:
        value: last good value, None before the first.
        error: one line, "" if the last read succeeded.
        taken_at: epoch seconds of the last good value, 0 before the first.
        next_try: epoch seconds of the next read after a failure, else 0.
        seq: grows with each reading, so that an older one can be dropped.
    """

    value: T | None = None
    error: str = ""
    taken_at: float = 0.0
    next_try: float = 0.0
    seq: int = 0
