"""Screen 3: the queue's jobs by state, what became of each, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from api.models import JobState
from console.format import Cell, Tone, number
from console.tui.present import queue as queue_view
from console.tui.present.grid import Listed
from console.tui.present.supply import Supply
from console.tui.screens.joblist import JobList
from console.tui.screens.jobverbs import JobVerbs
from console.tui.state import Kind, Kinds, Known
from console.tui.widgets.jobboard import JobBoard
from console.tui.widgets.prompt import Prompt
from console.tui.widgets.statetabs import StateTabs
from console.tui.widgets.table import Table

EMPTY = {
    JobState.READY: "Nothing waits: every accepted lead has been taken.",
    JobState.IN_FLIGHT: "No worker holds a job just now.",
    JobState.RETRY: "Nothing waits to be tried again.",
    JobState.STUCK: "Nothing is stuck.",
    JobState.DEAD: "No dead letters.",
    JobState.DISCARDED: "Nothing was discarded in the last 30 days.",
}


class Queue(JobVerbs):
    """See the module."""

    NAME = "queue"
    CSS = """
    #jobs { height: 1fr; }
    #states { height: 1; }
    #job { height: 9; }
    Queue.-flat #job { height: 4; }
    Queue.-tiny #larger { display: block; }
    Queue.-tiny #job { display: none; }
    Queue.-tiny.-reading #job { display: block; }
    Queue.-tall #job, Queue.-high #job { height: 40%; }
    Queue.-reading #jobs { display: none; }
    Queue.-reading #job { height: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h,left_square_bracket", "tab(-1)", "previous state", show=False),
        Binding("right,right_square_bracket", "tab(1)", "next state", show=False),
        Binding("f", "follow", "follow the retried"),
        Binding("space", "select", "select"),
        Binding("r", "retry", "retry"),
        Binding("R", "retry_all", "retry all"),
        Binding("e", "edit", "edit and retry"),
        Binding("X", "discard", "discard"),
        Binding("D", "discard_all", "discard all"),
        Binding("U", "undo", "undo"),
        Binding("p", "pause", "pause"),
        Binding("slash", "filter", "filter"),
        Binding("v", "reveal", "reveal"),
        Binding("t", "trace", "trace"),
        Binding("l", "logs", "logs"),
        Binding("c", "copy", "copy the id", show=False),
        Binding("escape", "back", "back, clear", show=False),
    ]

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self.states = StateTabs(id="states")
        self.table = Table("Jobs", queue_view.JOB_COLUMNS, selectable=not known.read_only, lasting=True, id="jobs")
        self.board = JobBoard(id="job")
        self._was: tuple[bool, bool] | None = None
        """Whether nothing was listed, and the queue paused, when its keys were drawn."""

    def content(self) -> ComposeResult:
        """Tabs, jobs, details."""
        yield self.states
        yield self.table
        yield self.board

    def on_mount(self) -> None:
        """Begin with what is in trouble, if anything is."""
        self.jobs = JobList(
            self, self.known, self.leads_app.sources.queue, self._draw, lambda: {self.table.key, *self.table.selected}
        )
        queue = self.known.queue.value
        if queue is not None and self.jobs.state is JobState.READY:
            trouble = (JobState.STUCK, JobState.DEAD, JobState.RETRY)
            self.jobs.state = next((s for s in trouble if queue_view.count_of(queue, s)), JobState.READY)
        self.jobs.reload()
        self.table.focus()
        self.refresh_bindings()

    # --- drawing

    def show(self, kinds: Kinds | None) -> None:
        """Counts and ages; the listing is read again when the queue has changed."""
        if kinds is not None and Kind.QUEUE in kinds:
            self.jobs.refresh()
        if kinds is None or Kind.QUEUE in kinds:
            self._draw()

    def on_screen_resume(self) -> None:
        """The queue went on while another screen was looked at."""
        if self.ready:
            self.jobs.refresh()

    def when_listed(self, do: Callable[[], None]) -> None:
        """Call `do` once jobs are listed."""
        self.when_ready(lambda: self.jobs.when_loaded(do))

    def read_again(self) -> None:
        """Read the listing anew."""
        self.jobs.reload()

    def _draw(self) -> None:
        jobs, known, now = self.jobs, self.known, self.known.now()
        self.states.show(known.queue.value, jobs.state, jobs.match)
        table = self.table
        table.title = queue_view.STATE_TITLES[jobs.state].capitalize()
        table.health = jobs.health
        table.empty = (
            Cell(f"No job matches {jobs.match}. Esc clears the filter." if jobs.match else EMPTY[jobs.state]),
        )
        chosen = f"{number(len(table.selected))} selected · " if table.selected else ""
        if table.selection.span and table.selection.span.lasting:
            chosen += "V ends the range · "
        more = "+" if jobs.more else ""
        table.foot = (Cell(f"{chosen}{number(len(jobs.views))}{more} shown", Tone.DIM),) if jobs.views else ()
        wide = table.size.width >= 120
        views = jobs.views
        if self._was != (jobs.empty, self._paused()):
            self._was = jobs.empty, self._paused()
            self.refresh_bindings()
        table.show(Listed((x.job.id for x in views), lambda n: queue_view.job_row(views[n], now, wide=wide)))
        self._details()

    def _details(self) -> None:
        view = self.current()
        old = self.jobs.health.supply in (Supply.FAILED, Supply.STALE)
        revealed = view is not None and view.job.id in self.known.revealed
        self.board.show_job(view, self.known.now(), revealed=revealed, old=old)

    def on_table_moved(self, message: Table.Moved) -> None:
        """Another job: its details; near the end of the list: more of it."""
        self.board.to_top()
        self._details()
        if message.key in self.table.keys[-10:]:
            self.jobs.load_more()

    def on_table_chose(self) -> None:
        """Others are selected: say how many."""
        self._draw()

    def redraw(self) -> None:
        """Draw the list and the details."""
        self._draw()

    def on_table_opened(self, message: Table.Opened) -> None:
        """Enter: read the details in full."""
        message.stop()
        self.add_class("-reading")
        self.board.focus()

    def on_state_tabs_chosen(self, message: StateTabs.Chosen) -> None:
        """A tab was clicked."""
        self.open(message.state)

    def open(self, state: JobState, match: str | None = None) -> None:
        """Show the jobs of that state."""
        self.table.selection.clear()
        self.jobs.open(state, self.jobs.match if match is None else match)
        self.refresh_bindings()
        self._draw()

    def action_tab(self, step: int) -> None:
        """Show the next or previous state."""
        states = list(JobState)
        self.open(states[(states.index(self.jobs.state) + step) % len(states)])

    # --- the filter

    def action_filter(self) -> None:
        """Show only what matches."""
        self.prompt("/", self.jobs.match, hint="part of a job id, lead id, page, form or error", purpose="filter")

    def on_prompt_typed(self, message: Prompt.Typed) -> None:
        """Filter while typing."""
        self.open(self.jobs.state, message.text.strip())

    def on_prompt_ended(self, message: Prompt.Ended) -> None:
        """Enter keeps what was typed, Escape what was there before."""
        message.stop()
        self.close_prompt()
        self.open(self.jobs.state, message.text.strip())

    def action_back(self) -> None:
        """Back from the details, else drop the selection, else the filter."""
        if self.has_class("-reading"):
            self.remove_class("-reading")
            self.table.focus()
        elif self.table.selected or self.table.selection.span:
            self.table.selection.clear()
            self._draw()
        elif self.jobs.match:
            self.open(self.jobs.state, "")
        else:
            self.table.focus()
