"""Screen 4: the stored leads, found as you type; one of them with its answers and its way here."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from api.models import Lead, LeadDetails
from console.format import Cell, Tone, number, safe, took
from console.tui.present import leads as lead_view
from console.tui.present.grid import Listed
from console.tui.present.search import HINT
from console.tui.screens.leadlist import LeadList
from console.tui.screens.leadverbs import LeadVerbs
from console.tui.state import Kind, Kinds, Known
from console.tui.widgets.board import Board
from console.tui.widgets.lines import OneLine
from console.tui.widgets.prompt import Prompt
from console.tui.widgets.table import Table


class Leads(LeadVerbs):
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
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search"),
        Binding("f", "filters", "filters"),
        Binding("t", "trace", "trace"),
        Binding("v", "reveal", "reveal"),
        Binding("l", "logs", "logs"),
        Binding("x", "export", "export"),
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
        self._wanted: Lead | None = None

    def content(self) -> ComposeResult:
        """What is searched for, the list, the details."""
        yield self.bar
        with Horizontal(id="lead-panels"):
            yield self.table
            yield self.board

    def on_mount(self) -> None:
        """Read the first page."""
        self.leads = LeadList(
            self,
            self.known,
            self.leads_app.sources.leads,
            changed=self._draw,
            detailed=self._draw_details,
            pinned=lambda: {self.table.key} if self.table.held and self.table.key else (),
        )
        self.leads.reload()
        self.table.focus()

    # --- drawing

    def show(self, kinds: Kinds | None) -> None:
        """The list is read again when leads have been stored."""
        if kinds is not None and Kind.LEADS in kinds and (self.leads.refresh() or self.leads.details_error):
            self._want_details(again=True)
        if kinds is None or Kind.LEADS in kinds:
            self._draw()

    def tick(self) -> None:
        """A second has passed: a replay may have written a row over."""
        super().tick()
        if self.ready and self.leads.refresh():
            self._want_details(again=True)

    def on_screen_resume(self) -> None:
        """Leads may have been stored, and this one replayed, while another screen was looked at."""
        if self.ready:
            self.leads.refresh()
            self._want_details(again=True)

    def when_listed(self, do: Callable[[], None]) -> None:
        """Call `do` once leads are listed."""
        self.when_ready(lambda: self.leads.when_loaded(do))

    def read_again(self) -> None:
        """Read the list and the details anew."""
        self.leads.read_again()
        self._want_details(again=True)

    def _draw(self) -> None:
        leads, known, table, now = self.leads, self.known, self.table, self.known.now()
        store = known.leads.value
        table.health = leads.health
        table.empty = (
            Cell(
                f"No lead matches {safe(leads.text, 80)}. Esc clears the search."
                if leads.text
                else lead_view.none_yet(known.read_only)
            ),
        )
        shown = f"{number(len(leads.leads))}{'+' if leads.more else ''} shown"
        newer = (Cell("g shows newer ones", Tone.WARN), Cell(" · ", Tone.DIM)) if leads.behind else ()
        table.foot = (*newer, Cell(shown, Tone.DIM)) if leads.leads else ()
        table.meta = (Cell(f"{number(store.today)} today · {number(store.total)} in all", Tone.DIM),) if store else ()
        revealed = known.revealed
        listed = leads.leads
        ids = [str(lead.id) for lead in listed]
        table.show(Listed(ids, lambda n: lead_view.lead_row(listed[n], now, revealed=ids[n] in revealed)))
        self._go_on()
        said = Cell(f" /{safe(leads.text, 120)}", Tone.ACCENT) if leads.text else Cell(f" / {HINT}", Tone.DIM)
        note = (Cell(f"   {safe(leads.notice, 120)}", Tone.WARN),) if leads.notice else ()
        self.bar.show((said, *note))
        self._draw_details()

    def _go_on(self) -> None:
        """To the lead that was asked for; one that is not among the newest is searched for."""
        if self._wanted is None or not self.leads.settled:
            return
        if self.table.move_to(str(self._wanted.id)) or self.leads.text:
            self._wanted = None
        else:
            self.leads.search(self._wanted.job_id)

    def _draw_details(self) -> None:
        board = self.board
        lead = self.current()
        if lead is None or not board.display:
            board.title, board.meta = "", ()
            board.show(lambda _width, _height: ())
            return
        self._want_details()
        revealed = str(lead.id) in self.known.revealed
        found = self.leads.details if self.leads.details and self.leads.details_of == str(lead.id) else None
        shown = found or LeadDetails(lead)
        board.title = lead_view.title(lead, revealed=revealed)
        delivery = found.deliveries[-1] if found and found.deliveries else None
        ended = f"{delivery.outcome} in {took(delivery.took_s)}" if delivery else ""
        board.meta = (Cell(ended, Tone.OK),) if ended else ()
        waiting = found is None
        error = self.leads.details_error
        board.show(
            lambda width, _height: lead_view.details(shown, width, revealed=revealed, waiting=waiting, error=error)
        )

    def redraw(self) -> None:
        """Draw the list and the details."""
        self._draw()

    def on_table_moved(self, message: Table.Moved) -> None:
        """Another lead: its details; near the end: more of the list."""
        self.board.to_top()
        self._draw_details()
        if self.leads.behind and not self.table.held:
            self.leads.reload()
        elif message.key in self.table.keys[-15:]:
            self.leads.load_more()

    def current(self) -> Lead | None:
        """The lead that was asked for, on its way into the list, else the one under the cursor."""
        return self._wanted or super().current()

    def _want_details(self, *, again: bool = False) -> None:
        lead = self.current()
        if lead is not None and self.board.display:
            self.leads.read_details(str(lead.id), again=again)

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
            self.call_after_refresh(self._draw_details)

    def open(self, lead: Lead) -> None:
        """Show one lead's details, and its place in the list."""
        self.leads.search("")
        if not self.leads.answers or not self.table.move_to(str(lead.id)):
            self._wanted = lead
            self.leads.reload()
        self.add_class("-reading")
        self.board.focus()
        self.leads.read_details(str(lead.id), again=True)
        self._draw_details()

    # --- searching

    def action_search(self) -> None:
        """Type what to look for."""
        self.prompt("/", self.leads.text, hint=HINT, purpose="leads")

    def on_prompt_typed(self, message: Prompt.Typed) -> None:
        """Search while typing; the newest wins."""
        if message.prompt.purpose != "leads":
            return
        self.leads.search(message.text.strip())

    def on_prompt_ended(self, message: Prompt.Ended) -> None:
        """Enter keeps what was typed, Escape what was there before."""
        message.stop()
        self.close_prompt()
        if message.prompt.purpose == "export":
            self.export(message)
            return
        self.leads.search(message.text.strip())
        self._draw()

    def action_back(self) -> None:
        """Back from the details, else clear the search."""
        if self.has_class("-reading"):
            self.remove_class("-reading")
            self._wanted = None
            self.table.focus()
            self.call_after_refresh(self._draw)
        elif self.leads.text:
            self.leads.search("")
            self._draw()
        else:
            self.table.action_end(-1)

    def action_again(self) -> None:
        """Read again now."""
        self.leads_app.action_read_now()
