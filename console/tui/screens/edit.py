"""Edits a job's payload: JSON, checked as it is typed, kept only when it is valid and was changed on purpose."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Label, TextArea

from console.format import Cell, Tone, safe
from console.tui.present.queue import pretty
from console.tui.screens.box import Box
from console.tui.widgets.lines import OneLine

MAX_PAYLOAD = 1_000_000


class Edit(Box[str | None]):
    """Dismissed with the new payload, or with None."""

    CSS = """
    #edit { width: 90%; max-width: 120; height: 80%; border: round $primary; padding: 0 1; background: $background; }
    #edit Label { color: $primary; text-style: bold; }
    #payload { height: 1fr; border: none; padding: 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "save and retry", priority=True),
        Binding("escape", "cancel", "cancel", priority=True),
    ]

    def __init__(self, title: str, payload: str) -> None:
        super().__init__()
        self._title = title
        self._before = pretty(payload)
        self._same = False

    def compose(self) -> ComposeResult:
        """Title, text, state."""
        with Vertical(id="edit"):
            yield Label(self._title, markup=False)
            yield TextArea(self._before, soft_wrap=True, show_line_numbers=True, id="payload")
            yield OneLine(id="edit-state")

    def on_mount(self) -> None:
        """Begin at the text."""
        self.query_one(TextArea).focus()
        self._check()

    def on_text_area_changed(self) -> None:
        """Check again."""
        self._check()

    def _check(self) -> str | None:
        """The payload as compact JSON if it is valid and differs, else None; says which."""
        text = self.query_one(TextArea).text
        line = self.query_one("#edit-state", OneLine)
        self._same = False
        keys = (Cell("  "), Cell("ctrl+s", Tone.KEY), Cell(" save and retry  "), Cell("esc", Tone.KEY), Cell(" cancel"))
        if len(text) > MAX_PAYLOAD:
            line.show((Cell("✖ too long", Tone.BAD), *keys))
            return None
        try:
            value = msgspec.json.decode(text)
        except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError) as error:
            line.show((Cell(f"✖ {safe(error, 120)}", Tone.BAD), *keys))
            return None
        if not isinstance(value, dict):
            line.show((Cell("✖ a payload is a JSON object", Tone.BAD), *keys))
            return None
        compact = msgspec.json.format(text, indent=-1)
        self._same = compact == _compact(self._before)
        if self._same:
            line.show((Cell("○ unchanged", Tone.DIM), *keys))
            return None
        line.show((Cell("● valid JSON, changed", Tone.OK), *keys))
        return compact

    def action_save(self) -> None:
        """Keep the payload if it is valid and another one."""
        payload = self._check()
        if payload is not None:
            self.dismiss(payload)
        elif self._same:
            self.app.notify("Nothing changed, so nothing is saved.", markup=False)

    def action_cancel(self) -> None:
        """Leave it as it was."""
        self.dismiss(None)


def _compact(text: str) -> str:
    """Without what is between the values; as it stands if it is no JSON."""
    try:
        return msgspec.json.format(text, indent=-1)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return text
