"""The app: owns what is known, polls the sources, routes what they say to the screen that is open."""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.command import Provider

from console.poller import Poller, one_line
from console.ports import Action, Runner, Sources, Verb
from console.snapshots import LogLine, Reading
from console.tools import Tools
from console.tui.acting import Acting
from console.tui.logbook import MAX_BYTES, Logbook
from console.tui.logfeed import LogFeed
from console.tui.messages import Logged, Read
from console.tui.places import PAGES, Places
from console.tui.repaint import Repaint
from console.tui.state import INTERVALS_S, LIVELY_S, TIMEOUTS_S, Kind, Known
from console.tui.theme import THEMES, first_theme, next_theme
from console.tui.typed import Typed
from console.tui.widgets.commandline import CommandLine
from console.tui.work import begin

UNWATCHED_S = 600.0
"""How often volumes are read while nobody looks: for the warning before the disk is full, and for how they grow."""
FIRST_VOLUMES_S = 20.0
OnQuit = Callable[[], Awaitable[None]]
NO_TOOLS = Tools()


def _commands() -> type[Provider]:
    from console.tui.commands import LeadsCommands

    return LeadsCommands


class LeadsApp(Places):
    """The console's terminal UI.

    Args:
        sources: what is read.
        runner: what does things.
        title: the stack's name in the header.
        read_only: take all verbs away (also if the runner is read-only).
        theme: "dark", "light", "terminal", or "auto" for what the terminal can show.
        log_memory: bytes that the kept log lines may take.
        tools: what is lent besides: typed commands, what is configured.
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

    PLACE = "everywhere"
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(str(n), f"go('{name}')", name, show=False) for n, name in enumerate(PAGES, 1)),
        Binding("question_mark", "help", "help", show=False),
        Binding("ctrl+p", "command_palette", "all commands", show=False),
        Binding("colon", "command", "type a command", show=False),
        Binding("f5,ctrl+r", "read_now", "read everything now", show=False),
        Binding("f2", "other_theme", "next colour theme", show=False),
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
        tools: Tools = NO_TOOLS,
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
        self.known.only_reads = f"This console only reads: {tools.to_write}."
        self.known.logs = Logbook(log_memory)
        self.acting = Acting(self, runner, self.known, self.poke)
        self.typed = Typed(self)
        self.tools = tools
        self._on_quit = on_quit
        self._leaving = False
        self._pollers: dict[Kind, Poller[Any]] = {}
        self._repaint = Repaint(self)
        self.make_places()
        if tools.keys:
            self.set_keymap({name: ",".join(keys) for name, keys in tools.keys.items()})

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
        self.set_interval(1.0, self._repaint.ticked)
        self.set_timer(0.25, self._repaint.ticked)  # the panels that are still empty say that they are being read

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
        kind, reading = message.kind, message.reading
        if not self.known.take(kind, reading):
            return
        news = bool(before.error or reading.error or before.value is None)
        same = not news and before.value == reading.value
        if kind in LIVELY_S and kind in self._pollers:
            self._pollers[kind].pace(INTERVALS_S[kind] if same else LIVELY_S[kind])
        if not same:
            self._repaint.changed(kind, at_once=news)

    # --- the log

    def _say_logged(self, lines: list[LogLine], error: str) -> None:
        self.post_message(Logged(lines, error))

    def on_logged(self, message: Logged) -> None:
        """Lines have come: keep them; the log's screen draws what is visible of them."""
        known = self.known
        known.logs_error = message.error
        changed_from = known.logs.extend(message.lines)
        page = self.pages.get("logs")
        if page is not None and page.ready:
            from console.tui.screens.logs import Logs

            if isinstance(page, Logs):
                page.lines_added(changed_from)

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

    def action_command(self) -> None:
        """Type a command."""
        if self.page is not None:
            self.typed.ask(self.page)

    def on_command_line_entered(self, message: CommandLine.Entered) -> None:
        """A command was typed."""
        self._close_prompt()
        self.typed.run(message.text)

    def on_command_line_left(self) -> None:
        """No command was typed."""
        self._close_prompt()

    def on_command_line_wanted(self, message: CommandLine.Wanted) -> None:
        """Words are wanted for what is being typed."""
        self.typed.complete(message)

    def _close_prompt(self) -> None:
        if self.page is not None:
            self.page.close_prompt()

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
