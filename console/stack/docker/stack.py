"""Owns the reading of the whole stack: asked anew when an event says so, else what is known, with fresh statistics.

One look costs one list and one inspection a container. Somebody who looks again and again gets the event stream and the
statistics streams instead, so that watching an idle stack costs next to nothing.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from console.snapshots import StackSnapshot
from console.stack.docker import events, labels, wire
from console.stack.docker.asking import Asker
from console.stack.docker.containers import VERSION_LABEL, Image, seconds, services
from console.stack.docker.engine import Engine
from console.stack.docker.stats import StatsWatch

AGAIN_S = 15.0
"""A second look within so long means that somebody watches."""

TRUST_S = 15.0
"""Without any event the containers are inspected again after so long: a health probe's text makes no event."""

QUIET = frozenset({"top", "resize", "attach", "detach", "copy", "export"})


class StackReader:
    """Reads one project on one engine."""

    def __init__(self, engine: Engine, project: str) -> None:
        self._engine = engine
        self._project = project
        self._stats = StatsWatch(engine)
        self._watching: asyncio.Task[None] | None = None
        self._fresh = False
        self._connected = False
        self._containers: list[dict[str, Any]] = []
        self._images: dict[str, Image] = {}
        self._read_at = 0.0
        self._asked_at = 0.0

    async def read(self) -> StackSnapshot:
        """The stack now.

        Raises:
            UnreachableError: the engine does not answer.
        """
        return await self._engine.loop.call(self._read())

    async def containers(self) -> list[dict[str, Any]]:
        """The project's containers as inspected now, whatever is known."""
        return await self._engine.look(lambda asker: inspect(asker, self._project))

    @property
    def known(self) -> list[dict[str, Any]]:
        """The containers as the last reading found them."""
        return self._containers

    async def close(self) -> None:
        """Close the streams. On the stream loop."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self._stats.close()

    async def _read(self) -> StackSnapshot:
        now = time.monotonic()
        watched = now - self._asked_at < AGAIN_S
        self._asked_at = now
        if not (self._fresh and self._connected and now - self._read_at < TRUST_S):
            self._fresh = True
            try:
                self._containers = await self.containers()
                await self._look_at_images()
            except BaseException:
                self._fresh = False
                raise
            self._read_at = now
        if watched:
            if self._watching is None:
                self._watching = asyncio.ensure_future(self._watch())
            await self._stats.want({str(one["Id"]) for one in self._containers if _runs(one)})
        found = services(self._containers, self._stats.latest, self._images)
        return StackSnapshot("docker", self._project, self._engine.where, found, time.time())

    async def _watch(self) -> None:
        """Whatever happens to a container makes what is known stale."""
        try:
            async for event in events.watch(self._engine, self._project):
                if isinstance(event, events.Link):
                    self._connected = event is events.Link.OPENED
                    self._fresh = False
                elif event.what not in QUIET:
                    self._fresh = False
                if time.monotonic() - self._asked_at > AGAIN_S:
                    return
        finally:
            self._connected = False
            self._watching = None

    async def _look_at_images(self) -> None:
        wanted = {str(one.get("Image", "")) for one in self._containers} - set(self._images)
        if wanted:
            seen = await self._engine.look(lambda asker: images(asker, wanted))
            self._images |= {name: _shown(seen.get(name, {})) for name in wanted}


def _runs(container: dict[str, Any]) -> bool:
    return bool((container.get("State") or {}).get("Running"))


async def inspect(asker: Asker, project: str) -> list[dict[str, Any]]:
    """Every container of the project, stopped ones too; one that vanishes meanwhile is left out."""
    query = json.dumps(labels.filters(project))
    listed = await asker.several("/containers/json", all=1, filters=query)
    found = [await _found(asker, f"/containers/{wire.part(str(one['Id']))}/json") for one in listed]
    return [one for one in found if one]


async def images(asker: Asker, names: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """These images as inspected, by the name or id that was asked for; one that the engine has not is left out."""
    found = {name: await _found(asker, f"/images/{quote(name, safe='/:@')}/json") for name in names}
    return {name: one for name, one in found.items() if one}


async def _found(asker: Asker, path: str) -> dict[str, Any]:
    try:
        return await asker.one(path)
    except wire.NoSuchThingError:
        return {}


def _shown(image: Mapping[str, Any]) -> Image:
    """What is shown of an image; of one that has been removed nothing."""
    tags = (image.get("Config") or {}).get("Labels") or {}
    return Image(str(tags.get(VERSION_LABEL, "")), seconds(str(image.get("Created", ""))))
