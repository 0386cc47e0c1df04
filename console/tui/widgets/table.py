"""A table of rows known by key: the cursor stays on its row whatever arrives, and only rows that changed are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from console.format import Cell, Line, Tone, fit
from console.tui.present.grid import Column, Listed, Row
from console.tui.widgets.framed import Framed, thumb_of
from console.tui.widgets.painted import Drawn, Ground
from console.tui.widgets.selection import Selection


class Table(Framed, can_focus=True):
    """Rows with a cursor.

    `follow_top` keeps the cursor at the first row until the reader moves it; `lasting` shows it without the focus, too;
    `opens` is whether a row can be entered.
    """

    PLACE = "lists"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "next row", show=False),
        Binding("k,up", "move(-1)", "previous row", show=False),
        Binding("g,home", "end(-1)", "first row", show=False),
        Binding("G,end", "end(1)", "last row", show=False),
        Binding("pagedown,ctrl+d", "page(1)", "page down", show=False),
        Binding("pageup,ctrl+u", "page(-1)", "page up", show=False),
        Binding("enter", "open", "details", key_display="enter"),
        Binding("shift+down", "extend(1)", "select down", show=False),
        Binding("shift+up", "extend(-1)", "select up", show=False),
        Binding("V", "span", "select a range", show=False),
        Binding("ctrl+a", "select_all", "select all shown", show=False),
    ]

    class Moved(Message):
        """Posted when the cursor stands on another row (`key` "" when there is none)."""

        def __init__(self, table: Table, key: str) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> Table:
            """The table."""
            return self.table

    class Chose(Moved):
        """Posted when other rows are selected."""

    class Opened(Moved):
        """Posted when a row is entered: Enter, or a click on the row under the cursor."""

    def __init__(
        self,
        title: str,
        columns: Sequence[Column],
        *,
        header: bool = True,
        follow_top: bool = False,
        gap: int = 2,
        selectable: bool = False,
        lasting: bool = False,
        opens: bool = True,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
    ) -> None:
        super().__init__(title, id=id, classes=classes)
        self.columns = tuple(columns)
        self.header = header
        self.follow_top = follow_top
        self.gap = gap
        self.selectable = selectable
        self.lasting = lasting
        self.opens = opens
        self.selection = Selection()
        self._rows: Sequence[Row] = ()
        self._keys: list[str] = []
        self._index: dict[str, int] = {}
        self._cursor = 0
        self._held = not follow_top
        self._offset = 0

    # --- what it shows

    @property
    def rows(self) -> Sequence[Row]:
        """The rows as last shown."""
        return self._rows

    @property
    def key(self) -> str:
        """The key of the row under the cursor, "" without rows."""
        return self._keys[self._cursor] if self._keys else ""

    @property
    def keys(self) -> Sequence[str]:
        """The keys of the rows as last shown."""
        return self._keys

    @property
    def held(self) -> bool:
        """Whether the cursor keeps to its row rather than to the first."""
        return self._held

    def show(self, rows: Sequence[Row]) -> None:
        """Show these rows. The cursor stays on its row, at its height; if the row is gone, on the one in its place."""
        before, old = self.key, self._cursor
        self._rows = rows
        self._keys = rows.keys if isinstance(rows, Listed) else [row.key for row in rows]
        self._index = {key: index for index, key in enumerate(self._keys)}
        self.selection.keep(self._index.keys())
        if self._held and before in self._index:
            self._cursor = self._index[before]
            self._offset += self._cursor - old
        elif not self._held:
            self._cursor = 0
        self._cursor = max(0, min(self._cursor, len(self._rows) - 1))
        self._settle()
        if self.key != before:
            self.post_message(self.Moved(self, self.key))

    def move_to(self, key: str) -> bool:
        """Put the cursor on the row `key`; False if it is not there."""
        if key not in self._index:
            return False
        self._go(self._index[key])
        return True

    def hold(self) -> None:
        """Keep the cursor on its row from now on, also in a live list: somebody is busy with it."""
        self._held = True

    @property
    def selected(self) -> set[str]:
        """The keys of the selected rows."""
        return self.selection.keys

    def _chosen(self) -> None:
        self.repaint()
        self.post_message(self.Chose(self, self.key))

    def body(self, width: int, height: int) -> list[Drawn]:
        """Header and visible rows."""
        if not self._rows:
            return []
        widths = self._widths(width)
        lines: list[Drawn] = []
        if self.header:
            titles = tuple(Cell(column.title, Tone.DIM) for column in self.columns)
            lines.append(Drawn((Cell("  " if self.selectable else " "), *self._laid(titles, widths))))
        for index in range(self._offset, min(self._offset + self._shown(height), len(self._rows))):
            row = self._rows[index]
            here = index == self._cursor
            away = Ground.CURSOR_AWAY if self.lasting else Ground.PLAIN
            ground = Ground.PLAIN if not here else Ground.CURSOR if self.has_focus else away
            text = "▌" if here and self.has_focus else " "
            if self.selectable:
                text += "◆" if row.key in self.selected else " "
            mark = Cell(text, Tone.KEY)
            lines.append(Drawn((mark, *self._laid(row.cells, widths)), ground))
        return lines

    def thumb(self, height: int) -> tuple[int, int]:
        """Where the visible rows stand among all."""
        return thumb_of(len(self._rows), self._shown(height), self._offset, height)

    def _shown(self, height: int) -> int:
        return max(height - self.header, 1)

    def _widths(self, width: int) -> list[int]:
        width -= 2 if self.selectable else 1
        kept = [c for c in self.columns if width >= c.from_width]
        grow = sum(c.grow for c in kept) or 1
        left = max(width - sum(c.width + self.gap for c in kept) + self.gap, 0)
        return [c.width + left * c.grow // grow if width >= c.from_width else 0 for c in self.columns]

    def _laid(self, cells: Sequence[Cell], widths: Sequence[int]) -> Line:
        laid = []
        gap = " " * self.gap
        for cell, width, column in zip(cells, widths, self.columns, strict=True):
            if width:
                laid.append(Cell(fit(cell.text, width, right=column.right) + gap, cell.tone))
        if laid:
            laid[-1] = Cell(laid[-1].text[: -self.gap], laid[-1].tone)
        return tuple(laid)

    # --- moving

    def _go(self, index: int, *, extending: bool = False) -> None:
        before = self.key
        self._cursor = max(0, min(index, len(self._rows) - 1))
        self._held = True
        if self.selection.span is not None:
            if extending or self.selection.span.lasting:
                self.selection.reach(self._keys, self._cursor)
                self._chosen()
            else:
                self.selection.end()
        self._settle()
        if self.key != before:
            self.post_message(self.Moved(self, self.key))

    def _settle(self) -> None:
        if not self.size.height:  # not laid out yet
            self._offset = 0
            return
        shown = self._shown(max(self.size.height - 2, 1))
        self._offset = max(0, min(self._offset, self._cursor, len(self._rows) - shown))
        self._offset = max(self._offset, self._cursor - shown + 1)
        self.repaint()

    def on_resize(self, _event: events.Resize) -> None:
        """Keep the cursor in sight."""
        self._settle()

    def action_move(self, step: int) -> None:
        """Move the cursor by rows."""
        self._go(self._cursor + step)

    def action_page(self, direction: int) -> None:
        """Move the cursor by what is visible."""
        self._go(self._cursor + direction * max(self._shown(self.size.height - 2) - 1, 1))

    def action_end(self, direction: int) -> None:
        """Go to the first or last row; at the first, a live list follows again."""
        self._go(0 if direction < 0 else len(self._rows) - 1)
        if direction < 0 and self.follow_top:
            self._held = False
            self.post_message(self.Moved(self, self.key))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Rows that hold nothing more are not entered; some are selected only where several can be acted upon."""
        if action in ("extend", "span", "select_all"):
            return self.selectable
        return action != "open" or self.opens

    # --- selecting

    def select(self) -> None:
        """Select the row under the cursor or take it out, or end a range; then go to the next row."""
        if self._rows:
            self.selection.toggle(self.key)
            self._chosen()
            self._go(self._cursor + 1)

    def action_extend(self, step: int) -> None:
        """Select from here to the next row; the other way takes rows out again."""
        if self._rows:
            self.selection.begin(self.key, lasting=False)
            self._go(self._cursor + step, extending=True)

    def action_span(self) -> None:
        """Begin a range that reaches to wherever the cursor goes, or end it."""
        if not self._rows:
            return
        if self.selection.span is not None:
            self.selection.end()
        else:
            self.selection.begin(self.key, lasting=True)
            self.selection.reach(self._keys, self._cursor)
        self._chosen()

    def action_select_all(self) -> None:
        """Select all rows that have been loaded, or none if all are."""
        chosen = set() if self.selected == self._index.keys() else set(self._index)
        self.selection.clear()
        self.selection.keys = chosen
        self._chosen()

    def action_open(self) -> None:
        """Enter the row under the cursor."""
        if self._rows:
            self.hold()
            self.post_message(self.Opened(self, self.key))

    def on_click(self, event: events.Click) -> None:
        """Move to the row that was clicked; a click on the cursor's row enters it."""
        index = self._offset + event.y - 1 - self.header
        if not 0 <= index < len(self._rows) or event.y < 1 + self.header:
            return
        if index == self._cursor and event.chain > 1:
            self.action_open()
        self._go(index)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll by moving the cursor, which stays in sight."""
        event.stop()
        self.action_move(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll by moving the cursor, which stays in sight."""
        event.stop()
        self.action_move(-3)
