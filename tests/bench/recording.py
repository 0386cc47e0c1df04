"""Records what a program draws, with the times, and tells afterwards what its screen showed when.

Interpreting the bytes takes a processor: it is done once the program under test has ended.
"""

from __future__ import annotations

import os
import re
import select
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyte

from tests.bench.processes import memory_bytes
from tests.bench.terminal import COLUMNS, ROWS, Terminal, text_of

LOOK_S = 0.5
STAMP = re.compile(r"@(\d{10}\.\d{3})")


@dataclass(slots=True)
class Recording:
    """Chunks of output by epoch time, the keys that were pressed, and the most memory that was seen (bytes)."""

    chunks: list[tuple[float, bytes]] = field(default_factory=list)
    keys: list[tuple[float, str]] = field(default_factory=list)
    memory: int = 0


def record(terminal: Terminal, seconds: float, keys: Iterator[str], every_s: float) -> Recording:
    """What it draws for some seconds, while a key is pressed now and then."""
    made = Recording()
    began = time.time()
    key_at, look_at = began + every_s, began
    while (now := time.time()) < began + seconds:
        if now >= key_at:
            key = next(keys)
            terminal.send(key)
            made.keys.append((time.time(), key))
            key_at += every_s
        if now >= look_at:
            made.memory = max(made.memory, memory_bytes(terminal.process))
            look_at += LOOK_S
        ready, _, _ = select.select([terminal.descriptor], [], [], min(key_at, look_at) - now if key_at > now else 0)
        if ready:
            made.chunks.append((time.time(), os.read(terminal.descriptor, 1 << 16)))
    return made


def screens(made: Recording, before: bytes = b"") -> Iterator[tuple[float, str]]:
    """What the screen showed after each chunk."""
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    stream.feed(before)
    for at, data in made.chunks:
        stream.feed(data)
        yield at, text_of(screen)


@dataclass(frozen=True, slots=True)
class Seen:
    """How far behind its writing the newest line on screen was, each 0.1 s, and how long keys took. Seconds."""

    behind: list[float]
    key_s: list[float]


def seen(made: Recording, before: bytes, since: float, until: float, answer: str, key: str) -> Seen:
    """Judge a recording between two times. `key` is answered once the screen has `answer`."""
    behind: list[float] = []
    took: list[float] = []
    asked = [at for at, pressed in made.keys if pressed == key]
    newest, tick = 0.0, since
    for at, text in screens(made, before):
        while tick <= min(at, until):
            behind += [tick - newest] if newest else []
            tick += 0.1
        newest = max((float(stamp) for stamp in STAMP.findall(text)), default=newest)
        while asked and asked[0] < at and answer in text:
            took.append(at - asked.pop(0))
    return Seen(behind, took)
