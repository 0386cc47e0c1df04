"""The log: draws only what is visible of any number of entries, follows the end, and stays put when scrolled.

The place is held by the entry at the top, not by a row number: nothing moves when lines arrive, leave or unfold.
"""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from console.format import Cell, Line, Tone, number, wrap
from console.tui.logbook import Entry, Logbook, LogView
from console.tui.present.logs import LogLook, entry_lines
from console.tui.widgets.framed import thumb_of
from console.tui.widgets.painted import Drawn, Ground, Painted, pad_line


class LogPane(Painted, can_focus=True):
    """Shows a LogView. `refreshed` after it has changed."""

    PLACE = "log"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "next line", show=False),
        Binding("k,up", "move(-1)", "previous line", show=False),
        Binding("pagedown,ctrl+d", "page(1)", "page down", show=False),
        Binding("pageup,ctrl+u", "page(-1)", "page up", show=False),
        Binding("g,home", "first", "oldest line", show=False),
        Binding("G,end", "follow", "newest line, follow", show=False),
    ]

    class Acted(Message):
        """Posted when the reader moved, so that what is said about the log can follow. `note`: what came of it."""

        def __init__(self, note: str = "") -> None:
            super().__init__()
            self.note = note

    def __init__(self, book: Logbook, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.view = LogView(book)
        self.look = LogLook()
        self.following = True
        self.empty = "No log lines yet."
        self.broken = False
        self._cursor: Entry | None = None
        self._top: Entry | None = None
        self._skip = 0
        self._seen: Entry | None = None
        self._map: list[Entry | None] = []

    @property
    def entry(self) -> Entry | None:
        """The entry under the cursor: the next one where the filter hides it or it has been dropped."""
        entries = self.view.entries
        if not entries:
            return None
        return entries[-1 if self.following else self._index()]

    def _index(self) -> int:
        return max(0, min(self.view.position(self._cursor), len(self.view.entries) - 1)) if self._cursor else 0

    def refreshed(self) -> None:
        """The view has changed: draw what is visible of it."""
        self.repaint()

    # --- drawing

    def build(self, width: int, height: int) -> list[Drawn]:
        """The visible entries and, below them, whether the log is being followed."""
        entries = self.view.entries
        rows = height - 1
        inner = width - 3
        if not entries:
            self._map = []
            tone = Tone.BAD if self.broken else Tone.DIM
            lines = [Drawn((Cell(f"   {part}", tone),)) for part in wrap(self.empty, inner)][:rows]
            return [*lines, *[Drawn(())] * (rows - len(lines)), self._rule(width)]
        drawn = self._from_end(entries, inner, rows) if self.following else self._from_top(entries, inner, rows)
        first = self.view.position(drawn[0][0]) if drawn else 0
        start, length = thumb_of(len(entries), min(rows, len(drawn)), first, rows)
        current = self.entry
        self._map = []
        out: list[Drawn] = []
        for y in range(rows):
            edge = Cell("┃" if start <= y < start + length else " ", Tone.FRAME)
            if y >= len(drawn):
                out.append(Drawn((Cell(" " * (width - 1)), edge)))
                continue
            entry, line, number_in_entry = drawn[y]
            self._map.append(entry)
            here = entry is current and not self.following
            lit = here and not number_in_entry
            gutter = ("▌" if here else " ") + ("◆" if entry.marked and not number_in_entry else " ")
            ground = Ground.PLAIN if not lit else Ground.CURSOR if self.has_focus else Ground.CURSOR_AWAY
            out.append(Drawn((Cell(gutter, Tone.KEY), *pad_line(line, inner), edge), ground))
        return [*out, self._rule(width)]

    def _from_end(self, entries: list[Entry], width: int, rows: int) -> list[tuple[Entry, Line, int]]:
        out: list[tuple[Entry, Line, int]] = []
        index = len(entries)
        while index and len(out) < rows:
            index -= 1
            lines = entry_lines(entries[index], self.look, width)
            out[:0] = [(entries[index], line, i) for i, line in enumerate(lines)]
        out = out[-rows:]
        self._top, self._skip = (out[0][0], out[0][2]) if out else (None, 0)
        return out

    def _from_top(self, entries: list[Entry], width: int, rows: int) -> list[tuple[Entry, Line, int]]:
        index = self.view.position(self._top) if self._top else 0
        index = min(index, len(entries) - 1)
        if self._top is not entries[index]:
            self._skip = 0
        out: list[tuple[Entry, Line, int]] = []
        skip = self._skip
        while index < len(entries) and len(out) < rows:
            lines = entry_lines(entries[index], self.look, width)
            out += [(entries[index], line, i) for i, line in enumerate(lines)][skip:]
            skip = 0
            index += 1
        if len(out) < rows:
            return self._from_end(entries, width, rows)
        return out[:rows]

    def _rule(self, width: int) -> Drawn:
        if self.broken:
            text: Line = (Cell(" nothing to follow ", Tone.BAD),)
        elif self.following:
            text = (Cell(" following ", Tone.OK),)
        else:
            new = self._new()
            fresh = (Cell(f"{number(new)} new · ", Tone.ACCENT),) if new else ()
            text = (Cell(" following stopped · ", Tone.WARN), *fresh, Cell("G to follow ", Tone.DIM))
        used = sum(len(c.text) for c in text)
        return Drawn((Cell("─" * max(width - used - 1, 0), Tone.RULE), *text, Cell("─", Tone.RULE)))

    def _new(self) -> int:
        entries = self.view.entries
        return max(0, len(entries) - 1 - self.view.position(self._seen)) if self._seen and entries else 0

    # --- moving

    def _hold(self) -> None:
        """Stop following; the place stays as it is."""
        if self.following and self.view.entries:
            self._cursor = self._seen = self.view.entries[-1]
            self.following = False

    def _reveal(self, index: int) -> None:
        """Put the cursor on the entry at `index` of the view, scrolling no further than needed."""
        if entries := self.view.entries:
            self._cursor = entries[max(0, min(index, len(entries) - 1))]
            self._bring_up(self._index())
            self.post_message(self.Acted())

    def keep_in_sight(self) -> None:
        """Other lines are between top and cursor, or lines have another height: the cursor's line stays visible."""
        if not self.following and self.view.entries:
            self._bring_up(self._index())

    def on_resize(self, _event: events.Resize) -> None:
        """Keep the cursor in sight."""
        self.keep_in_sight()

    def _bring_up(self, index: int) -> None:
        entries = self.view.entries
        top = self.view.position(self._top) if self._top else 0
        rows, width = max(self.size.height - 1, 1), self.size.width - 3
        if index < top or (index == top and self._skip):
            self._top, self._skip = entries[index], 0
        else:
            self._top, self._skip = self._bottomed(entries, index, width, rows, top)
        self.repaint()

    def _bottomed(self, entries: list[Entry], index: int, width: int, rows: int, top: int) -> tuple[Entry, int]:
        """The place at which the entry at `index` ends on the last row, or the present one if that shows it."""
        left = rows
        at = index
        while True:
            height = len(entry_lines(entries[at], self.look, width))
            if height >= left or at == 0:
                skip = max(0, height - left) if at != index else 0
                break
            left -= height
            at -= 1
        if at < top or (at == top and skip < self._skip):
            return (entries[top], self._skip)
        return (entries[at], skip)

    def action_move(self, step: int) -> None:
        """Move the cursor; past the last line the log is followed again."""
        entries = self.view.entries
        if not entries:
            return
        if self.following and step > 0:
            return
        self._hold()
        index = self._index() + step
        if index >= len(entries):
            self.action_follow()
        else:
            self._reveal(index)

    def action_page(self, direction: int) -> None:
        """Move by what is visible."""
        entries = self.view.entries
        if not entries or (self.following and direction > 0):
            return
        self._hold()
        index = self._index()
        step = max(len({id(e) for e in self._map}) - 1, 1)
        if index + direction * step >= len(entries):
            self.action_follow()
        else:
            self._reveal(index + direction * step)

    def action_first(self) -> None:
        """Go to the oldest line."""
        self._hold()
        self._top, self._skip = None, 0
        self._reveal(0)

    def action_follow(self) -> None:
        """Go to the newest line and follow."""
        self.following = True
        self._seen = None
        self.repaint()
        self.post_message(self.Acted())

    def action_fold(self) -> None:
        """Unfold the line under the cursor, or fold it again."""
        self._hold()
        if entry := self.entry:
            entry.unfolded = not entry.unfolded
            self._reveal(self._index())

    def action_mark(self) -> None:
        """Mark the line under the cursor, or take the mark away."""
        self._hold()
        if entry := self.entry:
            entry.marked = not entry.marked
            self.repaint()
            self.post_message(self.Acted())

    def action_find(self, direction: int) -> None:
        """Go to the next line that matches the pattern; without a pattern, to the next mark."""
        entries = self.view.entries
        if not entries:
            return
        self._hold()
        regex = self.look.regex
        index = self._index() + direction
        while 0 <= index < len(entries):
            entry = entries[index]
            if entry.marked if regex is None else regex.search(entry.line.text, 0, 4_000):
                self._reveal(index)
                return
            index += direction
        self.post_message(self.Acted("no further match" if regex else "no further mark"))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the line; a click on the cursor's line unfolds it; on the last line of the pane: follow."""
        if event.y >= self.size.height - 1:
            self.action_follow()
        elif event.y < len(self._map) and (entry := self._map[event.y]) is not None:
            again = entry is self.entry and not self.following
            self._hold()
            self._reveal(self.view.position(entry))
            if again:
                self.action_fold()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll; at the end, follow again."""
        event.stop()
        if not self.following:
            self._scroll(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll: follow no more."""
        event.stop()
        self._scroll(-3)

    def _scroll(self, step: int) -> None:
        entries = self.view.entries
        if not entries:
            return
        self._hold()
        if step > 0 and self._map and self._map[-1] is entries[-1]:
            self.action_follow()
            return
        top = self.view.position(self._top) if self._top else 0
        self._top, self._skip = entries[max(0, min(top + step, len(entries) - 1))], 0
        self.repaint()
        if self.entry not in self._map and self._map:
            self._cursor = self._map[0] if step > 0 else self._map[-1]
            self.repaint()
        self.post_message(self.Acted())
