"""The base of the console's widgets: lines of cells, painted when they change, and only those that changed."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from rich.segment import Segment
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from console.format import Cell, Line, Tone, fit, width_of
from console.tui.keys import Remappable
from console.tui.theme import Palette, palette_of


class Ground(StrEnum):
    """What a line lies on."""

    PLAIN = "plain"
    CURSOR = "cursor"
    CURSOR_AWAY = "cursor-away"
    BAR = "bar"
    FADED = "faded"


class Drawn(NamedTuple):
    """A line with its ground. Cells of the tone FRAME keep out of it."""

    line: Line
    ground: Ground = Ground.PLAIN


BLANK = Drawn(())


class Painted(Remappable, Widget):
    """A widget that draws what `build` returns. `repaint` rebuilds it and refreshes the lines that differ."""

    class Resized(Message):
        """Posted when the widget has another size."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 - as in Textual
        super().__init__(id=id, classes=classes)
        self._drawn: list[Drawn] = []
        self._built_for = Size(0, 0)
        self._strips: dict[tuple[Drawn, int], Strip] = {}

    def build(self, width: int, height: int) -> list[Drawn]:
        """The lines to draw in a space of `width` × `height` cells; missing ones are blank."""
        raise NotImplementedError

    @property
    def palette(self) -> Palette:
        """The styles of the theme that is on."""
        return palette_of(self.app)

    def repaint(self) -> None:
        """Build anew and refresh what changed. Cheap when nothing did; nothing happens before the first layout."""
        width, height = self.size
        if not width or not height or not self.is_attached:
            return
        before, known = self._drawn, self._built_for == self.size
        self._built_for = self.size
        self._drawn = drawn = self.build(width, height)[:height]
        if not known or len(before) != len(drawn):
            self.refresh()
            return
        changed = [y for y, (old, new) in enumerate(zip(before, drawn, strict=True)) if old != new]
        if len(changed) > 12:
            self.refresh()
        elif changed:
            self.refresh(*(Region(0, y, width, 1) for y in changed))

    def render_line(self, y: int) -> Strip:
        """One painted line (the toolkit asks for it, for a new widget before it tells it of its size)."""
        width, height = self.size
        if self._built_for != self.size and width and height:
            self._built_for = self.size
            self._drawn = self.build(width, height)[:height]
        drawn = self._drawn[y] if y < len(self._drawn) else BLANK
        key = (drawn, width)
        strip = self._strips.get(key)
        if strip is None:
            if len(self._strips) > 400:
                self._strips.clear()
            strip = self._strips[key] = paint(drawn, width, self.palette, focused=self.has_focus)
        return strip

    def notify_style_update(self) -> None:
        """The theme or the styles have changed: nothing painted before holds."""
        super().notify_style_update()
        self._strips.clear()

    def on_resize(self, event: events.Resize) -> None:
        """Lines depend on the width; what is to be shown may depend on the room."""
        self.repaint()
        self.post_message(self.Resized())

    def watch_has_focus(self, has_focus: bool) -> None:
        """The frame and the cursor show the focus (the event itself comes before the widget has it)."""
        super().watch_has_focus(has_focus)
        self._strips.clear()
        self._drawn = []
        self.repaint()


def paint(drawn: Drawn, width: int, palette: Palette, *, focused: bool) -> Strip:
    """A drawn line as exactly `width` cells of styled text."""
    line, ground = drawn
    base = palette.ground
    if ground in (Ground.CURSOR, Ground.CURSOR_AWAY, Ground.BAR):
        base += getattr(palette, ground.name.lower())
    edge = palette.frame_focus if focused else palette.frame
    solid = palette.solid and ground is Ground.CURSOR
    segments: list[Segment] = []
    used = 0
    for text, tone in line:
        if used >= width:
            break
        length = width_of(text)
        if used + length > width:
            text = fit(text, width - used)  # noqa: PLW2901 - cut to what is left
            length = width - used
        used += length
        if tone is Tone.FRAME:
            segments.append(Segment(text, palette.ground + edge))
        else:
            ink = base if solid else base + (palette.faded if ground is Ground.FADED else palette.tones[tone])
            segments.append(Segment(text, ink))
    if used < width:
        segments.append(Segment(" " * (width - used), base))
    return Strip(segments, width)


def pad_line(line: Line, width: int) -> Line:
    """`line` in exactly `width` cells: cut at the end with an ellipsis, or padded with blanks."""
    out: list[Cell] = []
    left = width
    for text, tone in line:
        length = width_of(text)
        if length > left:
            out.append(Cell(fit(text, left), tone))
            return tuple(out)
        out.append(Cell(text, tone))
        left -= length
    if left:
        out.append(Cell(" " * left, Tone.PLAIN))
    return tuple(out)


def spread(left: Line, right: Line, width: int) -> Line:
    """`left` at the left edge, `right` at the right one; `left` gives way."""
    used = sum(width_of(c.text) for c in right)
    if used >= width:
        return pad_line(right, width)
    return (*pad_line(left, width - used), *right)
