"""Owns the way to Redis, Postgres and the web port: published port, container address, relay, in that order."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from console.errors import UnreachableError
from console.snapshots import Endpoints, Role
from console.stack.docker.address import Address
from console.stack.docker.containers import addresses, environment, state
from console.stack.docker.engine import Engine
from console.stack.docker.labels import service
from console.stack.docker.relay import POSTGRES, REDIS, Goal, Relay
from console.stack.docker.roles import names, rank, roles
from console.stack.docker.stack import StackReader

PROBE_S = 0.5
REMOTE_PROBE_S = 3.0

WEB = Goal("app", 3000, b"GET /health/live HTTP/1.0\r\n\r\n", (b"HTTP/1.",))


@dataclass(frozen=True, slots=True)
class Place:
    """A host and port that can be connected to from here."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class EndpointFinder:
    """Finds the endpoints of one project. Relays it had to open stay, at the same port, until `close`.

    Args:
        settings: the stack's `.env`, for what no container tells.
    """

    def __init__(self, engine: Engine, stack: StackReader, settings: Callable[[], Mapping[str, str]]) -> None:
        self._engine = engine
        self._stack = stack
        self._settings = settings
        self._relays: dict[str, Relay] = {}

    async def find(self) -> Endpoints:
        """Where everything is now. A service that is down has an address too, at which nothing answers.

        Raises:
            UnreachableError: the engine does not answer, or nothing of the stack runs.
        """
        return await self._engine.loop.call(self._find())

    async def close(self) -> None:
        """End the relays. On the stream loop."""
        for relay in self._relays.values():
            await relay.close()

    async def _find(self) -> Endpoints:
        address = await self._engine.address()
        containers = await self._stack.containers()
        if not any(state(one).up for one in containers):
            raise UnreachableError("The stack is not running.", "Start it: leadsctl up")
        called = names(containers)
        goals = [replace(goal, service=called[Role(goal.service)]) for goal in (WEB, POSTGRES, REDIS)]
        web, database, redis = await asyncio.gather(*(self._place(address, containers, goal) for goal in goals))
        given = self._settings()
        return Endpoints(
            database_url=database_url(_environment(containers, called[Role.DB]) or given, database),
            redis_url=redis_url(_environment(containers, called[Role.REDIS]) or given, redis),
            web_url=f"http://{web}",
        )

    async def _place(self, address: Address, containers: list[dict[str, Any]], goal: Goal) -> Place:
        own = [one for one in containers if service(one) == goal.service]
        for place in [*published(own, goal.port, address), *direct(own, goal.port, address)]:
            if await answers(place, PROBE_S if address.local else REMOTE_PROBE_S):
                return place
        if goal.port == WEB.port and not any(state(one).up for one in own):
            later = configured(own, goal.port, address)
            return later[0] if later else wanted(self._settings().get("PORT", ""), address)
        relay = self._relays.get(goal.service)
        if relay is None:
            relay = self._relays[goal.service] = Relay(self._engine, goal, lambda: self._near(goal))
        return Place("127.0.0.1", await relay.open())

    async def _near(self, goal: Goal) -> list[str]:
        """Running containers from which a goal may be reached, its own first."""
        containers = await self._stack.containers()
        known = roles(containers)
        running = [one for one in containers if state(one).up and known.get(service(one), Role.OTHER) is not Role.OTHER]
        running.sort(key=lambda one: (service(one) != goal.service, rank(service(one), known[service(one)])))
        return [str(one["Id"]) for one in running]


def published(containers: list[dict[str, Any]], port: int, address: Address) -> list[Place]:
    """The places at which that port is published now and that can be reached from here."""
    bound = (((one.get("NetworkSettings") or {}).get("Ports") or {}).get(f"{port}/tcp") for one in containers)
    return _places(bound, address)


def configured(containers: list[dict[str, Any]], port: int, address: Address) -> list[Place]:
    """The places at which that port is published once its container runs."""
    bound = (((one.get("HostConfig") or {}).get("PortBindings") or {}).get(f"{port}/tcp") for one in containers)
    return _places(bound, address)


def wanted(port: str, address: Address) -> Place:
    """Where the web port will be by the setting PORT: a port, or ADDRESS:PORT."""
    host, _, number = port.rpartition(":")
    own = "127.0.0.1" if address.local else address.host
    return Place(host.strip("[]") or own, int(number) if number.isdigit() else WEB.port)


def _places(bound: Iterable[Any], address: Address) -> list[Place]:
    found = []
    for binding in (one for bindings in bound for one in bindings or ()):
        host, number = str(binding.get("HostIp", "")), str(binding.get("HostPort", ""))
        if not number.isdigit() or (host.startswith("127.") and not address.local):
            continue
        if host in ("", "0.0.0.0", "::"):  # noqa: S104 - read, not bound
            host = "127.0.0.1" if address.local else address.host
        found.append(Place(host, int(number)))
    return list(dict.fromkeys(found))


def direct(containers: list[dict[str, Any]], port: int, address: Address) -> list[Place]:
    """The containers' own addresses, where these can be reached: Linux, with the engine on this very machine."""
    if not (address.local and sys.platform == "linux"):
        return []
    running = (container for container in containers if state(container).up)
    return [Place(own, port) for one in running for own, gateway in addresses(one) if ours(gateway)]


def ours(gateway: str) -> bool:
    """Whether this machine has that address.

    Without it a container's address leads out of the machine, as where the engine runs inside a virtual machine, and
    whoever has it there must not be sent a password.
    """
    family = socket.AF_INET6 if ":" in gateway else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((gateway, 0))
        except OSError:
            return False
    return True


async def answers(place: Place, limit_s: float) -> bool:
    """Whether something accepts connections there."""
    try:
        async with asyncio.timeout(limit_s):
            _, writer = await asyncio.open_connection(place.host, place.port)
    except (OSError, TimeoutError):
        return False
    writer.transport.abort()
    return True


def _environment(containers: list[dict[str, Any]], name: str) -> dict[str, str]:
    return next((environment(one) for one in containers if service(one) == name), {})


def database_url(given: Mapping[str, str], place: Place) -> str:
    """The URL of Postgres from the settings of its image."""
    user = given.get("POSTGRES_USER") or "leads"
    login = quote(user, safe="")
    if password := given.get("POSTGRES_PASSWORD", ""):
        login += f":{quote(password, safe='')}"
    return f"postgresql://{login}@{place}/{quote(given.get('POSTGRES_DB') or user, safe='')}"


def redis_url(given: Mapping[str, str], place: Place) -> str:
    """The URL of Redis from the settings of its service."""
    password = given.get("REDIS_PASSWORD") or given.get("REDISCLI_AUTH") or ""
    login = f":{quote(password, safe='')}@" if password else ""
    return f"redis://{login}{place}/0"
