"""Screen 3: the queue's jobs by state, what became of each, and what can be done about it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from api.models import JobState, JobView
from console.format import Cell, Tone, number, safe
from console.ports import Action, Result, Verb
from console.tui.present import queue as queue_view
from console.tui.present.supply import Supply
from console.tui.screens import jobquestions as asked
from console.tui.screens.joblist import JobList
from console.tui.screens.page import Page
from console.tui.state import Kind, Known
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


class Queue(Page):
    """See the module."""

    NAME = "queue"
    CSS = """
    #jobs { height: 1fr; }
    #states { height: 1; }
    #job { height: 9; }
    Queue.-tall #job, Queue.-high #job { height: 40%; }
    Queue.-reading #jobs { display: none; }
    Queue.-reading #job { height: 1fr; }
    """
    CHANGING = frozenset({"retry", "retry_all", "discard", "undo", "edit", "pause", "select"})

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h,left_square_bracket", "tab(-1)", "previous state", show=False),
        Binding("right,right_square_bracket", "tab(1)", "next state", show=False),
        Binding("space", "select", "select"),
        Binding("r", "retry", "retry"),
        Binding("R", "retry_all", "retry all"),
        Binding("e", "edit", "edit and retry"),
        Binding("X", "discard", "discard"),
        Binding("U", "undo", "undo"),
        Binding("p", "pause", "pause"),
        Binding("slash", "filter", "filter"),
        Binding("v", "reveal", "reveal"),
        Binding("l", "logs", "logs"),
        Binding("c", "copy", "copy the id", show=False),
        Binding("escape", "back", "back, clear", show=False),
    ]

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self.states = StateTabs(id="states")
        self.table = Table("Jobs", queue_view.JOB_COLUMNS, selectable=True, lasting=True, id="jobs")
        self.board = JobBoard(id="job")
        self._last_discarded: tuple[str, ...] = ()

    def content(self) -> ComposeResult:
        """Tabs, jobs, details."""
        yield self.states
        yield self.table
        yield self.board

    def on_mount(self) -> None:
        """Begin with what is in trouble, if anything is."""
        self._list = JobList(self, self.known, self.leads_app.sources.queue, self._draw)
        queue = self.known.queue.value
        if queue is not None and self._list.state is JobState.READY:
            trouble = (JobState.STUCK, JobState.DEAD, JobState.RETRY)
            self._list.state = next((s for s in trouble if queue_view.count_of(queue, s)), JobState.READY)
        self._list.reload()
        self.table.focus()

    # --- drawing

    def show(self, kind: Kind | None) -> None:
        """Counts and ages; the listing is read again when the queue has changed."""
        if kind is Kind.QUEUE:
            self._list.refresh()
        if kind in (None, Kind.QUEUE):
            self._draw()

    def read_again(self) -> None:
        """Read the listing anew."""
        self._list.reload()

    def _draw(self) -> None:
        jobs, known, now = self._list, self.known, self.known.now()
        self.states.show(known.queue.value, jobs.state, jobs.match)
        table = self.table
        table.title = queue_view.STATE_TITLES[jobs.state].capitalize()
        table.health = jobs.health
        table.empty = (
            Cell(f"No job matches {jobs.match}. Esc clears the filter." if jobs.match else EMPTY[jobs.state]),
        )
        chosen = f"{number(len(table.selected))} selected · " if table.selected else ""
        more = "+" if jobs.more else ""
        table.foot = (Cell(f"{chosen}{number(len(jobs.views))}{more} shown", Tone.DIM),) if jobs.views else ()
        wide = table.size.width >= 120
        table.show([queue_view.job_row(view, now, wide=wide) for view in jobs.views])
        self._details()

    def _details(self) -> None:
        view = self._current()
        old = self._list.health.supply in (Supply.FAILED, Supply.STALE)
        revealed = view is not None and view.job.id in self.known.revealed
        self.board.show_job(view, self.known.now(), revealed=revealed, old=old)

    def _current(self) -> JobView | None:
        return self._list.by_id(self.table.key)

    def on_table_moved(self, message: Table.Moved) -> None:
        """Another job: its details; near the end of the list: more of it."""
        self.board.to_top()
        self._details()
        rows = self.table.rows
        if rows and message.key in {row.key for row in rows[-10:]}:
            self._list.load_more()

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
        self.table.selected.clear()
        self._list.open(state, self._list.match if match is None else match)
        self._draw()

    def action_tab(self, step: int) -> None:
        """Show the next or previous state."""
        states = list(JobState)
        self.open(states[(states.index(self._list.state) + step) % len(states)])

    # --- the filter

    def action_filter(self) -> None:
        """Show only what matches."""
        self.prompt("/", self._list.match, hint="part of a job id, lead id, page, form or error", purpose="filter")

    def on_prompt_typed(self, message: Prompt.Typed) -> None:
        """Filter while typing."""
        self.open(self._list.state, message.text.strip())

    def on_prompt_ended(self, message: Prompt.Ended) -> None:
        """Enter keeps what was typed, Escape what was there before."""
        message.stop()
        self.close_prompt()
        self.open(self._list.state, message.text.strip())

    def action_back(self) -> None:
        """Back from the details, else drop the selection, else the filter."""
        if self.has_class("-reading"):
            self.remove_class("-reading")
            self.table.focus()
        elif self.table.selected:
            self.table.selected.clear()
            self._draw()
        elif self._list.match:
            self.open(self._list.state, "")
        else:
            self.table.focus()

    # --- verbs

    def _targets(self) -> tuple[str, ...]:
        chosen = tuple(row.key for row in self.table.rows if row.key in self.table.selected)
        return chosen or ((self.table.key,) if self.table.key else ())

    def action_select(self) -> None:
        """Select the job under the cursor and go to the next."""
        if self.table.has_focus and self.table.key:
            self.table.toggle(self.table.key)
            self.table.action_move(1)
            self._draw()

    def action_retry(self) -> None:
        """Retry the selected jobs or the one under the cursor; without an answer from Redis: ask it again."""
        if self.known.queue.error or self._list.error:
            self.leads_app.action_read_now()
            return
        ids = self._targets()
        if ids:
            self.act(Action(Verb.RETRY, ids), f"retry {asked.named(ids)}", then=self._done)

    def action_retry_all(self) -> None:
        """Retry everything that is listed, beyond what has been loaded, after asking."""
        jobs, queue = self._list, self.known.queue.value
        if not jobs.views or jobs.state is JobState.READY:
            return
        action, label, question = asked.retry_all(jobs.state, jobs.match, queue)
        self.act(action, label, question, self._done)

    def action_discard(self) -> None:
        """Discard the selected jobs or the one under the cursor, after asking."""
        ids = self._targets()
        if not ids or self._list.state is JobState.DISCARDED:
            return
        views = [view for view in map(self._list.by_id, ids) if view]
        action, label, question = asked.discard(ids, views)

        def done(result: Result) -> None:
            self._last_discarded = ids
            self._done(result)

        self.act(action, label, question, done)

    def action_undo(self) -> None:
        """Take back: the chosen ones among the discarded, elsewhere the last discard."""
        ids = self._targets() if self._list.state is JobState.DISCARDED else self._last_discarded
        if not ids:
            self.app.notify("Nothing was discarded in this session. Look under discarded.", markup=False)
            return
        self.act(Action(Verb.UNDO, ids), f"undo the discard of {asked.named(ids)}", then=self._undone)

    def _undone(self, result: Result) -> None:
        self._last_discarded = ()
        self._done(result)

    def _done(self, result: Result) -> None:
        del result
        self.table.selected.clear()
        self._list.reload()

    def action_pause(self) -> None:
        """Let workers take nothing more, after asking; or go on."""
        queue = self.known.queue.value
        if queue is not None:
            if queue.paused:
                self.act(Action(Verb.RESUME), "resume the queue")
            else:
                self.act(Action(Verb.PAUSE), "pause the queue", asked.PAUSE)

    def action_edit(self) -> None:
        """Edit the payload of the job under the cursor, then retry it. Editing reveals."""
        view = self._current()
        if view is None:
            return
        job = view.job
        from console.tui.screens.edit import Edit

        def edited(payload: str | None) -> None:
            if payload is None:
                return
            retry = Action(Verb.RETRY, (job.id,))
            name = asked.named((job.id,))
            self.act(
                Action(Verb.EDIT, (job.id,), {"payload": payload}),
                f"edit {name}",
                then=lambda _result: self.act(retry, f"retry {name}", then=self._done),
            )

        def shown() -> None:
            title = f"Payload of {queue_view.short_id(job.id)} · {safe(job.source, 12)} {safe(job.external_id, 40)}"
            self.app.push_screen(Edit(title, job.payload), edited)

        self.leads_app.reveal(job.id, f"job {job.id}", shown)

    def action_reveal(self) -> None:
        """Show the payload as it is, or mask it again."""
        view = self._current()
        if view is None:
            return
        if view.job.id in self.known.revealed:
            self.known.revealed.discard(view.job.id)
            self._details()
        else:
            self.leads_app.reveal(view.job.id, f"job {view.job.id}", self._details)

    def action_logs(self) -> None:
        """Show the log lines that mention the job or its lead."""
        view = self._current()
        if view is not None:
            self.leads_app.open_logs_of(view.job.id, view.job.external_id)

    def action_copy(self) -> None:
        """Copy the job's id."""
        if self.table.key:
            self.app.copy_to_clipboard(self.table.key)
            self.app.notify(f"Copied {self.table.key}", markup=False)
