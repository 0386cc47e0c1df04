"""A box in which leads are narrowed by source, form, page, campaign, status and day; offers what the list holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.suggester import SuggestFromList
from textual.widgets import Input, Label

from console.format import Cell, Tone, safe
from console.tui.present.search import KEYS
from console.tui.screens.box import Box
from console.tui.widgets.lines import OneLine

NAMES = ("text", *KEYS, "day")
HINTS = {"text": "name, e-mail, phone or id", "day": "today, yesterday or 2026-11-24"}


class Filters(Box[dict[str, str] | None]):
    """Dismissed with the values by name, or with None. `offers`: values to complete."""

    CSS = """
    #filters { width: 70; max-width: 96%; height: 10; border: round $primary; padding: 0 1; background: $background; }
    #filters Horizontal { height: 1; }
    #filters Label { width: 10; color: $dim; }
    #filters Input { width: 1fr; border: none; height: 1; padding: 0; background: $background; }
    #filters Input:focus { background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "app.focus_next", "next", priority=True),
        Binding("up", "app.focus_previous", "previous", priority=True),
        Binding("ctrl+x", "clear", "clear all", priority=True),
        Binding("escape", "cancel", "cancel", priority=True),
    ]

    def __init__(self, values: Mapping[str, str], offers: Mapping[str, set[str]]) -> None:
        super().__init__()
        self._values = dict(values)
        self._offers = offers

    def compose(self) -> ComposeResult:
        """One line a filter."""
        with Vertical(id="filters") as box:
            box.border_title = "Filters"
            for name in NAMES:
                known = sorted(safe(value, 80) for value in self._offers.get(name, ()) if value)
                with Horizontal():
                    yield Label(name)
                    yield Input(
                        self._values.get(name, ""),
                        placeholder=HINTS.get(name, "part of it" if known else ""),
                        suggester=SuggestFromList(known, case_sensitive=False) if known else None,
                        compact=True,
                        select_on_focus=False,
                        id=f"filter-{name}",
                    )
            yield OneLine(id="filter-keys")

    def on_mount(self) -> None:
        """Begin with the first one that is filled in, else with the form."""
        first = next((name for name in NAMES if self._values.get(name)), "form")
        self.query_one(f"#filter-{first}", Input).focus()
        keys = (("enter", "done"), ("→", "take what is offered"), ("ctrl+x", "clear"), ("esc", "cancel"))
        cells = [cell for key, what in keys for cell in (Cell(key, Tone.KEY), Cell(f" {what}  ", Tone.DIM))]
        self.query_one(OneLine).show(tuple(cells))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Done."""
        event.stop()
        self.dismiss({name: self.query_one(f"#filter-{name}", Input).value for name in NAMES})

    def action_clear(self) -> None:
        """Empty every line."""
        for field in self.query(Input):
            field.value = ""

    def action_cancel(self) -> None:
        """Change nothing."""
        self.dismiss(None)
