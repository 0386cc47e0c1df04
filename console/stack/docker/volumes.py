"""Owns the reading of named volumes: where they are mounted, how large they are, and the disk beneath them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import time
from typing import Any

from console.errors import ConsoleError, StackError
from console.snapshots import Volume, VolumesSnapshot
from console.stack.docker import execs, wire
from console.stack.docker.address import Address
from console.stack.docker.asking import Asker
from console.stack.docker.engine import Engine
from console.stack.docker.labels import VOLUME, filters, labels, service
from console.stack.docker.stack import inspect

SIZES_S = 60.0
"""Sizes are counted anew after so long: the engine walks through every file of every volume for it."""

COUNT_S = 120.0
DF_S = 10.0
UNKNOWN = (0, 0)
Found = tuple[dict[str, Any], list[dict[str, Any]]]
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
        self._disk_seen = UNKNOWN
        self._disk_at = 0.0

    async def read(self) -> VolumesSnapshot:
        """The volumes now, with the sizes of the last count; only the very first reading waits for one.

        Raises:
            UnreachableError: the engine does not answer.
        """
        return await self._engine.loop.call(self._read())

    async def _read(self) -> VolumesSnapshot:
        found, root = await self._engine.look(lambda asker: listed(asker, self._project))
        disk = await self._disk(root, found)
        if self._counting is None and time.monotonic() - self._counted_at > SIZES_S:
            self._counting = asyncio.ensure_future(self._count())
        if not self._sizes and self._counting is not None:
            await asyncio.wait([self._counting], timeout=FIRST_S)
        volumes = tuple(volume(one, used, self._sizes) for one, used in found)
        return VolumesSnapshot(volumes, time.time(), *disk)

    async def _disk(self, root: str, found: list[Found]) -> tuple[int, int]:
        """Total and free bytes of the engine's disk: this machine's own, or as it is seen in a container."""
        address = await self._engine.address()
        if address.local and root and (seen := _own_disk(root)) != UNKNOWN:
            return seen
        if time.monotonic() - self._disk_at > SIZES_S or self._disk_seen == UNKNOWN:
            self._disk_seen = await seen_inside(address, found)
            self._disk_at = time.monotonic()
        return self._disk_seen

    async def _count(self) -> None:
        try:
            found = await wire.fetch(await self._engine.address(), "/system/df?type=volume", COUNT_S)
            self._sizes = sizes(found)
            self._counted_at = time.monotonic()
        except ConsoleError:
            self._counted_at = time.monotonic() - SIZES_S / 2
        finally:
            self._counting = None


async def listed(asker: Asker, project: str) -> tuple[list[Found], str]:
    """Each volume of the project with the containers that mount it, and the folder in which the engine keeps all."""
    containers = await inspect(asker, project)
    volumes = (await asker.one("/volumes", filters=json.dumps(filters(project)))).get("Volumes") or []
    volumes.sort(key=lambda one: str(one["Name"]))
    root = str((await asker.one("/info")).get("DockerRootDir", ""))
    return [(one, [c for c in containers if mount(c, one["Name"])]) for one in volumes], root


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


async def seen_inside(address: Address, found: list[Found]) -> tuple[int, int]:
    """Total and free bytes of the disk that volumes are on, as `df` in a running container that mounts one tells."""
    places = (
        (str(container["Id"]), mount(container, one["Name"]))
        for one, containers in found
        if one.get("Driver") == "local"
        for container in containers
        if (container.get("State") or {}).get("Running")
    )
    for container, path in places:
        with contextlib.suppress(StackError):
            if (disk := read_df(await execs.said(address, container, ("df", "-Pk", path), DF_S))) != UNKNOWN:
                return disk
    return UNKNOWN


def read_df(text: str) -> tuple[int, int]:
    """Total and available bytes out of what `df -Pk` prints of one place (POSIX: a line of six columns, in KiB)."""
    words = text.splitlines()[-1].split() if text.strip() else []
    if len(words) < 6 or not all(word.isdigit() for word in words[1:4]):
        return UNKNOWN
    return int(words[1]) * 1024, int(words[3]) * 1024


def _own_disk(folder: str) -> tuple[int, int]:
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return UNKNOWN
    return usage.total, usage.free
