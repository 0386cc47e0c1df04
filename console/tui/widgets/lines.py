"""A single line of cells without a frame."""

from __future__ import annotations

from console.format import Line
from console.tui.widgets.painted import Drawn, Painted


class OneLine(Painted):
    """Shows one line."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._line: Line = ()

    def show(self, line: Line) -> None:
        """Show it."""
        self._line = line
        self.repaint()

    def build(self, width: int, height: int) -> list[Drawn]:
        """The line."""
        return [Drawn(self._line)]
