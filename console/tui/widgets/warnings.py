"""The last warnings and errors of the log, where a screen has room for them."""

from __future__ import annotations

from console.format import Cell, Line, Tone
from console.loglines import WARN
from console.tui.logbook import REACH_BACK, Entry, place
from console.tui.state import Known
from console.tui.widgets.framed import Framed
from console.tui.widgets.painted import Drawn

LOOKED_AT = 20_000
"""How far back in the log warnings are looked for."""
KEPT = 60
"""More than a screen has room for: it may grow."""


class WarningStrip(Framed):
    """The newest lines of level warn and above, newest first."""

    def __init__(self, known: Known, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__("Last warnings", id=id)
        self._known = known
        self.empty = (Cell("No warnings in the log."),)
        self._found: list[Entry] = []
        self._seen = 0

    def body(self, width: int, height: int) -> list[Drawn]:
        """As many as there is room for."""
        from console.tui.present.logs import LogLook, entry_lines
        from console.tui.present.services import ordered

        names = tuple(sorted({e.line.service for e in self._newest(height)}))
        stack = self._known.stack.value
        services = tuple(s.name for s in ordered(stack)) if stack else names
        look = LogLook(times="s", services=services, who_width=8)
        lines: list[Line] = [entry_lines(entry, look, width)[0] for entry in self._newest(height)]
        return [Drawn(line) for line in lines]

    def _newest(self, count: int) -> list[Entry]:
        """The newest warnings; only what has been added since the last look is looked at, wherever it was sorted in."""
        book = self._known.logs
        left = min(book.added - self._seen, LOOKED_AT)
        if left:
            fresh: list[Entry] = []
            for entry in reversed(book.entries[-(left + REACH_BACK) :]):
                if entry.seq < self._seen:
                    continue
                if entry.level >= WARN:
                    fresh.append(entry)
                left -= 1
                if not left or len(fresh) >= KEPT:
                    break
            self._seen = book.added
            self._found = sorted(fresh + self._found, key=place, reverse=True)[:KEPT]
        self.meta = (Cell("2 logs", Tone.DIM),) if self._found else ()
        return self._found[:count]
