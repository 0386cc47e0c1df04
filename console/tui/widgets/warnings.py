"""The last warnings and errors of the log, where a screen has room for them."""

from __future__ import annotations

from console.format import Cell, Line, Tone
from console.loglines import WARN
from console.tui.logbook import Entry
from console.tui.state import Known
from console.tui.widgets.framed import Framed
from console.tui.widgets.painted import Drawn

LOOKED_AT = 20_000
"""How far back in the log warnings are looked for."""


class WarningStrip(Framed):
    """The newest lines of level warn and above, newest first."""

    def __init__(self, known: Known, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__("Last warnings", id=id)
        self._known = known
        self.empty = (Cell("No warnings in the log."),)
        self._found: list[Entry] = []
        self._end: Entry | None = None

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
        """The newest warnings; only what has been added since the last look is looked at."""
        entries = self._known.logs.entries
        if entries and entries[-1] is not self._end:
            fresh: list[Entry] = []
            for entry in reversed(entries[-LOOKED_AT:]):
                if entry is self._end or len(fresh) >= count:
                    break
                if entry.level >= WARN:
                    fresh.append(entry)
            self._end = entries[-1]
            self._found = (fresh + self._found)[: max(count, 20)]
        self.meta = (Cell("2 logs", Tone.DIM),) if self._found else ()
        return self._found[:count]
