"""The log lines kept in memory: in time order, bounded by bytes, and a filtered view of them that follows along."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise
from operator import attrgetter

from console.loglines import level_of
from console.snapshots import LogLine

MAX_BYTES = 48 * 1024 * 1024
"""What a book takes unless it is told otherwise."""
ENTRY_BYTES = 260
"""What an entry takes beside its text, roughly: objects, references, times."""
REACH_BACK = 5_000
"""How many of the newest entries a late line may be sorted into."""
SEARCHED = 4_000
"""Characters of a line that a pattern is matched against."""

_at = attrgetter("at")
place = attrgetter("at", "seq")
"""Where an entry stands in the book."""


class Entry:
    """A line in the book, at the place (`at`, `seq`): its time, its turn. `marked`, `unfolded` are the reader's."""

    __slots__ = ("_level", "at", "line", "marked", "seq", "unfolded")

    def __init__(self, line: LogLine, seq: int = 0) -> None:
        self.line = line
        self.at = line.at
        self.seq = seq
        self.marked = False
        self.unfolded = False
        self._level = 0

    @property
    def level(self) -> int:
        """10 debug, 20 info, 30 warn, 40 error."""
        if not self._level:
            self._level = level_of(self.line.text)
        return self._level


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which lines are shown. `hidden` are service names; `level` the lowest shown (0: all); `since` epoch s (0: all).

    `pattern` is a regular expression, case-insensitive unless it has an upper-case letter; `inverse` hides its matches.
    """

    hidden: frozenset[str] = frozenset()
    level: int = 0
    since: float = 0.0
    pattern: str = ""
    inverse: bool = False
    regex: re.Pattern[str] | None = field(default=None, compare=False)

    @property
    def off(self) -> bool:
        """True when it shows everything."""
        return not (self.hidden or self.level or self.since or self.pattern)

    def select(self, entries: list[Entry]) -> list[Entry]:
        """Those that pass, in their order. A new list, or `entries` itself."""
        if self.since:
            entries = [e for e in entries if e.at >= self.since]
        if self.hidden:
            entries = [e for e in entries if e.line.service not in self.hidden]
        if self.level:
            entries = [e for e in entries if e.level >= self.level]
        return entries if self.regex is None else self._matching(entries, self.regex)

    def _matching(self, entries: list[Entry], regex: re.Pattern[str]) -> list[Entry]:
        """By far most lines are told apart by a text that each match holds, which is found ten times as fast."""
        needle, whole = needle_of(self.pattern)
        if needle and (whole or not self.inverse):
            if regex.flags & re.IGNORECASE:
                entries = [e for e in entries if (needle in e.line.text.lower()) is not self.inverse]
            else:
                entries = [e for e in entries if (needle in e.line.text) is not self.inverse]
            if whole:
                return entries
        if not regex.flags & re.IGNORECASE:
            return [e for e in entries if (regex.search(e.line.text, 0, SEARCHED) is None) is self.inverse]
        search = re.compile(regex.pattern).search  # lower case on both sides: twice as fast as a search that ignores it
        return [e for e in entries if (search(e.line.text[:SEARCHED].lower()) is None) is self.inverse]


_SPECIAL = frozenset(".^$*+?")


@lru_cache(8)
def needle_of(pattern: str) -> tuple[str, bool]:
    """A text that every match of `pattern` holds, and whether a line that holds it always matches; "" if none is seen.

    Only plain patterns are looked into: groups, choices, classes, escapes and other letters than ASCII give "".
    """
    if not pattern.isascii() or any(char in pattern for char in "|()[]{}\\"):
        return "", False
    parts = [""]
    for char, following in zip(pattern, [*pattern[1:], ""], strict=True):
        if char in _SPECIAL or following in ("*", "?"):
            parts.append("")
        else:
            parts[-1] += char
            if following == "+":
                parts.append("")
    return max(parts, key=len), not any(char in _SPECIAL for char in pattern)


def compiled(pattern: str) -> re.Pattern[str] | None:
    """A search pattern as a regular expression, None for "". One that is not valid is taken literally."""
    if not pattern:
        return None
    flags = 0 if any(map(str.isupper, pattern)) else re.IGNORECASE
    try:
        return re.compile(pattern, flags)
    except (re.error, OverflowError, RecursionError):
        return re.compile(re.escape(pattern), flags)


class Logbook:
    """Entries in time order, at most `max_bytes` of them (roughly); the oldest go first.

    `added` counts all there ever were: what is added later has that `seq` or a higher one.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.entries: list[Entry] = []
        self.bytes = 0
        self.dropped = 0
        self._max_bytes = max_bytes
        self.added = 0

    def __len__(self) -> int:
        return len(self.entries)

    def clear(self) -> None:
        """Forget all lines."""
        self.entries = []
        self.bytes = 0

    def extend(self, lines: Sequence[LogLine]) -> int:
        """Add lines; late ones are sorted in, as far back as 5,000 lines. Returns the index of the first change."""
        added = [Entry(line, seq) for seq, line in enumerate(lines, self.added)]
        if not added:
            return len(self.entries)
        self.added += len(added)
        if any(a.at > b.at for a, b in pairwise(added)):
            added.sort(key=_at)
        self.bytes += sum(len(e.line.text) for e in added) + len(added) * ENTRY_BYTES
        entries = self.entries
        position = len(entries)
        if entries and added[0].at < entries[-1].at:
            reach = max(0, len(entries) - REACH_BACK)
            if reach:
                for entry in added:
                    entry.at = max(entry.at, entries[reach - 1].at)
            position = bisect_right(entries, added[0].at, reach, key=_at)
            entries[position:] = sorted(entries[position:] + added, key=_at)
        else:
            entries.extend(added)
        return position - self._trim() if self.bytes > self._max_bytes else position

    def _trim(self) -> int:
        """Drop the oldest until a twentieth of the room is free; returns how many went."""
        target = self._max_bytes - self._max_bytes // 20
        count = 0
        for entry in self.entries:
            if self.bytes <= target:
                break
            self.bytes -= len(entry.line.text) + ENTRY_BYTES
            count += 1
        del self.entries[:count]
        self.dropped += count
        return count


class LogView:
    """The entries of a book that a filter shows. `update` after the book has grown; `scan` after the filter changed."""

    def __init__(self, book: Logbook) -> None:
        self.book = book
        self.filter = LogFilter()
        self._own: list[Entry] = []
        self.scanning = False

    @property
    def entries(self) -> list[Entry]:
        """What is shown, in time order."""
        return self.book.entries if self.filter.off else self._own

    def position(self, entry: Entry) -> int:
        """The index of `entry`, or of the first later one if it is not shown any more."""
        return bisect_left(self.entries, place(entry), key=place)

    def update(self, changed_from: int) -> None:
        """Follow the book, which has changed from that index on."""
        if self.filter.off:
            return
        own, book = self._own, self.book.entries
        changed_from = max(changed_from, 0)
        if not book:
            own.clear()
        elif own and place(own[0]) < place(book[0]):
            del own[: bisect_left(own, place(book[0]), key=place)]
        if changed_from < len(book):
            del own[bisect_left(own, place(book[changed_from]), key=place) :]
            own.extend(self.filter.select(book[changed_from:]))

    def slide(self, since: float) -> bool:
        """Let the window of time, if there is one, begin later. Returns whether lines have left it."""
        if not 0 < self.filter.since < since:
            return False
        self.filter = replace(self.filter, since=since)
        gone = bisect_left(self._own, since, key=_at)
        del self._own[:gone]
        return gone > 0

    def scan(self, chosen: LogFilter, slice_lines: int = 16_000) -> Iterator[int]:
        """Apply a new filter, newest lines first; yields after each slice how many lines are still to be looked at.

        Nothing may be left half done: the caller runs it to its end, or starts a new scan.
        """
        self.filter = chosen
        self._own = []
        if chosen.off:
            return
        book = self.book.entries[:]
        own = self._own
        self.scanning = True
        end = len(book)
        size = max(slice_lines, REACH_BACK)
        while end > 0:
            start = max(0, end - size)
            own[:0] = chosen.select(book[start:end])
            end, size = start, slice_lines
            yield end
            if own is not self._own:
                return
        self.scanning = False
