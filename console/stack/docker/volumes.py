"""Owns the reading of named volumes: where they are mounted, how large they are, and the disk beneath them."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from typing import Any
from urllib.parse import urlencode

from console.errors import ConsoleError
from console.snapshots import Volume, VolumesSnapshot
from console.stack.docker import wire
from console.stack.docker.address import Address
from console.stack.docker.engine import Engine
from console.stack.docker.labels import VOLUME, filters, labels, service
from console.stack.docker.stack import inspect

SIZES_S = 60.0
"""Sizes are counted anew after so long: the engine walks through every file of every volume for it."""

COUNT_S = 120.0
FIRST_S = 10.0
"""How long the first reading waits for sizes before it comes without them."""


class VolumeReader:
    """Reads one project's volumes. Sizes come from the engine's own count, made in the background and kept."""

    def __init__(self, engine: Engine, project: str) -> None:
        self._engine = engine
        self._project = project
        self._sizes: dict[str, int] = {}
        self._counted_at = 0.0
        self._counting: asyncio.Task[None] | None = None

    async def read(self) -> VolumesSnapshot:
        """The volumes now, with the sizes of the last count; only the very first reading waits for one.

        Raises:
            UnreachableError: the engine does not answer.
        """
        return await self._engine.loop.call(self._read())

    async def _read(self) -> VolumesSnapshot:
        found, disk = await self._engine.look(lambda address: listed(address, self._project))
        if self._counting is None and time.monotonic() - self._counted_at > SIZES_S:
            self._counting = asyncio.ensure_future(self._count())
        if not self._sizes and self._counting is not None:
            await asyncio.wait([self._counting], timeout=FIRST_S)
        volumes = tuple(volume(one, used, self._sizes) for one, used in found)
        return VolumesSnapshot(volumes, time.time(), *disk)

    async def _count(self) -> None:
        try:
            found = await wire.fetch(await self._engine.address(), "/system/df?type=volume", COUNT_S)
            self._sizes = sizes(found)
            self._counted_at = time.monotonic()
        except ConsoleError:
            self._counted_at = time.monotonic() - SIZES_S / 2
        finally:
            self._counting = None


async def listed(
    address: Address, project: str
) -> tuple[list[tuple[dict[str, Any], list[dict[str, Any]]]], tuple[int, int]]:
    """Each volume of the project with the containers that mount it, and the engine's disk (total, free bytes)."""
    containers = await inspect(address, project)
    query = urlencode({"filters": json.dumps(filters(project))})
    volumes = (await wire.fetch(address, f"/volumes?{query}")).get("Volumes") or []
    volumes.sort(key=lambda one: str(one["Name"]))
    disk = _disk(str((await wire.fetch(address, "/info")).get("DockerRootDir", ""))) if address.local else (0, 0)
    return [(one, [c for c in containers if mount(c, one["Name"])]) for one in volumes], disk


def volume(one: dict[str, Any], used_by: list[dict[str, Any]], counted: dict[str, int]) -> Volume:
    """One volume as the console shows it."""
    name = str(one.get("Name", ""))
    return Volume(
        labels(one).get(VOLUME, name),
        next((mount(container, name) for container in used_by), ""),
        tuple(dict.fromkeys(filter(None, (service(container) for container in used_by)))),
        counted.get(name),
        str(one.get("Driver", "local")),
        str(one.get("Mountpoint", "")),
    )


def mount(container: dict[str, Any], name: str) -> str:
    """Where a container has that volume, "" if nowhere."""
    mounts = container.get("Mounts") or ()
    return next((str(one.get("Destination", "")) for one in mounts if one.get("Name") == name), "")


def sizes(usage: dict[str, Any]) -> dict[str, int]:
    """Bytes by volume name, of the engine's disk usage; a volume that it cannot count is left out."""
    found = {}
    for one in usage.get("Volumes") or []:
        size = (one.get("UsageData") or {}).get("Size", -1)
        if size >= 0:
            found[str(one["Name"])] = int(size)
    return found


def _disk(folder: str) -> tuple[int, int]:
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return 0, 0
    return usage.total, usage.free
