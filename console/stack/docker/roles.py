"""Owns what each service of a project is to the pipeline: by label, by name, or by what its container runs. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from console.snapshots import Role
from console.stack.docker.labels import labels, service

LABEL = "leadsctl.role"
"""Set on a service in the compose file it decides: app, worker, db, redis or other."""

ORDER = tuple(Role)

IMAGES = {
    Role.DB: frozenset(
        {"postgres", "postgresql", "postgis", "timescaledb", "timescaledb-ha", "pgvector", "alloydbomni"}
    ),
    Role.REDIS: frozenset({"redis", "valkey", "redis-stack", "redis-stack-server", "keydb"}),
}
"""The last part of an image's name, without tag and registry."""

RUNS = {Role.APP: re.compile(r"\bapi web\b"), Role.WORKER: re.compile(r"\bapi worker\b")}


def roles(containers: Iterable[dict[str, Any]]) -> dict[str, Role]:
    """The role of each service that has containers.

    A label decides. Then a service called as a role has it. What is left goes by image or command, where nothing has
    the role yet: another Redis beside the queue's is some other service.
    """
    by_name: dict[str, dict[str, Any]] = {}
    for container in containers:
        if name := service(container):
            by_name.setdefault(name, container)
    found = {name: role for name, one in by_name.items() if (role := _labelled(one)) is not None}
    taken = set(found.values())
    found |= {name: Role(name) for name in by_name if name not in found and _plain(name) and Role(name) not in taken}
    filled = set(found.values())
    for name in sorted(set(by_name) - set(found)):
        guessed = _guessed(by_name[name])
        found[name] = Role.OTHER if guessed in filled else guessed
        if guessed in (Role.DB, Role.REDIS):
            filled.add(guessed)
    return found


def names(containers: Iterable[dict[str, Any]]) -> dict[Role, str]:
    """What the service of each role is called here; the role's own word where there is none."""
    found: dict[Role, str] = {}
    for name, role in sorted(roles(containers).items()):
        found.setdefault(role, name)
    return {role: found.get(role, role.value) for role in Role if role is not Role.OTHER}


def called(containers: Iterable[dict[str, Any]], services: Iterable[str]) -> list[str]:
    """The services, those that are not here by that name by what the service of that role is called."""
    known = list(containers)
    here, by_role = roles(known), names(known)
    return [name if name in here or not _plain(name) else by_role[Role(name)] for name in services]


def rank(name: str, role: Role) -> tuple[int, str]:
    """Sorts services along the way of a lead, the others last."""
    return (ORDER.index(role), name)


def _labelled(container: dict[str, Any]) -> Role | None:
    given = labels(container).get(LABEL, "").strip().lower()
    return Role(given) if given in ORDER else None


def _plain(name: str) -> bool:
    return name in ORDER and name != Role.OTHER


def _guessed(container: dict[str, Any]) -> Role:
    config: Mapping[str, Any] = container.get("Config") or {}
    image = str(config.get("Image", "")).rsplit("/", 1)[-1].split("@")[0].split(":")[0].lower()
    for role, known in IMAGES.items():
        if image in known:
            return role
    words = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
    command = " ".join(str(word) for word in words)
    return next((role for role, pattern in RUNS.items() if pattern.search(command)), Role.OTHER)
