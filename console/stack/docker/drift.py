"""Owns the comparison of what runs with the compose files: worked out in the background, kept until either changes.

Compose is only run again when a file has changed; the engine is asked for its images every `AGAIN_S`, and only while
somebody looks. Whoever looks gets what is known, at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from console.errors import ConsoleError, StackError
from console.snapshots import StackSnapshot
from console.stack.docker import images, plan, planbook, stack
from console.stack.docker.compose import Compose
from console.stack.docker.engine import Engine
from console.stack.docker.files import StackFiles
from console.stack.docker.plan import Held, Plan
from console.stack.docker.planbook import PlanBook

AGAIN_S = 15.0
Containers = list[dict[str, Any]]
Key = tuple[tuple[str, str], ...]


class Drift:
    """Compares one project with its files."""

    def __init__(self, engine: Engine, compose: Compose, book: PlanBook) -> None:
        self._engine = engine
        self._compose = compose
        self._book = book
        self._plan: tuple[object, Plan] | None = None
        self._found: dict[str, tuple[str, ...]] = {}
        self._note = ""
        self._key: Key | None = None
        self._at = 0.0
        self._task: asyncio.Task[None] | None = None

    @property
    def _files(self) -> StackFiles:
        return self._compose.files

    def shown(self, snapshot: StackSnapshot, containers: Containers) -> StackSnapshot:
        """The snapshot with what is known by now; what is not known is being found out, for the next one."""
        key = _key(containers)
        idle = self._task is None or self._task.done()
        if idle and (key != self._key or time.monotonic() - self._at > AGAIN_S):
            self._task = asyncio.ensure_future(self._quietly(containers))
        if key != self._key:
            return snapshot
        notes = (*snapshot.notes, self._note) if self._note else snapshot.notes
        return replace(snapshot, services=plan.marked(snapshot.services, self._found), notes=notes)

    async def compare(self, containers: Containers) -> Mapping[str, tuple[str, ...]]:
        """Find out now; by service, in what it differs.

        Raises:
            ConsoleError: the files cannot be put together, or the engine does not answer.
        """
        self._found, self._note = {}, ""
        try:
            if other := plan.elsewhere(containers, str(self._files.files[0])):
                self._note = f"it was started from {other}, not from {self._files.files[0]}: they are not compared"
            elif containers and self._files.files[0].is_file():
                wanted = await self.plan()
                self._found = plan.differences(containers, wanted, await self.held(wanted))
        except StackError as error:
            self._note = f"it cannot be compared with its compose files: {error}"
            raise
        finally:
            self._key, self._at = _key(containers), time.monotonic()
        return self._found

    async def plan(self) -> Plan:
        """What the files want, put together again if one has changed.

        Raises:
            UnreachableError: no Compose v2. StackError: the files are not valid.
        """
        try:
            stamp = await asyncio.to_thread(_stamp, self._files)
            if self._plan is None or self._plan[0] != stamp:
                self._plan = (stamp, await self._planned(stamp))
        except OSError as error:
            raise StackError(f"{error.filename} cannot be read: {error.strerror}") from None
        except ValueError:
            raise StackError("Compose prints the configuration in a form that is not known") from None
        return self._plan[1]

    async def _planned(self, stamp: object) -> Plan:
        """The plan as it is remembered for such files, else as Compose makes it."""
        name = await asyncio.to_thread(planbook.key, self._files, self._compose.project, stamp)
        known = await asyncio.to_thread(self._book.find, name)
        if known is not None:
            return known
        digests = await asyncio.to_thread(images.digests, self._files)
        config, hashes, every = await asyncio.gather(
            self._compose.config("--format", "json"),
            self._compose.config("--hash", "*"),
            self._compose.config("--services", every=True),
        )
        made = plan.read(config, hashes, digests, every)
        await asyncio.to_thread(self._book.keep, name, made)
        return made

    async def held(self, wanted: Plan) -> dict[str, Held]:
        """The images of the plan that the engine has."""
        names = {one.image for one in wanted.services.values()}
        found = await self._engine.look(lambda asker: stack.images(asker, names))
        return {name: _held(image) for name, image in found.items()}

    async def close(self) -> None:
        """End what is being found out."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _quietly(self, containers: Containers) -> None:
        with contextlib.suppress(ConsoleError):
            await self.compare(containers)


def _key(containers: Containers) -> Key:
    return tuple(sorted((str(one.get("Id")), str(one.get("Image"))) for one in containers))


def _stamp(files: StackFiles) -> tuple[object, ...]:
    """Changes whenever a file does that the plan is made of."""
    return (images.stamp(files), *map(_seen, (*files.files, files.env_file)), files)


def _seen(path: Path) -> tuple[int, int]:
    try:
        seen = path.stat()
    except OSError:
        return (0, 0)
    return (seen.st_mtime_ns, seen.st_size)


def _held(image: Mapping[str, Any]) -> Held:
    tags = (image.get("Config") or {}).get("Labels") or {}
    return Held(str(image.get("Id", "")), str(tags.get(images.LABEL, "")))
