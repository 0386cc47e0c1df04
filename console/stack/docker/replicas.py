"""Owns what is done to one replica of a service: found by its number, restarted by the engine.

Compose's own words know a replica by that number too (`exec --index`), but restart all of a service.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from typing import Any

from console.errors import StackError
from console.snapshots import Progress
from console.stack.docker import labels, wire
from console.stack.docker.containers import number
from console.stack.docker.engine import Engine

STOP_S = 10
"""The engine's own grace period for a container that has none of its own."""
MORE_S = 30.0


def find(containers: Iterable[dict[str, Any]], service: str, index: int) -> dict[str, Any]:
    """The container of that replica.

    Raises:
        StackError: the service has none of that number.
    """
    own = {number(one): one for one in containers if labels.service(one) == service}
    if index not in own:
        there = ", ".join(str(each) for each in sorted(own)) or "none"
        raise StackError(f"{service} has no replica {index}; there: {there}", "leadsctl ps shows them")
    return own[index]


async def restart(engine: Engine, container: dict[str, Any], service: str) -> AsyncGenerator[Progress, None]:
    """Stop a container, with its grace period, and start it again.

    Raises:
        UnreachableError: the engine went away. StackError: it refused.
    """
    name = str(container.get("Name", "")).lstrip("/")
    grace_s = float((container.get("Config") or {}).get("StopTimeout") or STOP_S)
    path = f"/containers/{wire.part(str(container.get('Id', '')))}/restart"
    yield Progress(f"restarting {name}", service)
    await engine.look(lambda asker: wire.post(asker.address, path, {}, grace_s + MORE_S))
    yield Progress(f"{name} restarted", service, ok=True)
