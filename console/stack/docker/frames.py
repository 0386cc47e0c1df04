"""Owns the bytes of a container's log: the engine's framing, its time stamps, and the cutting of lines.

Source: https://docs.docker.com/reference/api/engine/ (attach, "Stream format"). Without a terminal each message is a
frame: one byte stream type, three zero bytes, four bytes length (big-endian), payload. With a terminal the bytes are
plain. With `timestamps=1` each message begins with its time and a blank. The engine stores a line of more than 16 KiB
as several messages, of which only the last ends with a line feed.
"""

from __future__ import annotations

import re
import time
from calendar import timegm
from collections import Counter, deque
from typing import NamedTuple

from console.errors import StackError
from console.snapshots import LogLine

MAX_LINE = 64 * 1024
"""Bytes of a line that are kept; what is beyond is dropped and the line marked as cut."""

PART = 16 * 1024
"""Bytes after which the engine splits a line into messages."""

MAX_FRAME = 64 * 1024 * 1024
"""A longer frame than any driver writes: the stream is out of step."""

OVERLAP_NS = 1_000_000_000
OVERLAP_MESSAGES = 50_000
"""How far before the newest stamp a log is read again, in time and in messages."""

SECOND_NS = 1_000_000_000
HEADER = 8
STREAMS = {1: "stdout", 2: "stderr"}

_STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d):(\d\d(?:\.\d+)?)(Z|[+-]\d\d:\d\d) ?")


class Stamp(NamedTuple):
    """A message's time: epoch nanoseconds, exact, and epoch seconds."""

    ns: int
    at: float


class Clock:
    """Reads time stamps; remembers the last minute, since neighbours share it."""

    def __init__(self) -> None:
        self._minute = b""
        self._zone = b""
        self._base = 0

    def read(self, data: bytes) -> tuple[Stamp | None, int]:
        """The stamp that `data` begins with and how many bytes it takes; None and 0 if there is none."""
        found = _STAMP.match(data)
        if found is None:
            return None, 0
        minute, seconds, zone = found.groups()
        if minute != self._minute or zone != self._zone:
            try:
                self._base = timegm(time.strptime(minute.decode(), "%Y-%m-%dT%H:%M")) - offset(zone)
            except ValueError:
                return None, 0
            self._minute, self._zone = minute, zone
        whole, _, fraction = seconds.decode().partition(".")
        ns = (self._base + int(whole)) * SECOND_NS + int(fraction[:9].ljust(9, "0"))
        return Stamp(ns, self._base + float(seconds)), found.end()


def offset(zone: bytes) -> int:
    """Seconds east of UTC of "Z" or "+02:00"."""
    if zone == b"Z":
        return 0
    sign = -1 if zone.startswith(b"-") else 1
    return sign * (int(zone[1:3]) * 3600 + int(zone[4:6]) * 60)


class Taken:
    """Remembers the messages of the last moments, so that a stream can be read on without losing or doubling any.

    A log is not in the order of its stamps: the engine stamps a container's two streams apart, before it writes. Hence
    it is read again from a moment before the newest stamp, and what had been taken by then is left out.
    """

    def __init__(self) -> None:
        self._recent: deque[tuple[int, str]] = deque()
        self.newest = 0
        self._from = 0
        self._again: Counter[tuple[int, str]] = Counter()

    @property
    def since(self) -> str:
        """Where to read on, as the engine's `since` wants it; "" before the first message."""
        start = max(self.newest - OVERLAP_NS, self._from)
        return f"{start // SECOND_NS}.{start % SECOND_NS:09d}" if self.newest else ""

    def rewind(self) -> None:
        """The stream begins at `since` again."""
        self._again = Counter(self._recent)

    def known(self, ns: int, stream: str) -> bool:
        """Whether this message had been taken before `rewind`; remembers it if not."""
        key = (ns, stream)
        if self._again and self._again[key] > 0:
            self._again[key] -= 1
            return True
        if not self.newest:
            # What was written before the first wanted message was not asked for, and is not to come by reading on.
            self._from = ns
        self.newest = max(self.newest, ns)
        recent = self._recent
        recent.append(key)
        while recent[0][0] < self.newest - OVERLAP_NS or len(recent) > OVERLAP_MESSAGES:
            self._from = max(self._from, recent.popleft()[0] + 1)
        return False


class _Open:
    """A line that has begun on one stream and has not ended."""

    __slots__ = ("at", "cut", "parts", "size")

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0
        self.cut = False
        self.at = 0.0

    def add(self, piece: bytes) -> None:
        room = MAX_LINE - self.size
        if len(piece) > room:
            self.cut = True
            piece = piece[:room]
        if piece:
            self.parts.append(piece)
            self.size += len(piece)


class LogDecoder:
    """Turns the bytes of one container's log into lines, whatever way they are cut.

    Args:
        service, replica: written into each line.
        tty: the container has a terminal: no frames, one stream.

    """

    def __init__(self, service: str, replica: str, *, tty: bool) -> None:
        self._service = service
        self._replica = replica
        self._tty = tty
        self._rest = b""
        self._open: dict[str, _Open] = {"stdout": _Open(), "stderr": _Open()}
        self._clock = Clock()
        self._long = False
        self._taken = Taken()

    @property
    def since(self) -> str:
        """Where to read on after the stream broke, "" before the first message."""
        return self._taken.since

    @property
    def newest_at(self) -> float:
        """Newest stamp, epoch seconds; 0 before the first message."""
        return self._taken.newest / SECOND_NS

    def rewind(self) -> None:
        """The stream is opened again, at `since`: what had been taken by now will be left out."""
        self._rest = b""
        self._taken.rewind()

    def feed(self, data: bytes) -> list[LogLine]:
        """The lines that `data` completes."""
        return self._feed_plain(data) if self._tty else self._feed_frames(data)

    def finish(self) -> list[LogLine]:
        """The lines that have begun and will not end: the container stopped in the middle of them."""
        out: list[LogLine] = []
        if self._tty and self._rest:
            self._plain_line(self._rest, out)
            self._rest = b""
        for stream, line in self._open.items():
            if line.parts:
                self._close(stream, line, out)
        return out

    def _feed_frames(self, data: bytes) -> list[LogLine]:
        if self._rest:
            data = self._rest + data
        out: list[LogLine] = []
        at, end = 0, len(data)
        while end - at >= HEADER:
            size = int.from_bytes(data[at + 4 : at + HEADER], "big")
            if size > MAX_FRAME:
                raise StackError("The engine's log stream is out of step.")
            stop = at + HEADER + size
            if stop > end:
                break
            self._message(STREAMS.get(data[at], "stdout"), data[at + HEADER : stop], out)
            at = stop
        self._rest = data[at:]
        return out

    def _feed_plain(self, data: bytes) -> list[LogLine]:
        out: list[LogLine] = []
        *lines, rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._plain_line(line + b"\n", out)
        if len(rest) > 2 * MAX_LINE:
            rest = self._shorten(rest)
        self._rest = rest
        return out

    def _shorten(self, rest: bytes) -> bytes:
        """Drop the middle of a line that has no end yet, so that it cannot fill the memory."""
        self._long = True
        return rest[: MAX_LINE + PART]

    def _plain_line(self, data: bytes, out: list[LogLine]) -> None:
        """One line of a terminal's log, which may consist of several stamped messages without a border."""
        line = self._open["stdout"]
        line.cut, self._long = self._long, False
        while True:
            _, width = self._clock.read(data)
            take = width + PART
            more = len(data) > take and self._clock.read(data[take : take + 64])[1] > 0
            self._message("stdout", data[:take] if more else data, out)
            if not more:
                return
            data = data[take:]

    def _message(self, stream: str, data: bytes, out: list[LogLine]) -> None:
        stamp, width = self._clock.read(data)
        if stamp is not None:
            if self._taken.known(stamp.ns, stream):
                return
            data = data[width:]
        line = self._open[stream]
        if not line.parts and stamp is not None:
            line.at = stamp.at
        if not data.endswith(b"\n"):
            line.add(data)
            return
        if not line.parts and not line.cut and len(data) <= MAX_LINE and data.find(b"\n", 0, -1) < 0:
            text = data.rstrip(b"\r\n").decode("utf-8", "replace")
            out.append(LogLine(line.at, self._service, self._replica, text, stream))
            return
        *whole, last = data[:-1].split(b"\n")
        for piece in (*whole, last):
            self._open[stream].add(piece)
            self._close(stream, self._open[stream], out)

    def _close(self, stream: str, line: _Open, out: list[LogLine]) -> None:
        text = b"".join(line.parts).rstrip(b"\r\n").decode("utf-8", "replace")
        out.append(LogLine(line.at, self._service, self._replica, text, stream, line.cut))
        at = line.at
        self._open[stream] = _Open()
        self._open[stream].at = at
