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
    """The runtime's volumes (console.ports.VolumesSource).

    Args:
        passing: the stack leaves nothing behind, these readings neither.
    """

    def __init__(self, runtime: Callable[[], Runtime], *, passing: bool = False) -> None:
        self._runtime = runtime
        self._passing = SizeBook(None) if passing else None

    async def read(self) -> VolumesSnapshot:
        """All volumes and the disk beneath them."""
        runtime = self._runtime()
        book = self._passing or SizeBook(state_dir() / "volumes.json")
        return await asyncio.to_thread(_grown, book, f"{runtime.name} {runtime.title}", await runtime.volumes())


def _grown(book: SizeBook, stack: str, found: VolumesSnapshot) -> VolumesSnapshot:
    """The volumes with their growth; this reading is kept for the next one."""
    growth = book.growth(stack, found)
    book.note(stack, found)
    volumes = []
    for one in found.volumes:
        hourly, seen_s = growth.get(one.name, (None, None))
        volumes.append(replace(one, growth_bytes_day=None if hourly is None else hourly * 24, growth_over_s=seen_s))
    return replace(found, volumes=tuple(volumes))
