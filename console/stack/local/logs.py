"""Reads and follows the services' log files across rotation, and merges them by time.

The supervisor rotates by renaming NAME.log to NAME.log.1, that to NAME.log.2, and so on, and begins a new NAME.log.
"""

from __future__ import annotations

import asyncio
import heapq
import os
import re
import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from console.snapshots import LogLine
from console.stack.local.tasks import in_thread

MAX_LINE = 65_536
"""Bytes of a line that are kept."""
_BATCH_LINES = 2_000
_CHUNK = 262_144
_BLOCK = 65_536
_IDLE_S = (0.03, 0.2)

_JSON_TS = re.compile(rb'"ts":\s?"([0-9T:.+Z-]{19,35})"')
_POSTGRES_TS = re.compile(rb"([0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}\.[0-9]{3}) UTC \[")
_REDIS_TS = re.compile(rb"[0-9]+:[A-Z] ([0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8}\.[0-9]{3}) ")


async def read(
    files: Mapping[str, Path], *, since: float = 0.0, tail: int | None = None, follow: bool = False
) -> AsyncGenerator[list[LogLine], None]:
    """Batches of lines of the files by service, oldest first, each service's lines in order. OSError if unreadable.

    `since` is epoch seconds; `tail` lines a service at the beginning. Without `follow` it ends at the end, with it an
    empty batch tells that the files are open.
    """
    tails = [Tail(service, path) for service, path in files.items()]
    try:
        await in_thread(_open_all, tails, since, tail)
        if follow:
            yield []
        past = heapq.merge(*(_lines_until_end(one, since) for one in tails), key=_at)
        while batch := await in_thread(_take, past):
            yield batch
        pause = _IDLE_S[0]
        while follow:
            batches = [lines for one in tails if (lines := one.more())]
            if batches:
                pause = _IDLE_S[0]
                yield list(heapq.merge(*batches, key=_at)) if len(batches) > 1 else batches[0]
                await asyncio.sleep(0)
            else:
                await asyncio.sleep(pause)
                pause = min(pause * 1.3, _IDLE_S[1])
        if last := [line for one in tails for line in one.rest() if line.at >= since]:
            yield sorted(last, key=_at)
    finally:
        for one in tails:
            one.close()


class Tail:
    """One service's log: the rotated files and the current one, read as one."""

    def __init__(self, service: str, path: Path) -> None:
        self._service = service
        self._path = path
        self._files: list[BinaryIO] = []
        self._partial = b""
        self._skipping = False
        self._last_at = 0.0

    def open(self, since: float, tail: int | None) -> None:
        """Stand at the first line wanted."""
        self._files = [file for _, file in _open(self._path)]
        while len(self._files) > 1 and os.fstat(self._files[0].fileno()).st_mtime < since:
            self._files.pop(0).close()
        if tail is not None:
            self._seek_tail(tail)

    def more(self) -> list[LogLine]:
        """The next lines, at most a chunk's; empty when there are none now. Lines without a time get the file's age."""
        while True:
            if not self._files and not self._find_next():
                return []
            file = self._files[0]
            chunk = file.read(_CHUNK)
            if chunk:
                lines = self._split(chunk, file)
                if lines:
                    return lines
            elif len(self._files) > 1:
                self._files.pop(0).close()
            elif not self._find_next():
                return []

    def rest(self) -> list[LogLine]:
        """A last line without its end."""
        partial, self._partial = self._partial, b""
        return [self._line(partial, time.time(), cut=False)] if partial and not self._skipping else []

    def close(self) -> None:
        """Close the files."""
        for file in self._files:
            file.close()
        self._files = []

    def _find_next(self) -> bool:
        """Whether there is more to read: the file began anew, or was rotated and has successors."""
        if not self._files:
            self._files = [file for _, file in _open(self._path)]
            return bool(self._files)
        current = self._files[-1]
        here = os.fstat(current.fileno())
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False
        if (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino):
            if there.st_size < current.tell():
                current.seek(0)
                self._partial = b""
                return there.st_size > 0
            return False
        # What was written between the last read and the rotation comes first.
        if here.st_size > current.tell():
            return True
        opened = _open(self._path)
        ids = [identity for identity, _ in opened]
        mine = (here.st_dev, here.st_ino)
        skip = ids.index(mine) + 1 if mine in ids else 0
        for _, file in opened[:skip]:
            file.close()
        current.close()
        self._files = [file for _, file in opened[skip:]]
        return bool(self._files)

    def _split(self, chunk: bytes, file: BinaryIO) -> list[LogLine]:
        *whole, self._partial = (self._partial + chunk).split(b"\n")
        if not self._files[1:] and not whole and len(self._partial) <= MAX_LINE:
            return []
        fallback = self._last_at or os.fstat(file.fileno()).st_mtime
        lines = []
        for raw in whole:
            if self._skipping:
                self._skipping = False
            elif raw:
                lines.append(self._line(raw, fallback, cut=len(raw) > MAX_LINE))
        if len(self._partial) > MAX_LINE:
            if not self._skipping:
                lines.append(self._line(self._partial, fallback, cut=True))
            self._skipping, self._partial = True, b""
        return lines

    def _line(self, raw: bytes, fallback: float, *, cut: bool) -> LogLine:
        found = line_time(raw)
        # Never back in time: the lines of one service stay in order when they are merged with others'.
        self._last_at = max(self._last_at, found if found is not None else self._last_at or fallback)
        text = raw[:MAX_LINE].rstrip(b"\r").decode("utf-8", "replace")
        return LogLine(at=self._last_at, service=self._service, replica=self._service, text=text, cut=cut)

    def _seek_tail(self, lines: int) -> None:
        """Stand before the last `lines` lines, which may begin in an older file."""
        wanted = lines + 1
        for index in range(len(self._files) - 1, -1, -1):
            file = self._files[index]
            position = end = file.seek(0, os.SEEK_END)
            if index == len(self._files) - 1 and end:
                file.seek(end - 1)
                # A last line without its end is one of those asked for.
                wanted -= file.read(1) != b"\n"
            while position > 0:
                start = max(position - _BLOCK, 0)
                file.seek(start)
                block = file.read(position - start)
                breaks = block.count(b"\n")
                if breaks >= wanted:
                    for _ in range(wanted):
                        cut = block.rfind(b"\n")
                        block, after = block[:cut], start + cut + 1
                    file.seek(after)
                    for older in self._files[:index]:
                        older.close()
                    self._files = self._files[index:]
                    return
                wanted -= breaks
                position = start
            file.seek(0)


def line_time(raw: bytes) -> float | None:
    """When the line says it was written (epoch s): JSON `ts`, Postgres's or Redis's prefix; None if it does not."""
    head = raw[:200]
    try:
        if found := _JSON_TS.search(head):
            return datetime.fromisoformat(found[1].decode()).timestamp()
        if found := _POSTGRES_TS.match(head):
            return datetime.fromisoformat(found[1].decode()).replace(tzinfo=UTC).timestamp()
        if found := _REDIS_TS.match(head):
            return datetime.strptime(found[1].decode(), "%d %b %Y %H:%M:%S.%f").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
    return None


def _open(path: Path) -> list[tuple[tuple[int, int], BinaryIO]]:
    """The rotated files and the current one with their identities, oldest first."""
    opened: dict[tuple[int, int], BinaryIO] = {}
    rotated = [p for p in path.parent.glob(f"{path.name}.*") if p.suffix[1:].isdecimal()]
    for candidate in [*sorted(rotated, key=lambda p: -int(p.suffix[1:])), path]:
        try:
            file = candidate.open("rb")
        except FileNotFoundError:
            continue
        found = os.fstat(file.fileno())
        identity = (found.st_dev, found.st_ino)
        # Renamed while we looked: seen under both names.
        if identity in opened:
            file.close()
        else:
            opened[identity] = file
    return list(opened.items())


def _open_all(tails: list[Tail], since: float, tail: int | None) -> None:
    for one in tails:
        one.open(since, tail)


def _lines_until_end(one: Tail, since: float) -> Iterator[LogLine]:
    while lines := one.more():
        for line in lines:
            if line.at >= since:
                yield line


def _take(lines: Iterator[LogLine]) -> list[LogLine]:
    batch = []
    for line in lines:
        batch.append(line)
        if len(batch) >= _BATCH_LINES:
            break
    return batch


def _at(line: LogLine) -> float:
    return line.at
