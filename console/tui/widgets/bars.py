"""The lines at the edges of every screen: figures and screens above, keys (or the action under way) below."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from textual import events
from textual.binding import Binding
from textual.message import Message

from console.format import Cell, Line, Tone, line_width, number, width_of
from console.tui.present.header import ages, figures, tabs
from console.tui.state import Known
from console.tui.widgets.painted import Drawn, Ground, Painted, spread


class TopBar(Painted):
    """Two lines: the stack's figures; the screens, the age of the readings, the time."""

    class Chosen(Message):
        """Posted when a screen's name is clicked."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self, known: Known, current: str) -> None:
        super().__init__()
        self._known = known
        self._current = current
        self._spans: list[tuple[int, int, str]] = []

    def build(self, width: int, height: int) -> list[Drawn]:
        """Both lines."""
        line, self._spans = tabs(self._current, width)
        room = max(width - line_width(line), 10)
        return [
            Drawn(figures(self._known, width), Ground.BAR),
            Drawn(spread(line, ages(self._known, room), width)),
        ]

    def on_click(self, event: events.Click) -> None:
        """Go to the screen that was clicked."""
        if event.y == 1:
            for start, end, name in self._spans:
                if start <= event.x < end:
                    self.post_message(self.Chosen(name))


KEY_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "exclamation_mark": "!",
    "escape": "esc",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "colon": ":",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "full_stop": ".",
}


def progress(done: int, total: int, width: int = 16) -> tuple[Cell, ...]:
    """A bar and its figures: "━━━━━─────  1,204 of 9,000"."""
    full = min(width * done // total, width) if total else 0
    figures = f" {number(done)} of {number(total)}"
    return (Cell("  "), Cell("━" * full, Tone.ACCENT), Cell("─" * (width - full), Tone.RULE), Cell(figures, Tone.DIM))


def key_name(key: str) -> str:
    """A key as an operator calls it."""
    return KEY_NAMES.get(key, key)


@cache
def declared_in(kind: type) -> tuple[str, ...]:
    """The actions that a class binds, in the order of their declaration, those of its bases first."""
    bound = (each for cls in reversed(kind.__mro__) for each in cls.__dict__.get("BINDINGS", ()))
    return tuple(dict.fromkeys(each.action for each in bound if isinstance(each, Binding)))


class Hints(Painted):
    """One line: the keys of this context, `? help` always at the right; or the action under way.

    `offers` says of an action whether there is something to do for it now, `worded` what it is called now ("" for
    what its binding says).
    """

    def __init__(self, known: Known, offers: Callable[[str], bool], worded: Callable[[str], str]) -> None:
        super().__init__()
        self._known = known
        self._offers = offers
        self._worded = worded
        self._spans: list[tuple[int, int, Binding]] = []
        self._busy = False

    def refresh_doing(self) -> None:
        """Draw the action under way; the keys are drawn when they change."""
        if self._known.doing or self._busy:
            self.repaint()

    def on_mount(self) -> None:
        """Keys change with the focus and with what a screen allows."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _screen: self.repaint())

    def build(self, width: int, height: int) -> list[Drawn]:
        """The line."""
        right: Line = (Cell("  "), Cell("?", Tone.KEY), Cell(" help ", Tone.DIM))
        room = width - line_width(right)
        self._spans = []
        left = self._under_way()
        self._busy = bool(left)
        left = left or self._keys(room)
        return [Drawn(spread(left, right, width), Ground.BAR)]

    def _under_way(self) -> Line:
        doing = list(self._known.doing.values())
        if not doing:
            return ()
        last = doing[-1]
        line = [Cell(" ◐ ", Tone.ACCENT), Cell(last.label, Tone.STRONG)]
        if last.step and last.step.total:
            line += progress(last.step.done, last.step.total)
        line.append(Cell(f"  {self._known.now() - last.started_at:.0f} s", Tone.DIM))
        if len(doing) > 1:
            line.append(Cell(f" and {len(doing) - 1} more", Tone.DIM))
        if last.step:
            line.append(Cell(f" · {last.step.text}", Tone.PLAIN))
        return tuple(line)

    def _keys(self, room: int) -> Line:
        cells: list[Cell] = [Cell(" ")]
        used = 1
        for binding in self._offered():
            key, what = (
                binding.key_display or key_name(binding.key),
                self._worded(binding.action) or binding.description,
            )
            length = width_of(key) + 1 + width_of(what) + 2
            if used + length > room:
                break
            self._spans.append((used, used + length - 2, binding))
            cells += [Cell(key, Tone.KEY), Cell(f" {what}  ", Tone.DIM)]
            used += length
        return tuple(cells)

    def _offered(self) -> list[Binding]:
        """What is shown: the keys of what has the focus, then the screen's, in the order they are declared."""
        shown: dict[str, Binding] = {}
        declared: dict[str, int] = {}
        for active in self.screen.active_bindings.values():
            for action in declared_in(type(active.node)):
                declared.setdefault(action, len(declared))
            if active.enabled and active.binding.show and self._offers(active.binding.action):
                shown.setdefault(active.binding.action, active.binding)
        return sorted(shown.values(), key=lambda binding: declared.get(binding.action, 0))

    def on_click(self, event: events.Click) -> None:
        """A click on a key is that key."""
        for start, end, binding in self._spans:
            if start <= event.x < end:
                self.app.simulate_key(binding.key)
                return
        if event.x >= self.size.width - 8:
            self.app.simulate_key("question_mark")
