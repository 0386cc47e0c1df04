"""Turns what the supervisor, the records and the probes say into the console's snapshot."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from console.errors import StackError
from console.format import safe
from console.snapshots import Replica, Role, Service, StackSnapshot, State
from console.stack.local.places import SERVICES, Kept, Places
from console.stack.local.processes import Record
from console.stack.local.rpc import Process
from console.stack.local.usage import Usage

STARTING_S = 20.0
"""Seconds for which a process that does not serve yet counts as starting."""

# http://supervisord.org/subprocess.html#process-states
_STATES = {
    "STARTING": State.STARTING,
    "RUNNING": State.RUNNING,
    "STOPPING": State.STOPPING,
    "STOPPED": State.STOPPED,
    "BACKOFF": State.RESTARTING,
    "EXITED": State.RESTARTING,
}

NOTHING: Mapping[Any, Any] = MappingProxyType({})


def build(
    places: Places,
    kept: Kept | None,
    *,
    processes: Mapping[str, Process] | None = None,
    records: Mapping[str, Record] = NOTHING,
    health: Mapping[str, str] = NOTHING,
    usage: Mapping[int, Usage] = NOTHING,
) -> StackSnapshot:
    """The snapshot. `processes` None: no supervisor; then `records` of services that live are its orphans.

    `health` holds a probe's answer ("" is good) for the services that were asked.
    """
    services = []
    for name in SERVICES:
        record = records.get(name)
        if processes is not None and name in processes:
            replicas: tuple[Replica, ...] = (_replica(processes[name], record, health.get(name), usage),)
        elif record is not None:
            replicas = (_orphan(name, record, usage),)
        else:
            replicas = ()
        services.append(
            Service(
                name=name,
                role=Role(name),
                replicas=replicas,
                image=_origin(name, kept),
                version=_version(name, kept),
                ports=(f"127.0.0.1:{kept.ports[name]}",) if kept and name in kept.ports and replicas else (),
            )
        )
    return StackSnapshot(
        runtime="local", project="leads", where=str(places.state), services=tuple(services), taken_at=time.time()
    )


def _replica(process: Process, record: Record | None, health: str | None, usage: Mapping[int, Usage]) -> Replica:
    state = _STATES.get(process.state, State.FAILED)
    text = ""
    alive = process.state in ("STARTING", "RUNNING")
    if alive and health is not None:
        young = time.time() - process.started_at < STARTING_S
        state = State.HEALTHY if not health else State.STARTING if young else State.UNHEALTHY
        text = safe(health or "serves", 200)
    elif process.state in ("BACKOFF", "EXITED", "FATAL"):
        text = safe(process.error, 200)
    used = usage.get(process.pid) if alive else None
    return Replica(
        id=process.name,
        name=process.name,
        state=state,
        health=text,
        exit_code=_exit_code(process),
        restarts=record.starts - 1 if record else 0,
        started_at=process.started_at if alive else 0.0,
        cpu_percent=used.cpu_percent if used else None,
        memory_bytes=used.memory_bytes if used else None,
        pid=process.pid,
        index=1,
    )


def demand_only(service: str, index: int) -> None:
    """Check that a replica is meant that can be: there is one of each service.

    Raises:
        StackError: it has no such one.
    """
    if index > 1:
        raise StackError(f"{service} has no replica {index}; there: 1", "the local runtime runs one of each service")


def _exit_code(process: Process) -> int | None:
    """Of the last run. The supervisor forgets that of one that ended too quickly, and knows no signals."""
    known = process.state in ("STOPPED", "EXITED") and process.stopped_at > 0
    return process.exit_status if known and process.exit_status >= 0 else None


def _orphan(name: str, record: Record, usage: Mapping[int, Usage]) -> Replica:
    """A service whose supervisor is gone: it may still serve, but nobody would start it again."""
    alive = record.alive()
    used = usage.get(record.pid) if alive else None
    return Replica(
        id=name,
        name=name,
        state=State.UNHEALTHY if alive else State.FAILED,
        health="its supervisor is gone: up takes over",
        restarts=record.starts - 1,
        started_at=record.at if alive else 0.0,
        cpu_percent=used.cpu_percent if used else None,
        memory_bytes=used.memory_bytes if used else None,
        pid=record.pid if alive else 0,
        index=1,
    )


def _version(name: str, kept: Kept | None) -> str:
    if kept is None or name not in ("db", "redis"):
        return ""
    if name == "db":
        return f"Postgres {kept.postgres_version}"
    valkey = "valkey" in kept.redis_origin or not kept.redis_version.startswith(("6", "7.0", "7.2"))
    return f"{'Valkey' if valkey else 'Redis'} {kept.redis_version}"


def _origin(name: str, kept: Kept | None) -> str:
    if kept is None:
        return ""
    return {"db": kept.postgres_origin, "redis": kept.redis_origin}.get(name, "leadsctl")
