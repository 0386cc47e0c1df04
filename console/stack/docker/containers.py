"""Owns the reading of what the engine says about containers: inspected JSON in, services and replicas out. Pure.

Source: https://docs.docker.com/reference/api/engine/ (container inspect, image inspect).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from console.snapshots import Replica, Role, Service, State
from console.stack.docker.labels import NUMBER, labels, service
from console.stack.docker.roles import ORDER, rank, roles

VERSION_NAMES = ("PG_VERSION", "REDIS_VERSION")
VERSION_LABEL = "org.opencontainers.image.version"
ENDED_BY_US = (0, 130, 137, 143)
HEALTH_TEXT = 200


class Usage(NamedTuple):
    """What a container uses: CPU in percent of one core (None before the second sample), memory in bytes."""

    cpu_percent: float | None
    memory_bytes: int | None


class Image(NamedTuple):
    """What the console shows of an image: its version label and when it was made (epoch seconds, 0 unknown)."""

    version: str = ""
    created_at: float = 0.0


def services(
    containers: Iterable[dict[str, Any]],
    usage: Mapping[str, Usage] | None = None,
    images: Mapping[str, Image] | None = None,
    node: str = "",
) -> tuple[Service, ...]:
    """All services of a project, in the order in which they are shown; an absent one for each role that none has.

    Args:
        containers: as inspected.
        usage: by container id. images: by image id.
        node: where the engine runs, "" for this machine.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for container in containers:
        if name := service(container):
            found.setdefault(name, []).append(container)
    known = roles(one for several in found.values() for one in several)
    lacking = [role for role in ORDER if role is not Role.OTHER and role not in known.values() and role not in known]
    known |= {role.value: role for role in lacking}
    return tuple(
        _service((name, known[name]), sorted(found.get(name, ()), key=_order), usage or {}, images or {}, node)
        for name in sorted(known, key=lambda name: rank(name, known[name]))
    )


def _service(
    called: tuple[str, Role],
    containers: list[dict[str, Any]],
    usage: Mapping[str, Usage],
    images: Mapping[str, Image],
    node: str,
) -> Service:
    name, role = called
    replicas = tuple(replica(one, usage.get(str(one.get("Id"))), node) for one in containers)
    if not containers:
        return Service(name, role)
    last = containers[-1]
    image = images.get(str(last.get("Image", "")), Image())
    return Service(
        name,
        role,
        replicas,
        wanted=len(replicas),
        image=str((last.get("Config") or {}).get("Image", "")),
        version=version(last) or image.version,
        image_created_at=image.created_at,
        ports=tuple(dict.fromkeys(port for one in containers for port in ports(one))),
    )


def replica(container: dict[str, Any], usage: Usage | None = None, node: str = "") -> Replica:
    """One container."""
    now: dict[str, Any] = container.get("State") or {}
    host: dict[str, Any] = container.get("HostConfig") or {}
    running = bool(now.get("Running")) and not now.get("Restarting")
    used = usage if usage is not None and running else Usage(None, None)
    return Replica(
        id=str(container.get("Id", "")),
        name=str(container.get("Name", "")).lstrip("/"),
        state=state(container),
        node=node,
        health=health_text(now),
        exit_code=None if running or now.get("Status") == "created" else int(now.get("ExitCode") or 0),
        restarts=int(container.get("RestartCount") or 0),
        started_at=seconds(str(now.get("StartedAt", ""))) if running else 0.0,
        cpu_percent=used.cpu_percent,
        memory_bytes=used.memory_bytes,
        memory_limit=int(host.get("Memory") or 0),
        pid=int(now.get("Pid") or 0),
        oom_killed=bool(now.get("OOMKilled")),
        index=number(container),
    )


def state(container: dict[str, Any]) -> State:
    """What the container is doing. One that ended on the operator's word is stopped; on its own, it has failed."""
    now: dict[str, Any] = container.get("State") or {}
    status = str(now.get("Status", ""))
    if status == "restarting" or now.get("Restarting"):
        return State.RESTARTING
    if status == "running":
        health = str((now.get("Health") or {}).get("Status", ""))
        known = {"healthy": State.HEALTHY, "unhealthy": State.UNHEALTHY, "starting": State.STARTING}
        return known.get(health, State.RUNNING)
    if status == "removing":
        return State.STOPPING
    if status == "exited":
        return State.FAILED if _failed(container, now) else State.STOPPED
    if status == "dead" or now.get("Error"):
        return State.FAILED
    return State.STOPPED


def _failed(container: dict[str, Any], now: dict[str, Any]) -> bool:
    if now.get("OOMKilled") or now.get("Error"):
        return True
    policy = str(((container.get("HostConfig") or {}).get("RestartPolicy") or {}).get("Name", ""))
    if policy in ("always", "unless-stopped"):
        # The engine would have started it again, had it not been told to stop it.
        return False
    return int(now.get("ExitCode") or 0) not in ENDED_BY_US


def health_text(now: dict[str, Any]) -> str:
    """What the last health probe said, or why the container did not start: one line, bounded."""
    log = (now.get("Health") or {}).get("Log") or []
    text = str(log[-1].get("Output", "")) if log else ""
    return " ".join((text or str(now.get("Error") or "")).split())[:HEALTH_TEXT]


def ports(container: dict[str, Any]) -> list[str]:
    """Published ports as "127.0.0.1:3000→3000" ("3000→3000" for every address), unpublished ones as "5432"."""
    found: list[str] = []
    bound: dict[str, Any] = (container.get("NetworkSettings") or {}).get("Ports") or {}
    for inner, bindings in bound.items():
        number, _, protocol = inner.partition("/")
        shown = number if protocol in ("", "tcp") else inner
        if not bindings:
            found.append(shown)
        for binding in bindings or ():
            host = str(binding.get("HostIp", ""))
            host = f"[{host}]" if ":" in host else host
            wide = host in ("", "0.0.0.0", "[::]")  # noqa: S104 - read, not bound
            found.append(f"{'' if wide else host + ':'}{binding.get('HostPort', '')}→{shown}")
    return list(dict.fromkeys(found))


def version(container: dict[str, Any]) -> str:
    """The version of what runs inside, as far as the image tells."""
    given = environment(container)
    for name in VERSION_NAMES:
        if given.get(name):
            return given[name].split("-")[0]
    return labels(container).get(VERSION_LABEL, "")


def environment(container: dict[str, Any]) -> dict[str, str]:
    """The container's environment. Holds passwords: never show or log it."""
    pairs = (str(entry).partition("=") for entry in (container.get("Config") or {}).get("Env") or ())
    return {name: value for name, _, value in pairs}


def addresses(container: dict[str, Any]) -> list[tuple[str, str]]:
    """The container's own network addresses, each with its network's gateway."""
    networks: dict[str, Any] = (container.get("NetworkSettings") or {}).get("Networks") or {}
    keys = (("IPAddress", "Gateway"), ("GlobalIPv6Address", "IPv6Gateway"))
    pairs = ((str(one.get(own) or ""), str(one.get(gate) or "")) for own, gate in keys for one in networks.values())
    return [(own, gate) for own, gate in pairs if own and gate]


def seconds(text: str) -> float:
    """Epoch seconds of the engine's time stamp, 0 for "never" (year 1) or what is none."""
    head, _, fraction = text.rstrip("Z").partition(".")
    try:
        at = datetime.fromisoformat(f"{head}+00:00").timestamp() if head else 0.0
    except ValueError:
        return 0.0
    digits = "".join(c for c in fraction if c.isdigit())[:9]
    return at + float(f"0.{digits or '0'}") if at > 0 else 0.0


def number(container: dict[str, Any]) -> int:
    """Which replica of its service a container is, from 1 on; 0 where nothing says so."""
    told = labels(container).get(NUMBER, "")
    return int(told) if told.isdigit() else 0


def _order(container: dict[str, Any]) -> tuple[int, str]:
    return number(container), str(container.get("Name", ""))
