"""Owns what the compose files ask for, as Compose puts them together, and what differs from what is there. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import msgspec

from console.snapshots import Role, Service
from console.stack.docker.images import LABEL
from console.stack.docker.labels import labels, service
from console.stack.docker.origin import FILES
from console.stack.docker.roles import rank
from console.wording import counted

HASH = "com.docker.compose.config-hash"
LIVE_SOURCES = "/app/api"
"""Where the development overlay mounts the sources: what the image was built from then matters little."""


class Wanted(NamedTuple):
    """A service as the compose files want it: the hash of its configuration, its image, how many replicas, and whether
    that image is built here, with the sources' digest as a label."""

    digest: str
    image: str = ""
    replicas: int = 1
    built: bool = False
    labelled: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """What the compose files want. `sources` is the present digest of what an image is built from, by image name; `off`
    are the services whose profile is off."""

    services: Mapping[str, Wanted]
    sources: Mapping[str, str] = field(default_factory=dict)
    off: frozenset[str] = frozenset()

    @property
    def pulled(self) -> tuple[str, ...]:
        """The services whose image comes from a registry."""
        built = {one.image for one in self.services.values() if one.built}
        return tuple(name for name, one in self.services.items() if one.image and one.image not in built)


class Held(NamedTuple):
    """An image that the engine has: its id, and the digest of what it was built from ("" where it does not say)."""

    id: str
    sources: str = ""


def read(config: str, hashes: str, digests: Mapping[str, str], every: str = "") -> Plan:
    """The plan out of what `config --format json` and `config --hash "*"` print.

    Args:
        every: what `config --services` prints with every profile on.
        digests: of the sources, by the service that an image is built under.

    Raises:
        ValueError: it is not what Compose prints.
    """
    document = msgspec.json.decode(config)
    found: dict[str, Any] = document.get("services") or {}
    pairs = (line.split() for line in hashes.splitlines())
    digest_of = {pair[0]: pair[1] for pair in pairs if len(pair) == 2}
    services = {}
    for name, one in found.items():
        build = one.get("build")
        services[name] = Wanted(
            digest_of.get(name, ""),
            str(one.get("image") or f"{document.get('name', '')}-{name}"),
            int((one.get("deploy") or {}).get("replicas", one.get("scale", 1))),
            bool(build),
            LABEL in ((build or {}).get("labels") or {}) if isinstance(build, dict) else False,
        )
    sources = {services[name].image: digest for name, digest in digests.items() if name in services}
    known = {image: digest for image, digest in sources.items() if _labelled(services, image)}
    return Plan(services, known, frozenset(every.split()) - set(services))


def _labelled(services: Mapping[str, Wanted], image: str) -> bool:
    return any(one.image == image and one.labelled for one in services.values())


def to_build(plan: Plan, held: Mapping[str, Held], services: Iterable[str] = ()) -> tuple[str, ...]:
    """The services whose image must be built before these (all when empty) can be started as the files want them."""
    asked = set(services) or set(plan.services)
    images = {plan.services[name].image for name in asked if name in plan.services}
    return tuple(
        name
        for name, one in plan.services.items()
        if one.built
        and one.image in images
        and (one.image not in held or held[one.image].sources != plan.sources.get(one.image, held[one.image].sources))
    )


def differences(
    containers: Iterable[dict[str, Any]], plan: Plan, held: Mapping[str, Held]
) -> dict[str, tuple[str, ...]]:
    """By service, in what it differs from the plan; a service that does not is left out. Nothing where nothing runs.

    Args:
        containers: as inspected. held: the images, by name and by id.
    """
    of: dict[str, list[dict[str, Any]]] = {}
    for container in containers:
        if name := service(container):
            of.setdefault(name, []).append(container)
    if not of:
        return {}
    found: dict[str, tuple[str, ...]] = {name: (_extra(name, plan),) for name in of if name not in plan.services}
    for name, wanted in plan.services.items():
        lines = _of_service(of.get(name, []), wanted, plan, held)
        if lines:
            found[name] = lines
    return found


def _extra(name: str, plan: Plan) -> str:
    if name in plan.off:
        return f"its profile is off: up leaves it running, leadsctl stop {name} ends it"
    return "not in the compose files"


def _of_service(
    containers: list[dict[str, Any]], wanted: Wanted, plan: Plan, held: Mapping[str, Held]
) -> tuple[str, ...]:
    if not containers:
        return ("not created",) if wanted.replicas else ()
    lines = []
    if wanted.digest and any(labels(one).get(HASH, wanted.digest) != wanted.digest for one in containers):
        lines.append("its settings in the compose files or .env changed")
    current = held.get(wanted.image)
    if current and any(str(one.get("Image")) != current.id for one in containers):
        lines.append("its image was replaced by a newer one")
    elif current and current.sources != _sources(containers, wanted, plan, current):
        lines.append("its sources changed since the image was built")
    if len(containers) != wanted.replicas:
        lines.append(f"{counted(len(containers), 'replica')} where the compose files want {wanted.replicas}")
    return tuple(lines)


def _sources(containers: list[dict[str, Any]], wanted: Wanted, plan: Plan, current: Held) -> str:
    """The digest that the image should have: its own where nobody knows, or where the sources are mounted."""
    return current.sources if any(map(_live, containers)) else plan.sources.get(wanted.image, current.sources)


def _live(container: dict[str, Any]) -> bool:
    return any(one.get("Destination") == LIVE_SOURCES for one in container.get("Mounts") or ())


def elsewhere(containers: Iterable[dict[str, Any]], base: str) -> str:
    """The compose files that the stack was started from, where `base` is not among them; "" where it is."""
    found = {labels(one).get(FILES, "") for one in containers if service(one)} - {""}
    if not found or any(base in files.split(",") for files in found):
        return ""
    return min(found)


def marked(services: tuple[Service, ...], drift: Mapping[str, tuple[str, ...]]) -> tuple[Service, ...]:
    """The services with their drift, those too that are only in the files."""
    known = {one.name for one in services}
    found = [replace(one, drift=drift.get(one.name, ())) for one in services]
    found += [Service(name, Role.OTHER, drift=lines) for name, lines in drift.items() if name not in known]
    return tuple(sorted(found, key=lambda one: rank(one.name, one.role)))
