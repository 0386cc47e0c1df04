"""Screen 6: what operators did, what came to pass, what should be known."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from console.format import Cell, Line, Tone, age, clock, moment, number, safe, wrap
from console.poller import one_line
from console.tui.present import activity as activity_view
from console.tui.screens.page import Page
from console.tui.state import Happening, Kind, Kinds, Known
from console.tui.widgets.board import Board
from console.tui.widgets.prompt import Prompt
from console.tui.widgets.table import Table
from console.tui.work import begin

NOTHING = "Nothing has happened yet."
SHOWN = 500
"""Recorded actions that are listed."""
EVERY_S = 10.0
TIMEOUT_S = 5.0


class Activity(Page):
    """See the module."""

    NAME = "activity"
    CSS = """
    #notices { height: 6; }
    Activity.-flat #notices { height: 4; }
    Activity.-tiny #larger { display: block; }
    Activity.-tiny #notices { display: none; }
    #activity { height: 1fr; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter"),
        Binding("r", "again", "read again"),
        Binding("escape", "back", "clear the filter", show=False),
    ]

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self._recorded: tuple[Happening, ...] = ()
        self._count = 0
        self._error = ""
        self._text = ""
        self._read_at = 0.0
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

    def on_screen_resume(self) -> None:
        """Others may have done something meanwhile."""
        self.read_again()

    def tick(self) -> None:
        """Now and then the record is read again."""
        super().tick()
        if self.known.now() - self._read_at > EVERY_S:
            self.read_again()

    def read_again(self) -> None:
        """Read what operators did."""
        self._read_at = self.known.now()
        begin(self, self._read, "record", exclusive=True)

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                actions = await self.leads_app.sources.leads.actions(SHOWN)
        except TimeoutError:
            self._error = "Postgres takes too long to tell"
        except Exception as error:  # noqa: BLE001 - said at the list's foot; what was read before stays
            self._error = one_line(error)
        else:
            self._error = ""
            self._count = len(actions)  # those too that stand here as what was done from here
            self._recorded = tuple(activity_view.recorded(actions, self.known.happenings))
        self.show(None)

    def _found(self) -> list[Happening]:
        return activity_view.matching((*self.known.happenings, *self._recorded), self._text)

    def show(self, kinds: Kinds | None) -> None:
        """Everything: it is little."""
        known, now = self.known, self.known.now()
        table, notices = self.table, self.notices
        empty = f"Nothing matches {safe(self._text, 80)}. Esc clears the filter." if self._text else NOTHING
        table.empty = (Cell(empty),)
        table.meta = (Cell(f"/{safe(self._text, 60)}", Tone.ACCENT),) if self._text else ()
        trouble = (Cell(f"✖ what operators did: {safe(self._error, 120)}", Tone.BAD),)
        table.foot = trouble if self._error else (Cell(f"{number(self._count)} recorded by operators", Tone.DIM),)
        doing = () if self._text else known.doing.values()
        table.show(activity_view.activity_rows(self._found(), doing, now))
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
        found = next((h for h in self._found() if str(h.id) == key), None)
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

    # --- the filter

    def action_filter(self) -> None:
        """Show only what has these words."""
        self.prompt("/", self._text, hint="words of who, what, target or result", purpose="filter")

    def on_prompt_typed(self, message: Prompt.Typed) -> None:
        """Filter while typing."""
        self._text = message.text.strip()
        self.show(None)

    def on_prompt_ended(self, message: Prompt.Ended) -> None:
        """Enter keeps what was typed, Escape what was there before."""
        message.stop()
        self.close_prompt()
        self._text = message.text.strip()
        self.show(None)

    def action_again(self) -> None:
        """Read everything now."""
        self.leads_app.action_read_now()

    def action_back(self) -> None:
        """Clear the filter, else go to the newest."""
        if self._text:
            self._text = ""
            self.show(None)
        else:
            self.table.action_end(-1)
