"""The question before a destructive verb: names the object, says what is at stake, and holds the focus on Cancel."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from console.format import Cell, Line, Tone, safe, width_of, wrap
from console.tui.acting import Question
from console.tui.screens.box import Box
from console.tui.widgets.framed import Framed
from console.tui.widgets.painted import Drawn
from console.tui.work import begin

WARNINGS_TIMEOUT_S = 5.0


class ConfirmBox(Framed, can_focus=True):
    """The box with the question and its two answers. "Yes" cannot be chosen before the warnings are known."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,right,tab,shift+tab", "other", "other answer", priority=True),
        Binding("h,l", "other_by_letter", "other answer", show=False),
        Binding("enter", "answer", "answer"),
    ]

    class Answered(Message):
        """Posted with the answer."""

        def __init__(self, yes: bool) -> None:
            super().__init__()
            self.yes = yes

    def __init__(self, question: Question) -> None:
        super().__init__(safe(question.title, 200))
        self._question = question
        self._warnings: tuple[Line, ...] | None = None
        self._yes = False
        self._spots: list[tuple[int, int]] = []
        self._typed = ""

    @property
    def ready(self) -> bool:
        """Whether yes can be chosen: what is at stake is known, and the word is typed if one is asked for."""
        return self._warnings is not None and self._typed == self._question.word

    def warn(self, warnings: tuple[Line, ...]) -> None:
        """What is at stake is known now."""
        self._warnings = warnings
        self.grow()
        self.repaint()

    def grow(self) -> None:
        """Take the room that the text needs, as far as the terminal has it."""
        inner = min(64, self.app.size.width - 4) - 4
        self.styles.width = inner + 4
        self.styles.height = min(len(self._lines(inner)) + 4, self.app.size.height)

    def _lines(self, width: int) -> list[Line]:
        lines: list[Line] = [(Cell(p),) for text in self._question.lines for p in wrap(safe(text, 400), width)]
        if self._warnings is None:
            lines.append((Cell("◐ checking what is at stake…", Tone.DIM),))
        for warning in self._warnings or ():
            text, tone = "".join(c.text for c in warning), warning[0].tone
            lines += [(Cell(("◐ " if not i else "  ") + p, tone),) for i, p in enumerate(wrap(text, width - 2))]
        if self._question.word:
            word = safe(self._question.word, 60)
            lines += [(), (Cell(f"Type {word} to go on: "), Cell(f"{safe(self._typed, 60)}▌", Tone.ACCENT))]
        return lines

    def body(self, width: int, height: int) -> list[Drawn]:
        """Text, then the answers at the right."""
        lines = [Drawn(line) for line in self._lines(width)]
        cancel, yes = "  Cancel  ", f"  {self._question.yes}  "
        start = max(width - width_of(cancel) - width_of(yes) - 2, 0)
        self._spots = [(start, start + len(cancel)), (start + len(cancel) + 2, width)]
        ready = self.ready
        answers: Line = (
            Cell(" " * start),
            Cell(cancel if self._yes else f"[{cancel[1:-1]}]", Tone.DIM if self._yes else Tone.TAB),
            Cell("  "),
            Cell(f"[{yes[1:-1]}]" if self._yes else yes, Tone.DANGER if self._yes else Tone.BAD if ready else Tone.DIM),
        )
        room = height - 1
        if len(lines) > room:  # what stands last is the word to be typed
            kept = 2 if self._question.word else 0
            lines = [*lines[: max(room - kept - 1, 0)], Drawn((Cell("…", Tone.DIM),)), *lines[len(lines) - kept :]]
        return [*lines, *[Drawn(())] * (room - len(lines)), Drawn(answers)]

    def action_other(self) -> None:
        """Move to the other answer."""
        self._yes = not self._yes and self.ready
        self.repaint()

    def action_other_by_letter(self) -> None:
        """Move to the other answer."""
        self.action_other()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a word is typed its letters are letters."""
        return action != "other_by_letter" or not self._question.word

    def on_key(self, event: events.Key) -> None:
        """Take the letters of the word that is asked for."""
        if not self._question.word:
            return
        if event.key == "backspace":
            self._typed = self._typed[:-1]
        elif event.is_printable and event.character:
            self._typed = (self._typed + event.character)[:100]
        else:
            return
        event.stop()
        self._yes = self._yes and self.ready
        self.repaint()

    def action_answer(self) -> None:
        """Give the answer that has the focus."""
        self.post_message(self.Answered(self._yes))

    def on_click(self, event: events.Click) -> None:
        """A click on an answer gives it."""
        if event.y == self.size.height - 2:
            x = event.x - 2
            for yes, (start, end) in zip((False, True), self._spots, strict=False):
                if start <= x < end and (not yes or self.ready):
                    self.post_message(self.Answered(yes))


class Confirm(Box[bool]):
    """Asks; dismissed with the answer. Escape is no."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "no", "cancel"),
        Binding("q", "leave", "cancel", show=False),
    ]

    def __init__(self, question: Question, warnings: Callable[[], Awaitable[tuple[str, ...]]]) -> None:
        super().__init__()
        self._question = question
        self._warnings = warnings

    def compose(self) -> ComposeResult:
        """The box. It has its size before it is laid out."""
        box = ConfirmBox(self._question)
        box.grow()
        yield box

    def on_mount(self) -> None:
        """Find out what is at stake."""
        self.query_one(ConfirmBox).focus()
        begin(self, self._check)

    def on_resize(self) -> None:
        """The terminal has another size."""
        self.query_one(ConfirmBox).grow()

    async def _check(self) -> None:
        try:
            async with asyncio.timeout(WARNINGS_TIMEOUT_S):
                found = await self._warnings()
            lines = tuple((Cell(safe(text, 400), Tone.WARN),) for text in found)
        except Exception as error:  # noqa: BLE001 - the operator decides, knowing that it is not known
            why = safe(error) or "no answer"
            lines = ((Cell(f"What is at stake could not be checked: {why}", Tone.BAD),),)
        self.query_one(ConfirmBox).warn(lines)

    def on_confirm_box_answered(self, message: ConfirmBox.Answered) -> None:
        """Hand the answer over."""
        self.dismiss(message.yes)

    def action_no(self) -> None:
        """Leave without doing anything."""
        self.dismiss(False)

    def action_leave(self) -> None:
        """Leave without doing anything."""
        self.dismiss(False)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While a word is typed its letters are letters."""
        return action != "leave" or not self._question.word
