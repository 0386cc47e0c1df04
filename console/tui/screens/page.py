"""The base of the numbered screens: header above, keys below, and what all of them know how to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widget import Widget

from console.format import Cell, Tone
from console.ports import Action, Result
from console.snapshots import Progress
from console.tui.acting import Question
from console.tui.keys import Remappable
from console.tui.state import Kind, Kinds, Known
from console.tui.widgets.bars import Hints, TopBar
from console.tui.widgets.lines import OneLine
from console.tui.widgets.painted import Painted

if TYPE_CHECKING:
    from console.tui.app import LeadsApp
    from console.tui.widgets.prompt import Prompt


LARGER = " Make the terminal larger: 80×24."
"""Stands for the panels that a very small terminal has no room for."""
OLD_S = 1.5
"""A reading older than this is drawn again each second; a fresh one was drawn when it came."""


class Page(Remappable, Screen[None]):
    """A numbered screen. Subclasses give `content` and draw it in `show`."""

    NAME: ClassVar[str] = ""
    KINDS: ClassVar[Kinds] = frozenset(Kind)
    """What it shows the age of."""
    CHANGING: ClassVar[frozenset[str]] = frozenset()
    """Actions that change something: a read-only console does not offer them, and tells who presses their key so."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide"), (160, "-huge")]  # noqa: RUF012 - as the toolkit has it
    VERTICAL_BREAKPOINTS = [(0, "-flat"), (20, "-low"), (34, "-tall"), (50, "-high")]  # noqa: RUF012

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", show=False),
    ]

    def __init__(self, known: Known) -> None:
        super().__init__()
        self.known = known
        self._before_prompt: Widget | None = None
        self._prompt: Prompt | None = None
        self._waiting: list[Callable[[], None]] = []
        self._redrawing = False
        self.ready = False
        self._edges = (TopBar(known, self.NAME), Hints(known, self.offers, self.worded))
        self._larger = OneLine(id="larger")

    @property
    def leads_app(self) -> LeadsApp:
        """The app, by its type."""
        return cast("LeadsApp", self.app)

    def compose(self) -> ComposeResult:
        """Header, content, keys."""
        top, bottom = self._edges
        yield top
        yield from self.content()
        yield self._larger
        yield bottom

    def content(self) -> ComposeResult:
        """The widgets between header and keys."""
        raise NotImplementedError

    def on_mount(self) -> None:
        """Everything is in place (a subclass's own handler has run before)."""
        self.ready = True
        self._larger.show((Cell(LARGER, Tone.WARN),))
        waiting, self._waiting = self._waiting, []
        for do in waiting:
            do()

    def on_resize(self, event: events.Resize) -> None:
        """Panels that do not fit beside the most important one make room for it."""
        self.set_class(event.size.width < 76, "-slim")
        self.set_class(event.size.width < 48 or event.size.height < 13, "-tiny")

    def when_ready(self, do: Callable[[], None]) -> None:
        """Call `do` now, or as soon as the screen is in place."""
        if self.ready:
            do()
        else:
            self._waiting.append(do)

    def when_listed(self, do: Callable[[], None]) -> None:
        """Call `do` as soon as there is something on the screen to do it to."""
        self.when_ready(do)

    def show(self, kinds: Kinds | None) -> None:
        """Draw what depends on those readings, which have changed; None: everything, as it is known."""
        raise NotImplementedError

    def read_again(self) -> None:
        """Read anew what this screen reads by itself."""

    def tick(self) -> None:
        """A second has passed: what has not been read meanwhile has grown older."""
        self.refresh_edges()
        now = self.known.now()
        if any(now - self.known.reading(kind).taken_at > OLD_S for kind in self.KINDS):
            self.show(None)

    def refresh_edges(self) -> None:
        """Draw header and keys."""
        if self.is_current and self.ready:
            top, bottom = self._edges
            top.repaint()
            bottom.refresh_doing()

    def on_screen_resume(self) -> None:
        """Nothing was drawn while another screen was on top."""
        if self.ready:
            self.refresh_edges()
            self.show(None)

    def on_painted_resized(self, message: Painted.Resized) -> None:
        """What is drawn depends on the room there is: draw again once everything has its new size."""
        message.stop()
        if not self._redrawing:
            self._redrawing = True
            self.call_after_refresh(self._redraw)

    def _redraw(self) -> None:
        self._redrawing = False
        if self.ready and self.is_current:
            self.show(None)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Take the verbs away from a read-only console: their keys are known, and do nothing."""
        return None if self.known.read_only and action in self.CHANGING else True

    def on_key(self, event: events.Key) -> None:
        """A key that would change something says that this console only reads."""
        active = self.active_bindings.get(event.key) if self.known.read_only else None
        action = active.binding.action.rpartition(".")[2] if active is not None and not active.enabled else ""
        if action in self.CHANGING:
            event.stop()
            if self.reads_now(action):
                self.leads_app.action_read_now()
            else:
                self.leads_app.acting.refuse()

    def reads_now(self, action: str) -> bool:
        """Whether that action reads again just now, because a reading has failed."""
        return False

    def offers(self, action: str) -> bool:
        """Whether the action's key is worth a hint now. One that is pressed anyway says why nothing is done."""
        return True

    def worded(self, action: str) -> str:
        """What the action's key does now, where it is another thing than the binding says; else ""."""
        return ""

    def act(
        self,
        action: Action,
        label: str,
        question: Question | None = None,
        then: Callable[[Result], None] | None = None,
        *,
        total: int = 0,
        ended: Callable[[Result], None] | None = None,
        stepped: Callable[[Progress], None] | None = None,
    ) -> None:
        """Do something, asking first if there is a question: see Acting. `total`: how many will be looked at."""
        self.leads_app.acting.begin(action, label, question, then, total=total, ended=ended, stepped=stepped)

    def action_back(self) -> None:
        """Leave what is open; at the top nothing is."""

    # --- the prompt in the place of the keys

    def prompt(self, label: str, value: str = "", *, hint: str = "", purpose: str = "search") -> None:
        """Ask for a line of text below; the screen gets Prompt.Typed and Prompt.Ended."""
        from console.tui.widgets.prompt import Prompt

        self.open_prompt(Prompt(label, value, hint=hint, purpose=purpose))

    def open_prompt(self, prompt: Prompt) -> None:
        """Put a prompt in the place of the keys, unless there is one."""
        if self.query(".prompt"):
            return
        self._before_prompt = self.focused
        self._prompt = prompt
        self._edges[1].add_class("-covered")
        self.mount(prompt.add_class("prompt"))

    def close_prompt(self) -> None:
        """Take the prompt away; the focus goes back."""
        for prompt in self.query(".prompt"):
            prompt.remove()
        self._prompt = None
        self._edges[1].remove_class("-covered")
        if self._before_prompt is not None:
            self._before_prompt.focus()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A prompt that has lost the focus to a panel, by a click or the tab key, is done with."""
        prompt = self._prompt
        if prompt is not None and prompt not in event.widget.ancestors:
            self._before_prompt = event.widget
            self._prompt = None
            prompt.call_later(prompt.leave)  # as its own: what a screen says in its stead ends at the screen
