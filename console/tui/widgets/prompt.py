"""A one-line prompt in the place of the key line: search, filter, a file's name. Says what is typed as it is typed."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Input, Label

LIVE = frozenset({"search", "filter", "leads"})
"""What is applied while it is typed."""


class Prompt(Horizontal):
    """Posts `Typed` while typing (debounced; only the newest counts) and `Ended` at Enter or Escape."""

    DEBOUNCE_S: ClassVar[float] = 0.15

    DEFAULT_CSS = """
    Prompt { dock: bottom; height: 1; background: $surface; padding: 0 1; }
    Prompt Label { width: auto; color: $primary; text-style: bold; }
    Prompt Input { width: 1fr; height: 1; border: none; padding: 0 1 0 0; background: $surface; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "cancel", priority=True)]

    class Typed(Message):
        """Posted when typing has paused."""

        def __init__(self, prompt: Prompt, text: str) -> None:
            super().__init__()
            self.prompt = prompt
            self.text = text

    class Ended(Typed):
        """Posted when the prompt is done with; `kept` is false after Escape."""

        def __init__(self, prompt: Prompt, text: str, *, kept: bool) -> None:
            super().__init__(prompt, text)
            self.kept = kept

    def __init__(self, label: str, value: str = "", *, hint: str = "", purpose: str = "search") -> None:
        super().__init__()
        self.purpose = purpose
        self._label = label
        self._value = value
        self._hint = hint
        self._timer: Timer | None = None
        self._said = value

    def compose(self) -> ComposeResult:
        """Label and input."""
        yield Label(self._label, markup=False)
        yield Input(self._value, placeholder=self._hint, compact=True, select_on_focus=False)

    def on_mount(self) -> None:
        """Take the focus."""
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say it soon, unless more is typed."""
        event.stop()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(self.DEBOUNCE_S, self._say)

    def _say(self) -> None:
        text = self.query_one(Input).value
        if text != self._said:
            self._said = text
            self.typed(text)

    def typed(self, text: str) -> None:
        """Typing has paused."""
        self.post_message(self.Typed(self, text))

    def done(self, text: str, *, kept: bool) -> None:
        """The prompt is done with."""
        self.post_message(self.Ended(self, text, kept=kept))

    def leave(self) -> None:
        """The focus has gone elsewhere: what was applied while it was typed stays, anything else is given up."""
        live = self.purpose in LIVE
        self.done(self.query_one(Input).value if live else self._value, kept=live)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Done, and kept."""
        event.stop()
        self.done(event.value, kept=True)

    def action_cancel(self) -> None:
        """Done, and given up."""
        self.done(self._value, kept=False)
