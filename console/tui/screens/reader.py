"""A box over the screen that shows text to be read: a service's details, the help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from console.format import Line
from console.tui.screens.box import Box
from console.tui.widgets.board import Board


class Reader(Box[None]):
    """Shows what `make(width, height)` gives; Escape closes it. `wide`: as wide as the screen lets it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter,question_mark", "close", "close")]

    def __init__(self, title: str, make: Callable[[int, int], Sequence[Line]], *, wide: bool = False) -> None:
        super().__init__()
        self._wide = wide
        self._title = title
        self._make = make

    def compose(self) -> ComposeResult:
        """The box. It has its size and its text before it is laid out: they are in the first picture."""
        board = Board(self._title, id="reader")
        self._grow(board)
        board.show(self._make)
        yield board

    def on_mount(self) -> None:
        """What is shown can be scrolled."""
        self.query_one(Board).focus()

    def on_resize(self) -> None:
        """The terminal has another size."""
        self._grow(self.query_one(Board))

    def _grow(self, board: Board) -> None:
        """As high as the text, if there is room."""
        width = self.app.size.width - 6 if self._wide else min(self.app.size.width - 6, 100)
        lines = self._make(width - 4, 1_000)
        board.styles.width = width
        board.styles.height = min(len(lines) + 2, self.app.size.height - 4)

    def action_close(self) -> None:
        """Close the box."""
        self.dismiss(None)
