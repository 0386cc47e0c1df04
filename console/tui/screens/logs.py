"""Screen 2: the log of all services or some, merged, searched, followed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from console.format import safe
from console.loglines import ERROR, INFO, WARN
from console.tui.logbook import LogFilter, compiled
from console.tui.logfeed import RETRY_S
from console.tui.present.logs import SINCE
from console.tui.present.services import ordered
from console.tui.saving import default_name, save
from console.tui.screens.page import Page
from console.tui.state import Kind, Kinds, Known
from console.tui.widgets.logbar import LogBar
from console.tui.widgets.logpane import LogPane
from console.tui.widgets.prompt import Prompt
from console.tui.work import begin

LEVEL_STEPS = (0, INFO, WARN, ERROR)
TIME_STEPS = ("ms", "s", "")

T = TypeVar("T")


def _next(steps: Sequence[T], step: T) -> T:
    return steps[(steps.index(step) + 1) % len(steps)]


class Logs(Page):
    """See the module."""

    NAME = "logs"
    CSS = """
    #log { height: 1fr; }
    Logs.-full TopBar, Logs.-full Hints, Logs.-full #log-bar { display: none; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search"),
        Binding("enter", "unfold", "unfold", key_display="enter"),
        Binding("L", "level", "level"),
        Binding("a", "services", "services"),
        Binding("f", "full", "full"),
        Binding("w", "wrap", "wrap"),
        Binding("t", "times", "time"),
        Binding("m", "note", "mark"),
        Binding("S", "save", "save"),
        Binding("c", "copy", "copy"),
        Binding("i", "since", "since"),
        Binding("exclamation_mark", "inverse", "inverse"),
        Binding("n", "find(1)", "next match or mark", show=False),
        Binding("N", "find(-1)", "previous match or mark", show=False),
        Binding("escape", "back", "clear the search", show=False),
    ]

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self.pane = LogPane(known.logs, id="log")
        self.line = LogBar(self.pane, id="log-bar")

    def content(self) -> ComposeResult:
        """The line above, and the log."""
        yield self.line
        yield self.pane

    def on_mount(self) -> None:
        """Draw what there is."""
        self.pane.focus()
        self.show(None)

    # --- drawing

    def show(self, kinds: Kinds | None) -> None:
        """The names of the services come from the stack; lines come through `lines_added`."""
        if kinds is None or Kind.STACK in kinds:
            pane = self.pane
            names = self._names()
            widest = max((len(name) + (2 if self._several(name) else 0) for name in names), default=7)
            look = replace(pane.look, services=names, who_width=max(6, min(widest, 14)))
            if look != pane.look:
                pane.look = look
            pane.empty = self._empty()
            self._slide()
            pane.refreshed()
            self._bar()

    def tick(self) -> None:
        """A second has passed."""
        super().tick()
        self._slide()

    def _slide(self) -> None:
        """The last minutes are others by now; what somebody reads stays."""
        pane = self.pane
        if self.line.span_s and pane.following and pane.view.slide(self.known.now() - self.line.span_s):
            pane.empty = self._empty()
            pane.refreshed()
            self.line.tell()

    def lines_added(self, changed_from: int) -> None:
        """The log has grown."""
        self.pane.view.update(changed_from)
        if self.is_current:
            self.pane.refreshed()
            self._bar()

    def _names(self) -> tuple[str, ...]:
        stack = self.known.stack.value
        if stack is not None:
            return tuple(service.name for service in ordered(stack))
        return tuple(sorted({e.line.service for e in self.known.logs.entries[-1000:]}))

    def _several(self, name: str) -> bool:
        stack = self.known.stack.value
        if stack is None:
            return len({e.line.replica for e in self.known.logs.entries[-500:] if e.line.service == name}) > 1
        return any(s.name == name and len(s.replicas) > 1 for s in stack.services)

    def _empty(self) -> str:
        if self.known.logs_error:
            return f"✖ {self.known.logs_error.rstrip('.')}. It is tried again every {RETRY_S:.0f} s."
        if not self.pane.view.filter.off and len(self.known.logs):
            return "No line matches. Esc clears the search, L the level, i the time, a the services."
        return "No log lines yet: services that run write them. 1 shows the services, u starts them."

    def _bar(self) -> None:
        error = self.known.logs_error
        if self.pane.broken is not bool(error):
            self.pane.broken = bool(error)
            self.pane.empty = self._empty()
            self.pane.refreshed()
        self.line.trouble = f"✖ {error}" if error and len(self.known.logs) else ""
        self.line.tell()

    def on_log_pane_acted(self, message: LogPane.Acted) -> None:
        """The reader has moved."""
        self._slide()
        if message.note:
            self.line.say(message.note)
        else:
            self.line.tell()

    # --- the filter

    def choose(self, chosen: LogFilter) -> None:
        """Show only what passes; the newest lines are searched first, in slices that leave keys answered."""
        pane = self.pane
        chosen = replace(chosen, regex=compiled(chosen.pattern))
        if chosen == pane.view.filter:
            return
        pane.look = replace(pane.look, regex=None if chosen.inverse else chosen.regex)
        begin(self, partial(self._scan, chosen), "scan", exclusive=True)

    async def _scan(self, chosen: LogFilter) -> None:
        pane = self.pane
        for count, _left in enumerate(pane.view.scan(chosen)):
            if count % 4 == 0:
                pane.empty = self._empty()
                pane.refreshed()
                self._bar()
            await asyncio.sleep(0)
        pane.empty = self._empty()
        pane.keep_in_sight()
        pane.refreshed()
        self._bar()

    @property
    def chosen(self) -> LogFilter:
        """The filter that is on."""
        return self.pane.view.filter

    def action_search(self) -> None:
        """Type a pattern."""
        self.prompt("/", self.chosen.pattern, hint="regular expression; a leading ! hides what matches")

    def on_prompt_typed(self, message: Prompt.Typed) -> None:
        """Search while typing."""
        message.stop()
        if message.prompt.purpose == "search":
            self._search(message.text)

    def on_prompt_ended(self, message: Prompt.Ended) -> None:
        """Enter keeps what was typed, Escape what was there before."""
        message.stop()
        self.close_prompt()
        if message.prompt.purpose == "search":
            self._search(message.text)
        elif message.kept and message.text.strip():
            self._save(message.text.strip())

    def _search(self, text: str) -> None:
        inverse = text.startswith("!")
        self.choose(replace(self.chosen, pattern=text[1:] if inverse else text, inverse=inverse and len(text) > 1))

    def action_inverse(self) -> None:
        """Hide what matches, or show only that."""
        if self.chosen.pattern:
            self.choose(replace(self.chosen, inverse=not self.chosen.inverse))
        else:
            self.line.say("type a pattern first: /")

    def action_level(self) -> None:
        """Raise the lowest level shown; past error, show all again."""
        self.choose(replace(self.chosen, level=_next(LEVEL_STEPS, self.chosen.level)))

    def action_since(self) -> None:
        """Show the last 1, 5, 15, 60 minutes, or everything."""
        self.line.span_s = _next(tuple(SINCE), self.line.span_s)
        self.choose(replace(self.chosen, since=self.known.now() - self.line.span_s if self.line.span_s else 0.0))
        self._bar()

    def action_services(self) -> None:
        """Choose services."""
        from console.tui.screens.choose import Choose

        names = self._names()
        shown = {name for name in names if name not in self.chosen.hidden}

        def chosen(result: frozenset[str] | None) -> None:
            if result is not None:
                self.show_services(result)

        self.app.push_screen(Choose("Services in the log", names, shown), chosen)

    def show_services(self, names: frozenset[str] | set[str]) -> None:
        """Show only these services' lines."""
        self.choose(replace(self.chosen, hidden=frozenset(self._names()) - names))

    def show_matching(self, pattern: str) -> None:
        """Show all lines that match a pattern, from every service and level."""
        self.line.span_s = 0
        self.choose(LogFilter(pattern=pattern))

    def action_back(self) -> None:
        """Leave full screen, else clear the search, else show everything."""
        if self.has_class("-full"):
            self.action_full()
        elif self.chosen.pattern:
            self.choose(replace(self.chosen, pattern="", inverse=False))
        elif not self.chosen.off:
            self.line.span_s = 0
            self.choose(LogFilter())
        else:
            self.pane.action_follow()

    # --- the look

    def action_wrap(self) -> None:
        """Wrap long lines, or cut them."""
        self.pane.look = replace(self.pane.look, wrap=not self.pane.look.wrap)
        self.pane.keep_in_sight()
        self.pane.refreshed()

    def action_times(self) -> None:
        """Milliseconds, seconds, no times."""
        self.pane.look = replace(self.pane.look, times=_next(TIME_STEPS, self.pane.look.times))
        self.pane.refreshed()

    def action_full(self) -> None:
        """Nothing but the log."""
        self.toggle_class("-full")

    def action_unfold(self) -> None:
        """Unfold the line under the cursor."""
        self.pane.action_fold()

    def action_find(self, direction: int) -> None:
        """The next match or mark."""
        self.pane.action_find(direction)

    def action_note(self) -> None:
        """Mark the line under the cursor."""
        self.pane.action_mark()

    # --- taking lines away

    def action_copy(self) -> None:
        """Copy the line under the cursor to the terminal's clipboard (OSC 52)."""
        entry = self.pane.entry
        if entry is None:
            return
        self.app.copy_to_clipboard(safe(entry.line.text, 100_000))
        self.line.say("copied the line")

    def action_save(self) -> None:
        """Write the lines that are shown to a file."""
        self.prompt("save to ", default_name("logs", self.known.now()), purpose="save")

    def _save(self, name: str) -> None:
        begin(self, partial(save, self.leads_app, name, [entry.line for entry in self.pane.view.entries]), "save")
