"""What a typed command does: goes to a place, or runs by the command line's own table and shows what it said."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from console.format import Cell, Line, Tone, safe, with_hint
from console.ports import Action, Result, Verb
from console.tui.acting import Question
from console.tui.places import PAGES
from console.tui.widgets.commandline import CommandLine
from console.tui.work import begin

if TYPE_CHECKING:
    from console.tui.app import LeadsApp
    from console.tui.screens.page import Page

OWN = ("quit", *PAGES)
"""Words that the command line does not have, or that go to a screen when they stand alone."""
HINT = "hint: "
"""How a command's note begins that says what to do about its failure."""
KEPT = 100


class Typed:
    """Asks for commands and runs them. `history` holds what was typed, the newest last."""

    def __init__(self, app: LeadsApp) -> None:
        self._app = app
        self.history: deque[str] = deque(maxlen=KEPT)

    def ask(self, page: Page) -> None:
        """Let a command be typed below."""
        page.open_prompt(CommandLine(self.history))

    def complete(self, message: CommandLine.Wanted) -> None:
        """Find out what the last word may become."""
        group = "complete firmly" if message.firm else "complete"
        begin(self._app, partial(self._complete, message.line, message.text), group, exclusive=True)

    async def _complete(self, line: CommandLine, text: str) -> None:
        own = tuple(word for word in OWN if word.startswith(text)) if " " not in text else ()
        commands = self._app.tools.commands
        found = await asyncio.to_thread(commands.complete, text) if commands is not None else ()
        line.offer(text, (*found, *(word for word in own if word not in found)))

    def run(self, text: str) -> None:
        """Do what was typed."""
        text = text.strip()
        if not self.history or self.history[-1] != text:
            self.history.append(text)
        if not self._went(text.split()):
            begin(self._app, partial(self._run, text), "commands")

    def _went(self, words: list[str]) -> bool:
        """Whether the command is a place to go to, and the app is there now."""
        app = self._app
        match words:
            case ["q" | "quit" | "exit"]:
                begin(app, app.action_quit)
            case ["logs", *services] if services and not any(word.startswith("-") for word in services):
                app.open_logs(*services)
            case ["trace", wanted] if not wanted.startswith("-"):
                app.open_trace(wanted)
            case [name] if name in PAGES:
                app.action_go(name)
            case _:
                return False
        return True

    async def _run(self, text: str) -> None:
        app = self._app
        if app.tools.commands is None:
            self._complain("no commands can be typed here")
            return
        doing = app.known.begin(f": {safe(text, 40)}")
        try:
            said = await app.tools.commands.run(text, self._ask, columns=app.size.width - 10)
        finally:
            app.known.ended(doing)
        if said.exit_code and not said.output:
            self._complain(" ".join(note for note in said.notes if not note.startswith(HINT)), said.notes)
        elif said.output:
            self._show(text, said.output, said.notes)
        if app.page is not None:
            app.page.refresh_edges()

    async def _ask(self, action: Action, question: str, word: str) -> Result:
        """Do an action as a key would: asked, with progress, told, recorded."""
        ended: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        label = " ".join(
            (action.verb.value.replace("-", " "), *map(safe, action.targets[:2]), action.args.get("state", ""))
        )
        asked = Question(question or f"{label}?", (), "Do it", word) if question or word else None
        self._app.acting.begin(
            action,
            label.strip(),
            asked,
            changing=action.verb is not Verb.REVEAL,
            ended=lambda result: None if ended.done() else ended.set_result(result),
        )
        return await ended

    def _show(self, text: str, output: tuple[str, ...], notes: tuple[str, ...]) -> None:
        from console.tui.screens.reader import Reader

        def lines(_width: int, _height: int) -> list[Line]:
            said = [(Cell(safe(line, 2_000)),) for line in output]
            return [*said, *((Cell(safe(note, 400), Tone.DIM),) for note in notes)]

        self._app.push_screen(Reader(f": {safe(text, 80)}", lines, wide=True))

    def _complain(self, text: str, notes: Sequence[str] = ()) -> None:
        """Say why nothing was done; what to do about it is the one among the notes that begins so."""
        hint = " ".join(note.removeprefix(HINT) for note in notes if note.startswith(HINT))
        text = with_hint(safe(text, 300), safe(hint, 200))
        self._app.notify(text or "that failed", title="✖ command", severity="error", timeout=8, markup=False)
