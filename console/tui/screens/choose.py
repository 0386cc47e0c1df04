"""A small box in which some of several names are chosen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from console.format import Cell, Tone, safe
from console.tui.present.grid import Column, Row
from console.tui.screens.box import Box
from console.tui.widgets.table import Table


class Choose(Box[frozenset[str] | None]):
    """Dismissed with the chosen names; Escape changes nothing."""

    CSS = "#choose { width: 50; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "switch", "on or off"),
        Binding("o", "only", "only this"),
        Binding("a", "all", "all"),
        Binding("escape,q", "cancel", "cancel"),
    ]

    def __init__(self, title: str, names: Sequence[str], chosen: set[str]) -> None:
        super().__init__()
        self._title = title
        self._names = tuple(names)
        self._chosen = set(chosen)

    def compose(self) -> ComposeResult:
        """The box."""
        table = Table(self._title, (Column("name", 10, grow=1),), header=False, id="choose")
        table.foot = (Cell("space on/off · o only · a all · enter done", Tone.DIM),)
        table.styles.height = max(len(self._names), 1) + 2
        table.show(self._rows())
        yield table

    def on_mount(self) -> None:
        """The names have the focus."""
        self.query_one(Table).focus()

    def _rows(self) -> list[Row]:
        return [Row(name, (Cell(f"{'■' if name in self._chosen else '□'} {safe(name, 60)}"),)) for name in self._names]

    def _draw(self) -> None:
        self.query_one(Table).show(self._rows())

    def action_switch(self) -> None:
        """Switch the name under the cursor."""
        self._chosen ^= {self.query_one(Table).key}
        self._draw()

    def action_only(self) -> None:
        """That name alone."""
        self._chosen = {self.query_one(Table).key}
        self._draw()

    def action_all(self) -> None:
        """All names, or none if all are on."""
        self._chosen = set() if self._chosen == set(self._names) else set(self._names)
        self._draw()

    def on_table_opened(self, message: Table.Opened) -> None:
        """Done."""
        message.stop()
        self.dismiss(frozenset(self._chosen))

    def action_cancel(self) -> None:
        """Change nothing."""
        self.dismiss(None)
