"""The line where a command is typed: what its last word may become stands above it; earlier commands come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input, Label

from console.format import Cell, Line, Tone, safe, width_of
from console.tui.widgets.lines import OneLine
from console.tui.widgets.prompt import Prompt


class CommandLine(Prompt):
    """Posts `Entered` at Enter, `Wanted` when completions are wanted, `Left` at Escape."""

    DEBOUNCE_S = 0.05
    DEFAULT_CSS = """
    CommandLine { layout: vertical; height: 2; padding: 0; }
    CommandLine Horizontal { height: 1; padding: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "complete", priority=True),
        Binding("up", "earlier(1)", "earlier command", priority=True),
        Binding("down", "earlier(-1)", "later command", priority=True),
    ]

    class Entered(Message):
        """Posted with a command."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """Posted when no command is wanted."""

    class Wanted(Message):
        """Posted when `text` may be completed: answer with `offer`. `firm`: even if more has been typed by then."""

        def __init__(self, line: CommandLine, text: str, *, firm: bool = False) -> None:
            super().__init__()
            self.line = line
            self.text = text
            self.firm = firm

    def __init__(self, history: Sequence[str]) -> None:
        super().__init__(":", "", hint="queue retry --all dead · logs worker · trace 4711 · help", purpose="command")
        self._history = tuple(history)
        self._back = 0
        self._offers: tuple[str, ...] = ()
        self._offered = ""
        self._owed: str | None = None

    def compose(self) -> ComposeResult:
        """What may come, and the line."""
        yield OneLine(id="offers")
        with Horizontal():
            yield Label(":", markup=False)
            yield Input(placeholder=self._hint, compact=True, select_on_focus=False)

    def on_mount(self) -> None:
        """The first words."""
        self.typed("")

    def typed(self, text: str) -> None:
        """Ask what it may become."""
        self.post_message(self.Wanted(self, text))

    def done(self, text: str, *, kept: bool) -> None:
        """A command, or none."""
        self.post_message(self.Entered(text) if kept and text.strip() else self.Left())

    def offer(self, text: str, lines: tuple[str, ...]) -> None:
        """Show what `text` may become, unless something else is typed by now."""
        if not self.is_attached:
            return
        if self.query_one(Input).value == text:
            self._offers, self._offered = lines, text
            self.query_one(OneLine).show(_shown(lines, self.size.width))
        if self._owed == text:
            self._owed = None
            self._complete(text, lines)

    def action_complete(self) -> None:
        """Take what all offers have in common, or the only one; as soon as they are there."""
        text = self.query_one(Input).value
        if self._offered == text and self._offers:
            self._complete(text, self._offers)
        else:
            self._owed = text
            self.post_message(self.Wanted(self, text, firm=True))

    def _complete(self, text: str, offers: tuple[str, ...]) -> None:
        """Put what the offers for `text` have in common in its place, before what was typed behind it."""
        field = self.query_one(Input)
        common = (_common(offers) if offers else "") + (" " if len(offers) == 1 else "")
        if len(common) > len(text) and field.value.startswith(text):
            field.value = common + field.value[len(text) :]
            field.cursor_position = len(field.value)

    def action_earlier(self, step: int) -> None:
        """An earlier or later command."""
        field = self.query_one(Input)
        self._back = max(0, min(self._back + step, len(self._history)))
        field.value = self._history[-self._back] if self._back else ""
        field.cursor_position = len(field.value)


def _common(lines: Sequence[str]) -> str:
    first, last = min(lines), max(lines)
    n = 0
    while n < min(len(first), len(last)) and first[n] == last[n]:
        n += 1
    return first[:n]


def _shown(lines: Sequence[str], width: int) -> Line:
    cells: list[Cell] = [Cell(" ")]
    room = width - 3
    for line in lines:
        word = safe(line.rpartition(" ")[2], 40)
        if width_of(word) + 2 > room:
            cells.append(Cell("…", Tone.DIM))
            break
        room -= width_of(word) + 2
        cells.append(Cell(f"{word}  ", Tone.DIM))
    return tuple(cells)
