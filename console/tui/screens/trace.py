"""One lead on one time line: request, job, attempts, log lines, row. Lies over the screen it was asked for on."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from api.models import Lead
from console.format import Cell, Line, Tone, number, safe
from console.poller import one_line
from console.ports import Action, Verb
from console.trace import JobTrace, Kind, Trace
from console.tui.acting import Question
from console.tui.present import trace as trace_view
from console.tui.present.supply import FRESH, Health, Supply
from console.tui.screens.page import Page
from console.tui.state import Kinds, Known
from console.tui.widgets.lines import OneLine
from console.tui.widgets.table import Table
from console.tui.work import begin

TIMEOUT_S = 40.0


class TracePage(Page):
    """See the module. `wanted`: a lead's id, external id, job id, request id or e-mail address."""

    NAME = "trace"
    CSS = "#trace { height: 1fr; }"
    CHANGING = frozenset({"replay"})

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "again", "read again"),
        Binding("l", "logs", "its logs"),
        Binding("o", "row", "its row"),
        Binding("v", "reveal", "reveal"),
        Binding("P", "replay", "replay"),
        Binding("c", "copy", "copy the job's id", show=False),
        Binding("escape", "back", "back"),
    ]

    def __init__(self, known: Known, wanted: str) -> None:
        super().__init__(known)
        self._wanted = wanted
        self._found: Trace | None = None
        self._error = ""
        self.bar = OneLine(id="trace-bar")
        self.table = Table("Trace", trace_view.COLUMNS, lasting=True, id="trace")

    def content(self) -> ComposeResult:
        """Whose way it is, and the way."""
        yield self.bar
        yield self.table

    def on_mount(self) -> None:
        """Read at once."""
        self.table.focus()
        self.read_again()

    def show(self, kinds: Kinds | None) -> None:
        """A trace is read once; only a change of size draws it anew."""
        if kinds is None:
            self._draw()

    def read_again(self) -> None:
        """Read the trace anew."""
        begin(self, self._read, "trace", exclusive=True)

    async def _read(self) -> None:
        tracer = self.leads_app.sources.tracer
        self.table.health = Health(Supply.LOADING) if self._found is None else FRESH
        self._draw()
        try:
            if tracer is None:
                raise RuntimeError("Traces cannot be read here")
            async with asyncio.timeout(TIMEOUT_S):
                self._found = await tracer.find(self._wanted)
            self._error = ""
        except TimeoutError:
            self._error = f"No answer within {TIMEOUT_S:.0f} s"
        except Exception as error:  # noqa: BLE001 - shown where the trace would be
            self._error = one_line(error)
        self.table.health = Health(Supply.FAILED, f"{self._error.rstrip('.')}.", "r now") if self._error else FRESH
        self._draw()

    # --- drawing

    def _draw(self) -> None:
        found, table = self._found, self.table
        wanted = safe(self._wanted, 80)
        if found is None:
            self.bar.show((Cell(f" {wanted}", Tone.STRONG),))
            table.repaint()
            return
        revealed = self._key in self.known.revealed
        name = trace_view.heading(found, revealed=revealed) or wanted
        notices = "   ".join(safe(notice, 160) for notice in found.notices)
        said: Line = (Cell(f" {name}", Tone.STRONG), Cell(f"   {notices}" if notices else "", Tone.WARN))
        self.bar.show(said)
        job = found.jobs[-1] if found.jobs else None
        table.title = f"Trace · {safe(job.source, 12)} {safe(job.external_id, 60)}" if job else "Trace"
        table.meta = (trace_view.outcome(job),) if job else ()
        logs = sum(step.kind is Kind.LOG for each in found.jobs for step in each.steps)
        table.foot = (Cell(f"{number(logs)} log line{'' if logs == 1 else 's'}", Tone.DIM),) if job else ()
        table.empty = (
            Cell(f"Nothing stored or queued has {wanted} as id or address. Esc goes back; / in leads searches."),
        )
        table.show(trace_view.rows(found))

    @property
    def _lead(self) -> Lead | None:
        return self._found.leads[-1] if self._found and self._found.leads else None

    @property
    def _key(self) -> str:
        return str(self._lead.id) if self._lead else ""

    def _job(self) -> JobTrace | None:
        if self._found is None or not self._found.jobs:
            return None
        here = trace_view.step_of(self._found, self.table.key)
        return here[0] if here else self._found.jobs[-1]

    # --- verbs

    def on_table_opened(self, message: Table.Opened) -> None:
        """Enter: the row where the way ended, else the step in full."""
        message.stop()
        job, step = (trace_view.step_of(self._found, message.key) if self._found else None) or (None, None)
        if job is None or step is None:
            return
        if step.kind is Kind.END and self._lead is not None:
            self.action_row()
            return
        from console.tui.screens.reader import Reader

        self.app.push_screen(Reader("Step", lambda width, _height: trace_view.whole_step(job, step, width)))

    def action_again(self) -> None:
        """Read the trace anew."""
        self.read_again()

    def action_logs(self) -> None:
        """Show the log lines that mention the job, its lead or its request."""
        job = self._job()
        if job is not None:
            self.leads_app.open_logs_of(job.job_id, job.external_id, job.request_id)

    def action_row(self) -> None:
        """Show the row of the lead."""
        if self._lead is not None:
            self.leads_app.open_lead(self._lead)

    def action_reveal(self) -> None:
        """Show the personal data, or mask it again. Showing it is recorded."""
        if self._lead is None:
            return
        if self._key in self.known.revealed:
            self.known.revealed.discard(self._key)
            self._draw()
        else:
            self.leads_app.reveal(self._key, f"lead {self._key}", self._draw)

    def action_replay(self) -> None:
        """Send the lead's webhook through the pipeline once more, after asking."""
        job = self._job()
        if job is None:
            return
        target = f"lead {self._key}" if self._lead else f"job {job.job_id}"
        name = safe(job.external_id, 40)
        lines = (f"{safe(job.source, 12)} {name} goes through the queue once more.", "Its row is written over.")
        self.act(
            Action(Verb.REPLAY, (target,)), f"replay {name}", Question(f"Replay {name}?", lines, "Replay"),
            lambda _result: self.read_again(),
        )  # fmt: skip

    def action_copy(self) -> None:
        """Copy the job's id."""
        job = self._job()
        if job is not None:
            self.app.copy_to_clipboard(job.job_id)
            self.app.notify(f"Copied {job.job_id}", markup=False)

    def action_back(self) -> None:
        """Back to where the trace was asked for."""
        self.app.pop_screen()
