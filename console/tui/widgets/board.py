"""A framed panel of plain lines that scrolls: details, a trace, help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from console.format import Line
from console.tui.widgets.framed import Framed, thumb_of
from console.tui.widgets.painted import Drawn


class Board(Framed, can_focus=True):
    """Lines made for the width there is: `show` takes a function from (width, height) to lines."""

    PLACE = "text"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "scroll(1)", "down", show=False),
        Binding("k,up", "scroll(-1)", "up", show=False),
        Binding("pagedown,ctrl+d", "scroll_page(1)", "page down", show=False),
        Binding("pageup,ctrl+u", "scroll_page(-1)", "page up", show=False),
        Binding("g,home", "scroll_far(-1)", "top", show=False),
        Binding("G,end", "scroll_far(1)", "bottom", show=False),
    ]

    def __init__(self, title: str = "", *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(title, id=id, classes=classes)
        self._make: Callable[[int, int], Sequence[Line]] = lambda _width, _height: ()
        self._offset = 0
        self._total = 0

    def show(self, make: Callable[[int, int], Sequence[Line]]) -> None:
        """Show what `make(width, height)` gives; it is called again whenever the size changes."""
        self._make = make
        self.repaint()

    def to_top(self) -> None:
        """Show the first line again: another thing is shown now."""
        self._offset = 0

    def body(self, width: int, height: int) -> list[Drawn]:
        """The visible part."""
        lines = self._make(width, height)
        self._total = len(lines)
        self._offset = max(0, min(self._offset, self._total - height))
        return [Drawn(tuple(line)) for line in lines[self._offset : self._offset + height]]

    def thumb(self, height: int) -> tuple[int, int]:
        """Where the visible lines stand among all."""
        return thumb_of(self._total, height, self._offset, height)

    def action_scroll(self, step: int) -> None:
        """Scroll by lines."""
        self._offset = max(0, self._offset + step)
        self.repaint()

    def action_scroll_page(self, direction: int) -> None:
        """Scroll by what is visible."""
        self.action_scroll(direction * max(self.size.height - 3, 1))

    def action_scroll_far(self, direction: int) -> None:
        """Scroll to an end."""
        self._offset = 0 if direction < 0 else self._total
        self.repaint()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll."""
        event.stop()
        self.action_scroll(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll."""
        event.stop()
        self.action_scroll(-3)
