"""A panel with a rounded frame: title and figures in the top edge, a thumb in the right one, and the state of its data.

The frame is drawn by the widget itself, so that a panel is one widget and a change repaints one line.
"""

from __future__ import annotations

from console.format import Cell, Line, Tone, fit, line_width, width_of, wrap
from console.tui.present.supply import FRESH, Health, Supply
from console.tui.widgets.painted import Drawn, Ground, Painted, pad_line


class Framed(Painted):
    """A framed panel. Subclasses draw `body` and call `repaint` when it has changed."""

    def __init__(self, title: str = "", *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.title = title
        self.meta: Line = ()
        self.foot: Line = ()
        self.health: Health = FRESH
        self.empty: Line = ()

    def body(self, width: int, height: int) -> list[Drawn]:
        """The lines inside the frame; an empty list shows the `empty` sentence."""
        raise NotImplementedError

    def thumb(self, height: int) -> tuple[int, int]:
        """First line and length of the scroll thumb within `height`; length 0 when everything is visible."""
        return (0, 0)

    def build(self, width: int, height: int) -> list[Drawn]:
        """Frame, state, body."""
        if width < 4 or height < 2:
            return []
        inner = width - 2
        lines = [self._top(width)]
        body = self._content(inner - 2, height - 2)
        start, length = self.thumb(height - 2)
        for y in range(height - 2):
            drawn = body[y] if y < len(body) else Drawn(())
            edge = Cell("┃" if start <= y < start + length else "│", Tone.FRAME)
            line = pad_line(drawn.line, inner - 1)
            lines.append(Drawn((Cell("│", Tone.FRAME), Cell(" "), *line, edge), drawn.ground))
        lines.append(self._bottom(width))
        return lines

    def _content(self, width: int, height: int) -> list[Drawn]:
        supply, text = self.health.supply, self.health.text
        if supply is Supply.SILENT:
            return []
        if supply is Supply.LOADING:
            return [Drawn((Cell("reading…", Tone.DIM),))]
        if supply is Supply.FAILED:
            parts = wrap(f"✖ {text}", width)
            rest = self.body(width, max(height - min(len(parts), 3), 0))
            room = 3 if rest else max(height, 1)
            if len(parts) > room:
                parts[room - 1 :] = [fit(f"{parts[room - 1]} {parts[room]}", width)]
            return [Drawn((Cell(part, Tone.BAD),)) for part in parts] + [Drawn(d.line, Ground.FADED) for d in rest]
        body = self.body(width, height)
        if not body and self.empty:
            joined = "".join(cell.text for cell in self.empty)
            return [Drawn((Cell(part, Tone.DIM),)) for part in wrap(joined, width)]
        if supply is Supply.STALE:
            return [Drawn(d.line, Ground.FADED) for d in body]
        return body

    def _top(self, width: int) -> Drawn:
        meta = self.meta
        if self.health.supply is Supply.STALE:
            meta = (Cell(f"⧖ {self.health.text}".rstrip(), Tone.DIM),)
        room = width - 4
        title: Line = (Cell(f" {self.title} ", Tone.STRONG if self.has_focus else Tone.PLAIN),) if self.title else ()
        right: Line = (Cell(" "), *meta, Cell(" ")) if meta else ()
        if line_width(title) + line_width(right) > room:
            right = ()
        dashes = max(room - line_width(title) - line_width(right), 0)
        middle = Cell("─" * dashes, Tone.FRAME)
        line = pad_line((*title, middle, *right), room)
        return Drawn((Cell("╭─", Tone.FRAME), *line, Cell("─╮", Tone.FRAME)))

    def _bottom(self, width: int) -> Drawn:
        room = width - 4
        foot = self.foot
        if self.health.foot:
            text = self.health.foot
            if width_of(text) > room - 2:
                text = text.partition(" · ")[2]
            foot = (Cell(text, Tone.BAD if self.health.supply is Supply.FAILED else Tone.DIM),)
        if foot:
            foot = (Cell(" "), *foot, Cell(" "))
        dashes = max(room - line_width(foot), 0)
        line = pad_line((Cell("─" * dashes, Tone.FRAME), *foot), room)
        return Drawn((Cell("╰─", Tone.FRAME), *line, Cell("─╯", Tone.FRAME)))


def thumb_of(total: int, shown: int, offset: int, height: int) -> tuple[int, int]:
    """Where a scroll thumb stands in `height` lines; length 0 when all `total` lines are shown."""
    if total <= shown or height < 2:
        return (0, 0)
    length = max(1, round(height * shown / total))
    reach = height - length
    return (round(reach * offset / max(total - shown, 1)), length)
