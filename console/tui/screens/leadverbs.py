"""The verbs of screen 4: on the lead under the cursor, and on all that are listed."""

from __future__ import annotations

from api.models import Lead
from console.format import safe
from console.ports import Action, Verb
from console.tui.exporting import Exporting, default_name
from console.tui.present.search import lead_filter, parts, searched
from console.tui.screens.leadlist import LeadList
from console.tui.screens.page import Page
from console.tui.widgets.prompt import Prompt
from console.tui.widgets.table import Table


class LeadVerbs(Page):
    """What can be done to the leads of `table`, which shows `leads`."""

    CHANGING = frozenset({"send"})

    leads: LeadList
    table: Table

    def redraw(self) -> None:
        """Draw the list and the details."""
        raise NotImplementedError

    def current(self) -> Lead | None:
        """The lead under the cursor."""
        return self.leads.by_id(self.table.key)

    def action_trace(self) -> None:
        """Follow the lead from its request to its row."""
        lead = self.current()
        if lead is not None:
            self.table.hold()
            self.leads_app.open_trace(str(lead.id))

    def action_filters(self) -> None:
        """Narrow by source, form, page, campaign, status and day, in a box."""
        from console.tui.screens.filters import Filters

        known = self.leads.leads
        offers = {
            "source": {lead.source for lead in known},
            "form": {lead.form_name or lead.form_id for lead in known},
            "page": {lead.page_name or lead.page_id for lead in known},
            "campaign": {lead.campaign_name or lead.campaign_id for lead in known},
            "status": {lead.status for lead in known},
            "day": {"today", "yesterday"},
        }

        def chosen(values: dict[str, str] | None) -> None:
            if values is not None:
                self.leads.search(searched(values))
                self.redraw()

        self.app.push_screen(Filters(parts(self.leads.text), offers), chosen)

    def action_export(self) -> None:
        """Ask for a file; all leads that match are written there."""
        hint = "a .csv or .jsonl file; --reveal after it: personal data in full"
        self.prompt("export to ", default_name("leads", self.known.now()), hint=hint, purpose="export")

    def export(self, message: Prompt.Ended) -> None:
        """The file's name has been typed, or not."""
        if message.kept and message.text.strip():
            where = lead_filter(self.leads.text, self.known.now())
            store = self.known.leads.value
            total = store.total if store and not self.leads.text else 0
            exporting = Exporting(self.leads_app, self.leads_app.sources.leads, where, total)
            exporting.begin(message.text)

    def action_reveal(self) -> None:
        """Show the personal data of the lead under the cursor, or mask it again. Showing it is recorded."""
        lead = self.current()
        if lead is None:
            return
        key = str(lead.id)
        self.table.hold()
        if key in self.known.revealed:
            self.known.revealed.discard(key)
            self.redraw()
        else:
            self.leads_app.reveal(key, f"lead {key}", self.redraw)

    def action_logs(self) -> None:
        """Show the log lines that mention the lead."""
        lead = self.current()
        if lead is not None:
            self.leads_app.open_logs_of(lead.job_id, lead.external_id)

    def action_send(self) -> None:
        """Send a signed test webhook."""
        self.act(Action(Verb.SEND), "send a test lead")

    def action_copy(self) -> None:
        """Copy the sender's id of the lead."""
        lead = self.current()
        if lead is not None:
            text = safe(lead.external_id, 200)
            self.app.copy_to_clipboard(text)
            self.app.notify(f"Copied {text}", markup=False)
