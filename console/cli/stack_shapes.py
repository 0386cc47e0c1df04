"""The JSON of ps and volumes, one frozen shape a document; console.cli.shapes says what holds for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from api.models import AofFile
from console.snapshots import Replica, Role, State


@dataclass(frozen=True, slots=True)
class ServiceDocument:
    """A service; `state` is the worst among its replicas, `up` how many of the `wanted` serve.

    `drift` says in what it differs from the compose files.
    """

    name: str
    role: Role
    state: State
    up: int
    wanted: int
    image: str
    version: str
    image_created_at: float
    ports: tuple[str, ...]
    replicas: tuple[Replica, ...]
    drift: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StackDocument:
    """The stack. `notes` say what concerns no single service, such as why it is not compared with its files."""

    runtime: str
    project: str
    where: str
    taken_at: float
    services: tuple[ServiceDocument, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VolumeDocument:
    """A volume or data directory. Growth is null until it was seen before: bytes an hour and a day, since so long."""

    name: str
    size_bytes: int | None
    growth_bytes_h: float | None
    growth_over_s: float | None
    mount: str
    used_by: tuple[str, ...]
    driver: str
    path: str
    growth_bytes_day: float | None


@dataclass(frozen=True, slots=True)
class TableDocument:
    """A table with its indexes."""

    name: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class DatabaseDocument:
    """The database; `leads` is how many it holds."""

    version: str
    leads: int
    size_bytes: int
    tables: tuple[TableDocument, ...]


@dataclass(frozen=True, slots=True)
class RedisDocument:
    """Redis: `aof` is appendfsync, or "off"; `memory_limit` 0 without one; `aof_file` null without a file."""

    server: str
    memory_bytes: int
    memory_limit: int
    aof: str
    aof_ok: bool
    aof_file: AofFile | None


@dataclass(frozen=True, slots=True)
class VolumesDocument:
    """What lies on disk. `disk_…` 0 and parts null where they cannot be read; `notices` say why.

    `disk_days_left`: until it is full at the pace of the volumes; null where that is unknown, or they do not grow.
    """

    taken_at: float
    volumes: tuple[VolumeDocument, ...]
    disk_total: int
    disk_free: int
    database: DatabaseDocument | None
    redis: RedisDocument | None
    last_backup_at: datetime | None
    notices: tuple[str, ...]
    disk_days_left: float | None
