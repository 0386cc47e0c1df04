"""Reads the volumes, each with how fast it grows: from what this user's commands and consoles saw before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from console.ports import Runtime
from console.settings import state_dir
from console.sizebook import SizeBook
from console.snapshots import VolumesSnapshot


class VolumesReader:
    """The runtime's volumes (console.ports.VolumesSource)."""

    def __init__(self, runtime: Callable[[], Runtime]) -> None:
        self._runtime = runtime

    async def read(self) -> VolumesSnapshot:
        """All volumes and the disk beneath them."""
        runtime = self._runtime()
        return await asyncio.to_thread(_grown, f"{runtime.name} {runtime.title}", await runtime.volumes())


def _grown(stack: str, found: VolumesSnapshot) -> VolumesSnapshot:
    """The volumes with their growth; this reading is kept for the next one."""
    book = SizeBook(state_dir() / "volumes.json")
    growth = book.growth(stack, found)
    book.note(stack, found)
    volumes = []
    for one in found.volumes:
        hourly, seen_s = growth.get(one.name, (None, None))
        volumes.append(replace(one, growth_bytes_day=None if hourly is None else hourly * 24, growth_over_s=seen_s))
    return replace(found, volumes=tuple(volumes))
