"""The queue's states as tabs with their counts, and the filter at the right."""

from __future__ import annotations

from textual import events
from textual.message import Message

from api.models import JobState, QueueSnapshot
from console.format import Cell, Line, Tone, number, safe, width_of
from console.tui.present.queue import STATE_TITLES, count_of
from console.tui.widgets.painted import Drawn, Painted, spread

ALARMING = {JobState.STUCK: Tone.BAD, JobState.DEAD: Tone.WARN}


class StateTabs(Painted):
    """One line; a click on a tab chooses it."""

    class Chosen(Message):
        """Posted when a tab is clicked."""

        def __init__(self, state: JobState) -> None:
            super().__init__()
            self.state = state

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._queue: QueueSnapshot | None = None
        self._state = JobState.READY
        self._match = ""
        self._spans: list[tuple[int, int, JobState]] = []

    def show(self, queue: QueueSnapshot | None, state: JobState, match: str) -> None:
        """Show these counts, with that tab open."""
        self._queue, self._state, self._match = queue, state, match
        self.repaint()

    def build(self, width: int, height: int) -> list[Drawn]:
        """The tabs."""
        gap = "  " if width >= 76 else " "
        cells: list[Cell] = [Cell(" ")]
        self._spans = []
        at = 1
        for state in JobState:
            count = count_of(self._queue, state) if self._queue else 0
            figure = number(count) if self._queue else "–"
            name = STATE_TITLES[state]
            here = state is self._state
            tone = Tone.TAB if here else Tone.PLAIN
            alarm = ALARMING.get(state, Tone.PLAIN) if count else Tone.DIM
            cells += [
                Cell(f" {name} ", tone if here else Tone.DIM),
                Cell(f"{figure} ", tone if here else alarm),
                Cell(gap[1:]),
            ]
            length = width_of(name) + width_of(figure) + 3
            self._spans.append((at, at + length, state))
            at += length + len(gap) - 1
        right: Line = ()
        if self._match:
            right = (Cell(f"/{safe(self._match, 40)} ", Tone.ACCENT),)
        return [Drawn(spread(tuple(cells), right, width))]

    def on_click(self, event: events.Click) -> None:
        """Choose the tab."""
        for start, end, state in self._spans:
            if start <= event.x < end:
                self.post_message(self.Chosen(state))
