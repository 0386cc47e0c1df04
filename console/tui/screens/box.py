"""A box over a screen. What is behind it is dimmed once: nothing is drawn there while a box is open."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeVar

from rich.console import RenderableType
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.color import Color
from textual.css.styles import RulesMap
from textual.geometry import Size
from textual.renderables.background_screen import BackgroundScreen
from textual.screen import ModalScreen, Screen
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions, Visual

from console.tui.garbage import collect_closed

T = TypeVar("T")


class Box(ModalScreen[T]):
    """A modal screen that opens soon: the toolkit's own dims what is behind it three times before it is seen."""

    _behind: Behind | None = None

    def on_unmount(self) -> None:
        """It is of no use any more."""
        app = self.app
        collect_closed(another=lambda: any(isinstance(screen, Box) for screen in app.screen_stack))

    def render(self) -> RenderableType:
        """What is behind the box."""
        shown = super().render()
        if not isinstance(shown, BackgroundScreen):
            return shown
        if self._behind is None or (self._behind.screen, self._behind.color) != (shown.screen, shown.color):
            self._behind = Behind(shown.screen, shown.color)
        return self._behind  # type: ignore[return-value]  # the toolkit takes its visuals as well as Rich's


class Behind(Visual):
    """A screen under a colour, as it was when it was first drawn in this size."""

    def __init__(self, screen: Screen[object], color: Color) -> None:
        self.screen = screen
        self.color = color
        self._drawn: tuple[Size, list[Strip]] | None = None

    def render_strips(self, width: int, height: int | None, style: Style, options: RenderOptions) -> list[Strip]:
        """The screen's lines."""
        size = Size(width, height or self.screen.size.height)
        if self._drawn is None or self._drawn[0] != size:
            self._drawn = size, [self._dimmed(line) for line in self.screen._compositor.render_strips(size)]
        return self._drawn[1]

    def _dimmed(self, line: Strip) -> Strip:
        return Strip([Segment(s.text, tinted(s.style, self.color), s.control) for s in line], line.cell_length)

    def get_optimal_width(self, rules: RulesMap, container_width: int) -> int:
        """As wide as there is room."""
        return container_width

    def get_height(self, rules: RulesMap, width: int) -> int:
        """As high as the screen."""
        return self.screen.size.height


@lru_cache(4096)
def tinted(style: RichStyle | None, color: Color) -> RichStyle:
    """A style under a colour with some transparency, without links and what a click would do."""
    plain = style.clear_meta_and_links() if style is not None else RichStyle()
    if color.a == 0:
        return plain
    front, back = (
        (Color.from_rich_color(each) + color).rich_color if each is not None else None
        for each in (plain.color, plain.bgcolor)
    )
    return plain + RichStyle.from_color(front, back)
