"""Screen 6: what was done in this session, what came to pass, what should be known."""

from __future__ import annotations

from textual.app import ComposeResult

from console.format import Cell, Line, Tone, age, clock, moment, number, safe, wrap
from console.tui.present import activity as activity_view
from console.tui.screens.page import Page
from console.tui.state import Kind, Known
from console.tui.widgets.board import Board
from console.tui.widgets.table import Table


class Activity(Page):
    """See the module."""

    NAME = "activity"
    CSS = """
    #notices { height: 6; }
    #activity { height: 1fr; }
    """

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self.notices = Board("Notices", id="notices")
        self.table = Table("Activity", activity_view.COLUMNS, follow_top=True, id="activity")

    def content(self) -> ComposeResult:
        """Notices above, activity below."""
        yield self.notices
        yield self.table

    def on_mount(self) -> None:
        """The list has the focus."""
        self.table.focus()
        self.show(None)

    def show(self, kind: Kind | None) -> None:
        """Everything: it is little."""
        known, now = self.known, self.known.now()
        table, notices = self.table, self.notices
        table.empty = (Cell("Nothing has happened since the console was opened."),)
        table.show(activity_view.activity_rows(known.happenings, known.doing.values(), now))
        notices.health = known.health(Kind.QUEUE)
        queue = known.queue.value
        notices.empty = (Cell("No notices. Workers put here what an operator should know."),)

        def lines(width: int, _height: int) -> list[Line]:
            found: list[Line] = []
            for notice in queue.notices if queue else ():
                since, last = moment(notice.first_at, now), age(now - notice.last_at)
                tail = f" · {number(notice.count)}× since {since}, last {last} ago"
                parts = wrap(safe(notice.text, 300) + tail, width - 2)
                found += [(Cell("◐ " if not i else "  ", Tone.WARN), Cell(p)) for i, p in enumerate(parts)]
            return found

        notices.show(lines)

    def on_table_opened(self, message: Table.Opened) -> None:
        """Enter: the whole text."""
        message.stop()
        self.action_read()

    def action_read(self) -> None:
        """Read one entry in full."""
        key = self.table.key
        found = next((h for h in self.known.happenings if str(h.id) == key), None)
        if found is None:
            return
        from console.tui.screens.reader import Reader

        def lines(width: int, _height: int) -> list[Line]:
            head = (
                Cell(f"{clock(found.at)}  {found.source}  {found.what}  ", Tone.DIM),
                Cell(found.target, Tone.STRONG),
            )
            return [head, (), *((Cell(part, found.tone),) for part in wrap(found.text or "–", width))]

        self.app.push_screen(Reader("Activity", lines))
