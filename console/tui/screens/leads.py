"""Screen 4: the stored leads, found as you type; one of them with its answers and its way here."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from api.models import Lead, LeadDetails
from console.format import Cell, Tone, number, safe, took
from console.ports import Action, Verb
from console.tui.present import leads as lead_view
from console.tui.present.search import HINT
from console.tui.screens.leadlist import LeadList
from console.tui.screens.page import Page
from console.tui.state import Kind, Known
from console.tui.widgets.board import Board
from console.tui.widgets.lines import OneLine
from console.tui.widgets.prompt import Prompt
from console.tui.widgets.table import Table

NO_LEADS = "No leads yet. Send a test one: leadsctl send (or press T)."


class Leads(Page):
    """See the module."""

    NAME = "leads"
    CSS = """
    #lead-panels { height: 1fr; }
    #leads { width: 1fr; }
    #lead { display: none; width: 1fr; }
    Leads.-wide #lead, Leads.-huge #lead { display: block; width: 46%; }
    Leads.-narrow.-reading #lead, Leads.-wide.-reading #lead, Leads.-huge.-reading #lead {
        display: block; width: 1fr;
    }
    Leads.-narrow.-reading #leads { display: none; }
    Leads.-wide.-reading #leads, Leads.-huge.-reading #leads { width: 34%; }
    """
    CHANGING = frozenset({"send"})

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search"),
        Binding("v", "reveal", "reveal"),
        Binding("l", "logs", "logs"),
        Binding("T", "send", "send a test lead"),
        Binding("r", "again", "read again", show=False),
        Binding("c", "copy", "copy the lead's id", show=False),
        Binding("escape", "back", "back, clear", show=False),
    ]

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self.bar = OneLine(id="lead-bar")
        self.table = Table("Leads", lead_view.COLUMNS, follow_top=True, lasting=True, id="leads")
        self.board = Board(id="lead")
        self._wanted = ""

    def content(self) -> ComposeResult:
        """What is searched for, the list, the details."""
        yield self.bar
        with Horizontal(id="lead-panels"):
            yield self.table
            yield self.board

    def on_mount(self) -> None:
        """Read the first page."""
        self._list = LeadList(self, self.known, self.leads_app.sources.leads, self._draw, self._draw_details)
        self._list.reload()
        self.table.focus()

    # --- drawing

    def show(self, kind: Kind | None) -> None:
        """The list is read again when leads have been stored."""
        if kind is Kind.LEADS:
            self._list.refresh()
        if kind in (None, Kind.LEADS):
            self._draw()

    def read_again(self) -> None:
        """Read the list anew."""
        self._list.reload()

    def _draw(self) -> None:
        leads, known, table, now = self._list, self.known, self.table, self.known.now()
        store = known.leads.value
        table.health = leads.health
        table.empty = (
            Cell(f"No lead matches {safe(leads.text, 80)}. Esc clears the search." if leads.text else NO_LEADS),
        )
        table.foot = (
            (Cell(f"{number(len(leads.leads))}{'+' if leads.more else ''} shown", Tone.DIM),) if leads.leads else ()
        )
        table.meta = (Cell(f"{number(store.today)} today · {number(store.total)} in all", Tone.DIM),) if store else ()
        revealed = known.revealed
        table.show([lead_view.lead_row(x, now, revealed=str(x.id) in revealed) for x in leads.leads])
        if self._wanted and table.move_to(self._wanted):
            self._wanted = ""
        said = Cell(f" /{safe(leads.text, 120)}", Tone.ACCENT) if leads.text else Cell(f" / {HINT}", Tone.DIM)
        note = (Cell(f"   {safe(leads.notice, 120)}", Tone.WARN),) if leads.notice else ()
        self.bar.show((said, *note))
        self._draw_details()

    def _draw_details(self) -> None:
        board = self.board
        lead = self._current()
        if lead is None or not board.display:
            board.title, board.meta = "", ()
            board.show(lambda _width, _height: ())
            return
        revealed = str(lead.id) in self.known.revealed
        found = self._list.details if self._list.details and self._list.details_of == str(lead.id) else None
        shown = found or LeadDetails(lead)
        board.title = lead_view.title(lead, revealed=revealed)
        delivery = found.deliveries[-1] if found and found.deliveries else None
        ended = f"{delivery.outcome} in {took(delivery.took_s)}" if delivery else ""
        board.meta = (Cell(ended, Tone.OK),) if ended else ()
        waiting = found is None
        error = self._list.details_error
        board.show(
            lambda width, _height: lead_view.details(shown, width, revealed=revealed, waiting=waiting, error=error)
        )

    def _current(self) -> Lead | None:
        return self._list.by_id(self.table.key)

    def on_table_moved(self, message: Table.Moved) -> None:
        """Another lead: its details; near the end: more of the list."""
        self.board.to_top()
        self._want_details()
        self._draw_details()
        rows = self.table.rows
        if rows and message.key in {row.key for row in rows[-15:]}:
            self._list.load_more()

    def _want_details(self) -> None:
        if self.table.key and self.board.display:
            self._list.read_details(self.table.key)

    def on_table_opened(self, message: Table.Opened) -> None:
        """Enter: read the details in full."""
        message.stop()
        self.action_read()

    def action_read(self) -> None:
        """Read the lead under the cursor in full."""
        if self.table.key:
            self.table.hold()
            self.add_class("-reading")
            self.board.focus()
            self._want_details()
            self.call_after_refresh(self._draw_details)

    def open(self, lead_id: str) -> None:
        """Show one lead's details, as soon as it is listed."""
        self._list.search("")
        if not self.table.move_to(lead_id):
            self._wanted = lead_id
            self._list.reload()
        self.add_class("-reading")
        self.board.focus()
        self._list.read_details(lead_id)

    # --- searching

    def action_search(self) -> None:
        """Type what to look for."""
        self.prompt("/", self._list.text, hint=HINT, purpose="leads")

    def on_prompt_typed(self, message: Prompt.Typed) -> None:
        """Search while typing; the newest wins."""
        self._list.search(message.text.strip())

    def on_prompt_ended(self, message: Prompt.Ended) -> None:
        """Enter keeps what was typed, Escape what was there before."""
        message.stop()
        self.close_prompt()
        self._list.search(message.text.strip())
        self._draw()

    def action_back(self) -> None:
        """Back from the details, else clear the search."""
        if self.has_class("-reading"):
            self.remove_class("-reading")
            self.table.focus()
            self.call_after_refresh(self._draw)
        elif self._list.text:
            self._list.search("")
            self._draw()
        else:
            self.table.action_end(-1)

    def action_again(self) -> None:
        """Read again now."""
        self.leads_app.action_read_now()

    # --- verbs

    def action_reveal(self) -> None:
        """Show the personal data of the lead under the cursor, or mask it again. Showing it is recorded."""
        key = self.table.key
        if not key:
            return
        self.table.hold()
        if key in self.known.revealed:
            self.known.revealed.discard(key)
            self._draw()
        else:
            self.leads_app.reveal(key, f"lead {key}", self._draw)

    def action_logs(self) -> None:
        """Show the log lines that mention the lead."""
        lead = self._current()
        if lead is not None:
            self.leads_app.open_logs_of(lead.job_id, lead.external_id)

    def action_send(self) -> None:
        """Send a signed test webhook."""
        self.act(Action(Verb.SEND), "send a test lead")

    def action_copy(self) -> None:
        """Copy the sender's id of the lead."""
        lead = self._current()
        if lead is not None:
            text = safe(lead.external_id, 200)
            self.app.copy_to_clipboard(text)
            self.app.notify(f"Copied {text}", markup=False)
