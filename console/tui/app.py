"""The app: owns what is known, polls the sources, routes what they say to the screen that is open."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from textual.app import App, ScreenStackError
from textual.binding import Binding, BindingType
from textual.command import Provider

from api.models import JobState
from console.poller import Poller, one_line
from console.ports import Action, Runner, Sources, Verb
from console.snapshots import LogLine, Reading
from console.tui.acting import Acting
from console.tui.logbook import MAX_BYTES, Logbook
from console.tui.logfeed import LogFeed
from console.tui.messages import Logged, Read
from console.tui.screens.overview import Overview
from console.tui.screens.page import Page
from console.tui.state import INTERVALS_S, TIMEOUTS_S, Kind, Known
from console.tui.theme import THEMES, first_theme, next_theme
from console.tui.widgets.bars import TopBar
from console.tui.work import begin

UNWATCHED_S = 600.0
"""How often volumes are read while nobody looks: for the warning before the disk is full, and for how they grow."""
FIRST_VOLUMES_S = 20.0
PAGES = ("overview", "logs", "queue", "leads", "volumes", "activity")
OnQuit = Callable[[], Awaitable[None]]


def _commands() -> type[Provider]:
    from console.tui.commands import LeadsCommands

    return LeadsCommands


class LeadsApp(App[None]):
    """The console's terminal UI.

    Args:
        sources: what is read.
        runner: what does things.
        title: the stack's name in the header.
        read_only: take all verbs away (also if the runner is read-only).
        theme: "dark", "light", "terminal", or "auto" for what the terminal can show.
        log_memory: bytes that the kept log lines may take.
        on_quit: awaited before the app ends, while it says that it is closing; cleans up what the caller started.
        clock: epoch seconds.
    """

    CSS_PATH = str(Path(__file__).with_name("app.tcss"))
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"
    NOTIFICATION_TIMEOUT = 5
    AUTO_FOCUS = None
    DEFAULT_MODE = "overview"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {_commands}

    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(n), f"go('{name}')", name, show=False) for n, name in enumerate(PAGES, 1)),
        Binding("question_mark", "help", "help", show=False),
        Binding("ctrl+p,colon", "command_palette", "commands", show=False),
        Binding("f5,ctrl+r", "read_now", "read everything now", show=False),
        Binding("f2", "other_theme", "dark, light, the terminal's colours", show=False),
        Binding("q", "quit", "quit", show=False),
        Binding("ctrl+c", "quit", "quit", show=False, priority=True),
    ]

    def __init__(
        self,
        sources: Sources,
        runner: Runner,
        *,
        title: str = "leads",
        read_only: bool = False,
        theme: str = "auto",
        log_memory: int = MAX_BYTES,
        on_quit: OnQuit | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(ansi_color=True if os.environ.get("NO_COLOR") else None)
        for each in THEMES.values():
            self.register_theme(each)
        # Before the style sheet is parsed: afterwards it would be parsed again.
        self.theme = first_theme(theme, self.console.color_system, os.environ).name
        self.sources = sources
        self.known = Known(title, clock, read_only=read_only or runner.read_only, started_at=clock())
        self.known.logs = Logbook(log_memory)
        self.acting = Acting(self, runner, self.known, self.poke)
        self._runner = runner
        self._on_quit = on_quit
        self._leaving = False
        self._pollers: dict[Kind, Poller[Any]] = {}
        self._pages: dict[str, Page] = {}
        for name in PAGES:
            self.add_mode(name, partial(self._make, name))

    def on_mount(self) -> None:
        """Paint first, then read."""
        self.known.started_at = self.known.now()
        self.call_after_refresh(self._begin)

    async def on_unmount(self) -> None:
        """However the app ends: nothing goes on reading."""
        await self._stop_reading()

    async def _stop_reading(self) -> None:
        pollers, self._pollers = list(self._pollers.values()), {}
        for poller in pollers:
            await poller.stop()

    def _begin(self) -> None:
        sources = self.sources
        self._poll(Kind.STACK, sources.stack.read)
        self._poll(Kind.QUEUE, sources.queue.read)
        self._poll(Kind.LEADS, sources.leads.read)
        begin(self, LogFeed(self, sources.stack, self._say_logged).run, "logs")
        self.set_timer(FIRST_VOLUMES_S, self._first_volumes)
        self.set_interval(1.0, self._tick)
        self.set_timer(0.25, self._tick)  # the panels that are still empty say that they are being read

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """What a theme that is not the console's own lacks."""
        return {"dim": "#808080", "frame": "#606060"}

    # --- reading

    def _poll(self, kind: Kind, read: Callable[[], Awaitable[Any]]) -> None:
        poller = Poller(
            read,
            partial(self._say, kind),
            interval_s=INTERVALS_S[kind],
            timeout_s=TIMEOUTS_S[kind],
            clock=self.known.clock,
        )
        self._pollers[kind] = poller
        poller.start()

    def _say(self, kind: Kind, reading: Reading[Any]) -> None:
        self.post_message(Read(kind, reading))

    def watch_volumes(self, *, on: bool) -> None:
        """Volumes are slow to read: often only while somebody looks."""
        if on:
            self._read_volumes()
        if (poller := self._pollers.get(Kind.VOLUMES)) is not None:
            poller.pace(INTERVALS_S[Kind.VOLUMES] if on else UNWATCHED_S)

    def _read_volumes(self) -> None:
        if self.sources.volumes is None or self._leaving:
            return
        if Kind.VOLUMES in self._pollers:
            self._pollers[Kind.VOLUMES].poke()
        else:
            self._poll(Kind.VOLUMES, self.sources.volumes.read)

    def _first_volumes(self) -> None:
        if Kind.VOLUMES not in self._pollers:
            self._read_volumes()
            self.watch_volumes(on=False)

    def poke(self) -> None:
        """Read everything as soon as possible."""
        for poller in self._pollers.values():
            poller.poke()

    def action_read_now(self) -> None:
        """Read everything now, whatever backoff says."""
        self.poke()
        if self.page is not None:
            self.page.read_again()

    def on_read(self, message: Read) -> None:
        """A reading has come: take it in, and let the open screen draw it."""
        before = self.known.reading(message.kind)
        if self.known.take(message.kind, message.reading):
            page = self.page
            same = not before.error and not message.reading.error and before.value == message.reading.value
            if page is not None and not same:
                if message.kind is Kind.QUEUE or message.reading.error:
                    page.refresh_edges()
                page.show(message.kind)

    def _tick(self) -> None:
        page = self.page
        if page is not None:
            page.tick()

    @property
    def page(self) -> Page | None:
        """The numbered screen that can be seen, None while a box is over it."""
        try:
            screen = self.screen
        except ScreenStackError:  # the app is closing
            return None
        return screen if isinstance(screen, Page) and screen.ready else None

    # --- the log

    def _say_logged(self, lines: list[LogLine], error: str) -> None:
        self.post_message(Logged(lines, error))

    def on_logged(self, message: Logged) -> None:
        """Lines have come: keep them; the log's screen draws what is visible of them."""
        known = self.known
        known.logs_error = message.error
        changed_from = known.logs.extend(message.lines)
        page = self._pages.get("logs")
        if page is not None and page.ready:
            from console.tui.screens.logs import Logs

            if isinstance(page, Logs):
                page.lines_added(changed_from)

    # --- going places

    def on_top_bar_chosen(self, message: TopBar.Chosen) -> None:
        """A screen's name was clicked."""
        self.action_go(message.name)

    def action_go(self, name: str) -> None:
        """Show a numbered screen; what lies over the present one goes."""
        if name in PAGES:
            self._go(name)

    def _go(self, name: str) -> Page:
        self.switch_mode(name)
        return self._pages[name]

    def _make(self, name: str) -> Page:
        if name == "overview":
            made: Page = Overview(self.known)
        else:
            module = import_module(f"console.tui.screens.{name}")  # only now: the first paint is sooner
            made = getattr(module, name.capitalize())(self.known)
        self._pages[name] = made
        return made

    def open_queue(self, state: str) -> None:
        """Show the queue's jobs of one state."""
        page = self._go("queue")
        from console.tui.screens.queue import Queue

        if isinstance(page, Queue):
            page.when_ready(lambda: page.open(JobState(state), ""))

    def open_lead(self, lead_id: str) -> None:
        """Show one lead."""
        page = self._go("leads")
        from console.tui.screens.leads import Leads

        if isinstance(page, Leads):
            page.when_ready(lambda: page.open(lead_id))

    def open_logs(self, only: str) -> None:
        """Show the log of one service."""
        page = self._go("logs")
        from console.tui.screens.logs import Logs

        if isinstance(page, Logs):
            page.when_ready(lambda: page.show_services({only}))

    def open_logs_of(self, *ids: str) -> None:
        """Show the log lines that mention any of these ids."""
        import re

        page = self._go("logs")
        from console.tui.screens.logs import Logs

        if isinstance(page, Logs):
            page.when_ready(lambda: page.show_matching("|".join(re.escape(i) for i in ids if i)))

    # --- the rest

    def reveal(self, key: str, target: str, then: Callable[[], None]) -> None:
        """Show personal data once the runner has recorded that it is shown."""
        if key in self.known.revealed:
            then()
            return

        def shown(_result: object) -> None:
            self.known.revealed.add(key)
            then()

        self.acting.begin(Action(Verb.REVEAL, (target,)), f"reveal {target}", then=shown, changing=False)

    def action_help(self) -> None:
        """The keys of this context."""
        from console.tui.screens.help import help_for

        if self.page is not None:
            self.push_screen(help_for(self.page))

    def action_other_theme(self) -> None:
        """Dark, light, the terminal's own colours."""
        self.theme = next_theme(self.theme).name

    async def action_quit(self) -> None:
        """End; first let the caller clean up."""
        if self._leaving:
            return
        self._leaving = True
        await self._stop_reading()
        if self._on_quit is not None:
            self.notify("Closing…", markup=False, timeout=60)
            try:
                await self._on_quit()
            except Exception as error:  # noqa: BLE001 - nothing may keep the console open
                self.log.error(one_line(error))
        self.exit()
