"""Owns the memory in which the web processes of one port leave their counts for each other."""

from __future__ import annotations

import mmap
import struct
import zlib

SLOT_BYTES = 262_144

_HEAD = struct.Struct("<II")


class Board:
    """A slot of shared memory for each process. Made before they are forked; each writes its own slot only.

    There is no lock that a killed process could leave behind: who reads checks a sum, and looks again if it saw a
    slot while it was being written.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self._memory = mmap.mmap(-1, slots * SLOT_BYTES)

    def write(self, slot: int, text: bytes) -> None:
        """Leave this. What is too long for a slot is not left: the others keep seeing what was."""
        if len(text) <= SLOT_BYTES - _HEAD.size:
            at = slot * SLOT_BYTES
            self._memory[at + _HEAD.size : at + _HEAD.size + len(text)] = text
            _HEAD.pack_into(self._memory, at, len(text), zlib.crc32(text))

    def read(self, slot: int) -> bytes:
        """What was left there, empty if nothing was."""
        at = slot * SLOT_BYTES
        for _ in range(100):
            size, check = _HEAD.unpack_from(self._memory, at)
            text = self._memory[at + _HEAD.size : at + _HEAD.size + min(size, SLOT_BYTES)]
            if zlib.crc32(text) == check:
                return text
        return b""

    def others(self, slot: int) -> list[bytes]:
        """What all but one have left."""
        found = [self.read(n) for n in range(self.slots) if n != slot]
        return [text for text in found if text]
