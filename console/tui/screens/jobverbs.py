"""The verbs of screen 3: on the job under the cursor, on the selected ones, on all that match."""

from __future__ import annotations

from api.models import JobState, JobView
from console.format import safe
from console.ports import Action, Result, Verb
from console.snapshots import Progress
from console.tui.acting import Question
from console.tui.present import queue as queue_view
from console.tui.screens import jobquestions as asked
from console.tui.screens.joblist import JobList
from console.tui.screens.page import Page
from console.tui.widgets.table import Table

VERBS = frozenset({"retry", "retry_all", "discard", "discard_all", "edit"})
"""What is done to the jobs that are listed, or to some of them."""
OF_ROWS = VERBS | {"select", "open", "reveal", "trace", "logs"}
"""What there must be a row for."""


DISCARDS = 50
"""So many discards can be taken back one after the other."""
UNDONE_MOST = 10_000
"""So many jobs are taken back at once; what was a bigger discard is in the list of those without its jobs."""
NOTHING = "Nothing that U can take back. Look under discarded."
TOO_MUCH = "Too many for U: under discarded, R takes back all."


class JobVerbs(Page):
    """What can be done to the jobs of `table`, which shows `jobs`."""

    CHANGING = frozenset({"retry", "retry_all", "discard", "discard_all", "undo", "edit", "pause", "select"})

    jobs: JobList
    table: Table
    discards: tuple[tuple[str, ...], ...] = ()
    """What was discarded in this session and not taken back, the newest last."""
    last_retried: str = ""

    def redraw(self) -> None:
        """Draw the list and the details."""
        raise NotImplementedError

    def current(self) -> JobView | None:
        """The job under the cursor."""
        return self.jobs.by_id(self.table.key)

    def _targets(self) -> tuple[str, ...]:
        chosen = tuple(key for key in self.table.keys if key in self.table.selected)
        return chosen or ((self.table.key,) if self.table.key else ())

    def offers(self, action: str) -> bool:
        """Hint only what can be done to jobs in the state that is listed, and an undo if there is something to undo."""
        if not self.ready:
            return True
        if action == "undo":
            return not self.jobs.empty if self.jobs.state is JobState.DISCARDED else bool(self.discards)
        if action in OF_ROWS and self.jobs.empty:
            return False
        return action not in VERBS or not asked.refusal(action, self.jobs.state)

    def _refused(self, action: str) -> bool:
        """Whether that cannot be done to what is listed; says why."""
        why_not = asked.refusal(action, self.jobs.state)
        if not self.jobs.views:
            why_not = f"No {queue_view.STATE_TITLES[self.jobs.state]} job is listed."
        if why_not:
            self.app.notify(why_not, markup=False)
        return bool(why_not)

    def action_select(self) -> None:
        """Select the job under the cursor and go to the next."""
        if self.table.has_focus:
            self.table.select()

    def reads_now(self, action: str) -> bool:
        """Without an answer from Redis the key of retry asks it again."""
        return action == "retry" and bool(self.known.queue.error or self.jobs.error)

    def action_retry(self) -> None:
        """Retry the selected jobs or the one under the cursor; without an answer from Redis: ask it again."""
        if self.reads_now("retry"):
            self.leads_app.action_read_now()
            return
        ids = self._targets()
        if not self._refused("retry") and ids:
            self._retry(ids)

    def _retry(self, ids: tuple[str, ...]) -> None:
        """Retry, and let the last of them be followed on its way."""

        self.act(
            Action(Verb.RETRY, ids),
            f"retry {asked.named(ids)}",
            then=lambda result: self._retried(ids[-1], result),
        )

    def _retried(self, job_id: str, result: Result) -> None:
        self.last_retried = job_id
        self.refresh_bindings()
        self._done(result)

    def action_retry_all(self) -> None:
        """Retry everything that is listed, beyond what has been loaded, after asking; the discarded are taken back."""
        jobs, queue = self.jobs, self.known.queue.value
        if self._refused("retry_all"):
            return
        ask = asked.undo_all if jobs.state is JobState.DISCARDED else asked.retry_all
        action, label, question = ask(jobs.state, jobs.match, queue)
        self.act(action, label, question, self._done, total=asked.looked_at(jobs.state, queue))

    def action_discard_all(self) -> None:
        """Discard everything that is listed, beyond what has been loaded, after asking."""
        jobs, queue = self.jobs, self.known.queue.value
        if not self._refused("discard_all"):
            asking = asked.discard_all(jobs.state, jobs.match, queue)
            self._discard(asking, total=asked.looked_at(jobs.state, queue))

    def action_discard(self) -> None:
        """Discard the selected jobs or the one under the cursor, after asking."""
        ids = self._targets()
        if self._refused("discard") or not ids:
            return
        self._discard(asked.discard(ids, [view for view in map(self.jobs.by_id, ids) if view]))

    def _discard(self, asking: tuple[Action, str, Question], *, total: int = 0) -> None:
        """Discard, and keep what went away for an undo: not what was refused, but also what went before a failure."""
        action, label, question = asking
        away: list[str] = []

        def ended(_result: Result) -> None:
            if away:
                self._discarded(tuple(away))

        def stepped(step: Progress) -> None:
            away.extend(step.jobs)

        self.act(action, label, question, self._done, total=total, ended=ended, stepped=stepped)

    def action_undo(self) -> None:
        """Take back: the chosen ones among the discarded, elsewhere the last discard."""
        among = self.jobs.state is JobState.DISCARDED
        ids = self._targets() if among else self.discards[-1] if self.discards else ()
        if not ids:
            too_much = self.discards and not among
            self.app.notify(TOO_MUCH if too_much else NOTHING, markup=False)
            self.discards = self.discards[:-1] if too_much else self.discards
            return
        self.act(
            Action(Verb.UNDO, ids),
            f"undo the discard of {asked.named(ids)}",
            then=self._done,
            ended=lambda result: self._undone(ids, result),
        )

    def _discarded(self, ids: tuple[str, ...]) -> None:
        self.discards = (*self.discards, ids if len(ids) <= UNDONE_MOST else ())[-DISCARDS:]
        self.refresh_bindings()

    def _undone(self, ids: tuple[str, ...], result: Result) -> None:
        """They are taken back, or cannot be; where Redis did not answer they still can."""
        if result.exit_code in (0, 1):
            back = frozenset(ids)
            left = ((discard, tuple(each for each in discard if each not in back)) for discard in self.discards)
            self.discards = tuple(rest for discard, rest in left if rest or not discard)
            self.refresh_bindings()

    def _done(self, result: Result) -> None:
        del result
        self.table.selection.clear()
        self.jobs.reload()

    def worded(self, action: str) -> str:
        """A queue that is paused goes on at the same key."""
        return "resume" if action == "pause" and self._paused() else ""

    def _paused(self) -> bool:
        queue = self.known.queue.value
        return queue is not None and queue.paused

    def action_pause(self) -> None:
        """Let workers take nothing more, after asking; or go on."""
        if self._paused():
            self.act(Action(Verb.RESUME), "resume the queue")
        elif self.known.queue.value is not None:
            self.act(Action(Verb.PAUSE), "pause the queue", asked.PAUSE)

    def action_edit(self) -> None:
        """Edit the payload of the job under the cursor, then retry it. Editing reveals."""
        view = self.current()
        if self._refused("edit") or view is None:
            return
        job = view.job
        from console.tui.screens.edit import Edit

        def edited(payload: str | None) -> None:
            if payload is None:
                return
            edit = Action(Verb.EDIT, (job.id,), {"payload": payload})
            self.act(edit, f"edit {asked.named((job.id,))}", then=retry)

        def retry(result: Result) -> None:
            if view.state in (JobState.READY, JobState.STUCK):  # an edited one is at the end of the line by itself
                self._retried(job.id, result)
            else:
                self._retry((job.id,))

        def shown() -> None:
            title = f"Payload of {queue_view.short_id(job.id)} · {safe(job.source, 12)} {safe(job.external_id, 40)}"
            self.app.push_screen(Edit(title, job.payload), edited)

        self.leads_app.reveal(job.id, f"job {job.id}", shown)

    def action_reveal(self) -> None:
        """Show the payload as it is, or mask it again."""
        view = self.current()
        if view is None:
            return
        if view.job.id in self.known.revealed:
            self.known.revealed.discard(view.job.id)
            self.redraw()
        else:
            self.leads_app.reveal(view.job.id, f"job {view.job.id}", self.redraw)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Nothing can be followed before something has been retried."""
        if action == "follow" and not self.last_retried:
            return False
        return super().check_action(action, parameters)

    def action_follow(self) -> None:
        """Follow the job that was retried last, wherever it is by now."""
        self.leads_app.open_trace(self.last_retried)

    def action_trace(self) -> None:
        """Follow the job under the cursor from its request to its row."""
        view = self.current()
        if view is not None:
            self.leads_app.open_trace(view.job.id)

    def action_logs(self) -> None:
        """Show the log lines that mention the job or its lead."""
        view = self.current()
        if view is not None:
            self.leads_app.open_logs_of(view.job.id, view.job.external_id)

    def action_copy(self) -> None:
        """Copy the job's id."""
        if self.table.key:
            self.app.copy_to_clipboard(self.table.key)
            self.app.notify(f"Copied {self.table.key}", markup=False)
