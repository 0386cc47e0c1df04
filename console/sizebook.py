"""Remembers how large a stack's volumes were, so that a command that runs once can say how fast they grow."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from console.keeping import replace_file
from console.snapshots import VolumesSnapshot

KEPT = 30
"""Readings kept of each stack; every other one of the older half goes first."""
EVERY_S = 60.0
WITHIN_S = 7 * 86_400.0
"""Growth is told over at most so long."""


class Sample(msgspec.Struct, frozen=True):
    """The sizes (bytes by volume name) at a moment (epoch seconds)."""

    at: float
    sizes: dict[str, int]


class SizeBook:
    """The readings of every stack that this user looked at, in one file. What cannot be read or written is let be.

    Without a path they are kept as long as this object is. Stacks that nobody has looked at for long are forgotten.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._held: dict[str, list[Sample]] = {}

    def growth(self, stack: str, now: VolumesSnapshot) -> dict[str, tuple[float, float]]:
        """Of each volume that was seen at least a minute before: (bytes an hour, seconds since then)."""
        found: dict[str, tuple[float, float]] = {}
        samples = self._read().get(stack, ())
        for volume in now.volumes:
            for sample in samples:  # the oldest first
                passed = now.taken_at - sample.at
                if volume.size_bytes is not None and volume.name in sample.sizes and EVERY_S <= passed <= WITHIN_S:
                    hourly = (volume.size_bytes - sample.sizes[volume.name]) / passed * 3600
                    found[volume.name] = (hourly, passed)
                    break
        return found

    def note(self, stack: str, now: VolumesSnapshot) -> None:
        """Keep a reading, unless one was kept a moment ago."""
        sizes = {volume.name: volume.size_bytes for volume in now.volumes if volume.size_bytes is not None}
        book = self._read()
        samples = [one for one in book.get(stack, []) if 0 <= now.taken_at - one.at <= WITHIN_S]
        if not sizes or (samples and now.taken_at - samples[-1].at < EVERY_S):
            return
        if len(samples) >= KEPT:
            samples = samples[: KEPT // 2 : 2] + samples[KEPT // 2 :]
        book = {name: kept for name, kept in book.items() if kept and now.taken_at - kept[-1].at <= WITHIN_S}
        book[stack] = [*samples, Sample(now.taken_at, sizes)]
        if self._path is None:
            self._held = book
            return
        with contextlib.suppress(OSError):
            replace_file(self._path, msgspec.json.encode(book))

    def _read(self) -> dict[str, list[Sample]]:
        if self._path is None:
            return self._held
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, list[Sample]])
        except (OSError, msgspec.MsgspecError, UnicodeError):
            return {}
