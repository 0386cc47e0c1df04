"""Owns the engine's events about the stack's containers: one stream, opened again for as long as somebody listens.

Source: https://docs.docker.com/reference/api/engine/ (events).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from console.errors import ConsoleError
from console.stack.docker import wire
from console.stack.docker.engine import Engine
from console.stack.docker.labels import PROJECT, SERVICE

FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 10.0


@dataclass(frozen=True, slots=True)
class EngineEvent:
    """Something happened to a container of the stack.

    Attributes:
        at: epoch seconds by the engine's clock.
        what: "start", "die", "health_status", "oom", "destroy", …
        detail: exit code, health or signal; "" if there is none.
    """

    at: float
    what: str
    container: str
    service: str
    replica: str
    detail: str = ""


class Link(Enum):
    """What became of the stream itself."""

    OPENED = "opened"
    """From here on nothing is missed; what happened before is not in it."""
    LOST = "lost"


async def watch(engine: Engine, project: str) -> AsyncGenerator[EngineEvent | Link, None]:
    """Events without end, and what became of the stream."""
    wait = FIRST_WAIT_S
    filters = json.dumps({"type": ["container"], "label": [f"{PROJECT}={project}"]})
    while True:
        try:
            stream = await wire.get(await engine.address(), "/events", filters=filters)
        except ConsoleError:
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_S)
            continue
        wait = FIRST_WAIT_S
        try:
            yield Link.OPENED
            rest = b""
            async for piece in stream.body():
                *lines, rest = (rest + piece).split(b"\n")
                for line in lines:
                    if (event := parse(line)) is not None:
                        yield event
        except (OSError, ValueError):
            pass
        finally:
            stream.close()
        yield Link.LOST
        await asyncio.sleep(FIRST_WAIT_S)


def parse(line: bytes) -> EngineEvent | None:
    """One event, None for what is not a container's or belongs to a command run inside one."""
    try:
        found: Any = json.loads(line)
        actor = found["Actor"]
        attributes = actor.get("Attributes") or {}
        what, _, detail = str(found["Action"]).partition(": ")
        at = float(found.get("timeNano") or 0) / 1e9 or float(found.get("time") or 0)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if found.get("Type") != "container" or what.startswith("exec_"):
        return None
    detail = detail or str(attributes.get("exitCode") or attributes.get("signal") or "")
    return EngineEvent(
        at, what, str(actor.get("ID", "")), str(attributes.get(SERVICE, "")), str(attributes.get("name", "")), detail
    )
