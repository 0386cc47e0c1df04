"""Owns standard error: notes, warnings, questions and the progress of long work. Data never goes here."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import AsyncIterator, Callable
from typing import IO, TYPE_CHECKING

from console.cli import terminal
from console.cli.ending import at_once
from console.format import safe
from console.ports import Result
from console.snapshots import Progress

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live


COUNT_EVERY_S = 10.0
"""How often a count without an end is told where no terminal shows it move."""
_FIGURES = re.compile(r"[0-9][0-9,.]*")


class Narrator:
    """Standard error. With `quiet` only errors and what a question needs are told."""

    def __init__(self, stream: IO[str], *, quiet: bool = False) -> None:
        self.stream = stream
        self.quiet = quiet

    def say(self, text: str, tone: str = "plain") -> None:
        """A note, unless quiet."""
        if not self.quiet:
            self.tell(text, tone)

    def tell(self, text: str, tone: str = "plain") -> None:
        """A line that must be read, quiet or not."""
        text = safe(text)
        self.stream.write((terminal.paint(text, tone) if terminal.coloured(self.stream) else text) + "\n")
        self.stream.flush()

    def warn(self, text: str, *, asking: bool) -> None:
        """What an action risks: a part of the question if there is one, else a note."""
        (self.tell if asking else self.say)(f"◐ {text}", "warn")

    def error(self, text: str, hint: str = "") -> None:
        """What happened, and what to do about it."""
        self.tell(f"leadsctl: {text}", "bad")
        if hint:
            self.tell(f"hint: {hint}")

    @property
    def asks(self) -> bool:
        """Whether a question can be asked here."""
        return terminal.interactive()

    def confirm(self, question: str) -> bool:
        """Ask; anything but a clear yes, the end of input included, is a no. Only where it `asks`."""
        return self._answer(f"{safe(question)} [y/N] ").lower() in ("y", "yes")

    def typed(self, question: str, word: str) -> bool:
        """Ask for a word to be typed; whether it was. Only where it `asks`."""
        return self._answer(f"{safe(question)} ") == word

    def _answer(self, question: str) -> str:
        """The line that is typed."""
        with at_once():
            try:
                self.stream.write(question)
                self.stream.flush()
                return sys.stdin.readline().strip()
            except KeyboardInterrupt:
                self.stream.write("\n")
                raise

    async def follow(self, events: AsyncIterator[Progress | Result]) -> Result:
        """Show an action's steps as they come; its result, which is not shown here."""
        result = Result(ok=False, text="the action ended without a result", exit_code=1)
        steps = self.steps()
        try:
            async for event in events:
                if isinstance(event, Result):
                    result = event
                else:
                    steps.step(event)
        finally:
            steps.end()
        return result

    def steps(self) -> Steps:
        """What shows steps of long work here: moving lines on a terminal, plain ones off it, nothing if quiet."""
        if self.quiet:
            return Steps()
        return LiveSteps(self.stream) if terminal.is_terminal(self.stream) else PlainSteps(self)


class Steps:
    """Shows steps; this one shows none."""

    def step(self, step: Progress) -> None:
        """A step has begun, moved or ended."""

    def end(self) -> None:
        """Leave the terminal to somebody else; another `step` takes it again."""


class PlainSteps(Steps):
    """One line a step that says something new; counts only every tenth of the way, or every ten seconds."""

    def __init__(self, narrator: Narrator, clock: Callable[[], float] = time.monotonic) -> None:
        self._narrator = narrator
        self._clock = clock
        self._last: dict[str, tuple[str, int, bool | None]] = {}
        self._counted_at: dict[str, float] = {}

    def step(self, step: Progress) -> None:
        """See Steps."""
        if step.command:
            self._narrator.say(f"$ {step.text}", "dim")
            return
        tenth = step.done * 10 // step.total if step.total else 0
        now = (_FIGURES.sub("#", step.text), tenth, step.ok)
        if self._last.get(step.service) == now:
            counts = "#" in now[0]
            if not counts or self._clock() - self._counted_at[step.service] < COUNT_EVERY_S:
                return
        self._last[step.service] = now
        self._counted_at[step.service] = self._clock()
        count = f" {step.done:,} of {step.total:,}" if step.total else ""
        mark = {None: "", True: "✔ ", False: "✖ "}[step.ok]
        self._narrator.say(f"{mark}{f'{step.service}: ' if step.service else ''}{step.text}{count}")


class LiveSteps(Steps):
    """One moving line a service, redrawn in place."""

    def __init__(self, stream: IO[str]) -> None:
        from rich.console import Console
        from rich.spinner import Spinner

        self._steps: dict[str, Progress] = {}
        self._spinner = Spinner("dots")
        self._console = Console(file=stream, markup=False, highlight=False, emoji=False)
        self._live: Live | None = None

    def step(self, step: Progress) -> None:
        """See Steps."""
        from rich.live import Live
        from rich.text import Text

        if step.command:
            self._console.print(Text(f"$ {safe(step.text)}", "dim"), soft_wrap=True)
            return
        self._steps[step.service] = step
        if self._live is None:
            self._live = Live(get_renderable=self._render, console=self._console, refresh_per_second=10)
            self._live.start()

    def end(self) -> None:
        """See Steps."""
        if self._live is not None:
            self._live.stop()
            self._live = None
            self._steps.clear()

    def _render(self) -> RenderableType:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 1))
        for service, step in self._steps.items():
            row: list[RenderableType] = [
                self._spinner if step.ok is None else Text("✔", "green") if step.ok else Text("✖", "red"),
                Text(safe(service, 40)),
                Text(safe(step.text, 200), overflow="ellipsis", no_wrap=True),
            ]
            if step.total:
                row += [ProgressBar(step.total, step.done, width=20), Text(f"{step.done:,} of {step.total:,}")]
            grid.add_row(*row)
        return grid
