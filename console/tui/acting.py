"""From a key to a result: asks first where it must, runs the action, shows its steps and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from console.errors import ConsoleError
from console.format import Tone, safe, with_hint
from console.ports import Action, Result, Runner, Verb
from console.record import recorded
from console.snapshots import Progress
from console.tui.state import Known
from console.tui.work import begin

if TYPE_CHECKING:
    from textual.app import App

JOB_VERBS = frozenset({Verb.RETRY, Verb.DISCARD, Verb.UNDO, Verb.EDIT})
REFUSED = Result(ok=False, text="the console is read-only", exit_code=2)
NOT_DONE = Result(ok=False, text="nothing was done", exit_code=1)
Told = Callable[[Result], None]
Stepped = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked before an action: a title that names the object, what will happen, and the word for yes.

    `word` must be typed before yes can be chosen, "" if that is not needed.
    """

    title: str
    lines: tuple[str, ...]
    yes: str
    word: str = ""


class Acting:
    """Runs actions for the screens.

    `poke` is called after each, so that what changed is read at once. Nothing is shown as done before it is.
    """

    def __init__(self, app: App[None], runner: Runner, known: Known, poke: Callable[[], None]) -> None:
        self._app = app
        self._runner = runner
        self._known = known
        self._poke = poke

    def begin(
        self,
        action: Action,
        label: str,
        question: Question | None = None,
        then: Told | None = None,
        *,
        changing: bool = True,
        on_terminal: bool = False,
        total: int = 0,
        ended: Told | None = None,
        stepped: Stepped | None = None,
    ) -> None:
        """Ask if there is a question, then run.

        `stepped` gets each step, `ended` the result, `then` the result if anything was done.
        `on_terminal`: the action opens a program there, and gets the terminal while it runs.
        `total` is how much there is to do, for steps that do not say it themselves; 0 if it is not known.
        """
        told = ended or (lambda _result: None)

        step = stepped or (lambda _step: None)

        def tell(result: Result) -> None:
            told(result)
            if then is not None and (result.ok or result.changed):
                then(result)

        if changing and self._known.read_only:
            self.refuse()
            told(REFUSED)
            return
        if on_terminal:
            begin(self._app, partial(self._on_terminal, action, label, tell, step), "actions")
            return
        if question is None:
            self._run(action, label, tell, step, total)
            return
        from console.tui.screens.confirm import Confirm

        def answered(yes: bool | None) -> None:
            if yes:
                self._run(action, label, tell, step, total)
            else:
                told(NOT_DONE)

        self._app.push_screen(Confirm(question, lambda: self._runner.warnings(action)), answered)

    def refuse(self) -> None:
        """Say that nothing is changed from here, and how one comes to a console that does."""
        self._app.clear_notifications()
        self._app.notify(self._known.only_reads, severity="warning", markup=False)

    def _run(self, action: Action, label: str, tell: Told, step: Stepped, total: int) -> None:
        begin(self._app, partial(self._do, action, label, tell, step, total), "actions")

    async def _on_terminal(self, action: Action, label: str, tell: Told, step: Stepped) -> None:
        from console.tui.handover import handed_over

        try:
            with handed_over(self._app, safe(label)):
                await self._do(action, label, tell, step, 0)
        except ConsoleError as error:
            failed = Result(ok=False, text=str(error), hint=error.hint)
            self._tell(action, label, failed)
            tell(failed)
        self._app.refresh(layout=True)

    async def _do(self, action: Action, label: str, tell: Told, stepped: Stepped, total: int) -> None:
        known = self._known
        doing = known.begin(label)
        result = Result(ok=False, text="ended without a result")
        try:
            async for step in self._runner.run(action):
                if isinstance(step, Progress) and step.command:
                    known.happened("you", "runs", label, step.text, Tone.DIM)
                elif isinstance(step, Progress):
                    whole = step.total or (max(total, step.done) if step.done else 0)
                    known.step(doing, Progress(safe(step.text), safe(step.service, 60), step.done, whole))
                    stepped(step)
                    self._show()
                else:
                    result = step
        except Exception as error:  # noqa: BLE001 - a runner should not raise; if one does, it is a failed action
            result = Result(ok=False, text=safe(error) or type(error).__name__)
        finally:
            known.ended(doing)
        self._tell(action, label, result)
        self._poke()
        self._show()
        tell(result)

    def _tell(self, action: Action, label: str, result: Result) -> None:
        text = safe(result.text) or ("done" if result.ok else "failed")
        text = with_hint(text, safe(result.hint))
        tone = Tone.OK if result.ok else Tone.BAD
        if action.verb in JOB_VERBS and action.targets:
            self._known.remember(f"trace {action.targets[0]}")
        what = action.verb.value.replace("-", " ")
        self._known.happened("you", what, target_of(action), text, tone, record=recorded(action))
        if result.ok and action.verb is Verb.REVEAL:
            return
        self._app.notify(
            text,
            title=("● " if result.ok else "✖ ") + label,
            severity="information" if result.ok else "error",
            timeout=5 if result.ok else 12,
            markup=False,
        )

    def _show(self) -> None:
        from console.tui.screens.page import Page

        if self._app.is_running and isinstance(self._app.screen, Page):
            self._app.screen.refresh_edges()


def target_of(action: Action) -> str:
    """What an action is done to, for the record: at most three names."""
    if action.verb in (Verb.RETRY_MATCHING, Verb.DISCARD_MATCHING, Verb.UNDO_MATCHING):
        match = action.args.get("match", "")
        return f"all {action.args.get('state', '')}" + (f" matching {match}" if match else "")
    names = [safe(target, 60) for target in action.targets]
    if not names:
        return safe(action.args.get("page", "")) or "everything"
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
