"""The command line's words inside the terminal UI: parsed by the same table, run on the session that is open.

Whatever changes something is handed to the UI, which asks, shows the progress and keeps the record.
"""

from __future__ import annotations

import asyncio
import io
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from console.cli.invocation import Invocation
from console.cli.narrate import Narrator
from console.cli.output import Output
from console.errors import UsageError
from console.ports import Action, Result
from console.snapshots import Progress
from console.tools import Ask, Said

if TYPE_CHECKING:
    from console.session import Session
    from console.settings import Settings

ALLOWED = frozenset({
    "up", "down", "start", "stop", "restart", "recreate", "scale", "build", "pull", "ps", "logs",
    "volumes", "queue", "leads", "trace", "send", "check", "activity", "backup", "restore", "config", "help",
})  # fmt: skip
"""Commands that make sense on the stack that is open."""
ELSEWHERE = {
    ("logs", "-f"): "the log follows on its own screen: 2",
    ("logs", "--follow"): "the log follows on its own screen: 2",
    ("leads", "export"): "x in the leads exports what is listed",
}
"""Words that belong to a key here."""


class Page(io.TextIOWrapper):
    """Text of a command, `columns` cells wide."""

    def __init__(self, columns: int) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", errors="replace", write_through=True)
        self.columns = columns

    def lines(self) -> tuple[str, ...]:
        """What was written."""
        written = self.buffer
        assert isinstance(written, io.BytesIO)
        return tuple(written.getvalue().decode("utf-8", "replace").splitlines())


class Notes(Narrator):
    """Says yes to every question: it goes with the action to the UI, which asks it."""

    def __init__(self, stream: Page) -> None:
        super().__init__(stream)
        self.question = ""
        self.word = ""

    @property
    def asks(self) -> bool:
        """Somebody is there."""
        return True

    def confirm(self, question: str) -> bool:
        """Keep the question."""
        self.question = question
        return True

    def typed(self, question: str, word: str) -> bool:
        """Keep the question and the word."""
        self.question, self.word = question, word
        return True


class Handing:
    """A console.ports.Runner that hands actions to the UI."""

    def __init__(self, ask: Ask, notes: Notes, *, read_only: bool) -> None:
        self.read_only = read_only
        self._ask = ask
        self._notes = notes

    async def warnings(self, action: Action) -> tuple[str, ...]:
        """The UI says what an action risks when it asks."""
        del action
        return ()

    async def run(self, action: Action) -> AsyncIterator[Progress | Result]:
        """The result, once the UI has done it."""
        yield await self._ask(action, self._notes.question, self._notes.word)


class Lent:
    """The session with another runner. It is not closed here."""

    def __init__(self, session: Session, runner: Handing) -> None:
        self._session = session
        self.runner = runner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


@dataclass
class Inside(Invocation):
    """One command run inside the UI: its body runs on the UI's loop, its output goes to a page."""

    session: Any = None
    loop: asyncio.AbstractEventLoop | None = None
    page: Page = field(default_factory=lambda: Page(80))
    notes: Notes = field(default_factory=lambda: Notes(Page(80)))
    running: Future[int] | None = None

    @property
    def settings(self) -> Settings:
        """The session's."""
        settings: Settings = self.session.settings
        return settings

    @property
    def output(self) -> Output:
        """The page."""
        return Output(self.page, json=self.json)

    @property
    def narrator(self) -> Narrator:
        """Notes beside the page."""
        return self.notes

    def run(self, body: Callable[[Session], Awaitable[int]], *, drawing: bool = False) -> int:
        """Run the body on the UI's loop; called from the thread that parses."""
        assert self.loop is not None
        del drawing

        async def whole() -> int:
            return await body(self.session)

        self.running = asyncio.run_coroutine_threadsafe(whole(), self.loop)
        return self.running.result()


class CommandsInside:
    """console.tools.CommandLine over an open session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def complete(self, line: str) -> tuple[str, ...]:
        """What the last word of `line` may become, as whole lines."""
        from typer._click.shell_completion import ShellComplete

        try:
            words = shlex.split(line)
        except ValueError:
            return ()
        last = words.pop() if words and not line.endswith(" ") else ""
        if words and words[0] not in ALLOWED:
            return ()

        class Finder(ShellComplete):
            """Finds words for no shell in particular."""

            name, source_template = "inside", ""

            def source_vars(self) -> dict[str, Any]:
                return {}

            def get_completion_args(self) -> tuple[list[str], str]:
                return words, last

            def format_completion(self, item: Any) -> str:
                return str(item.value)

        found = Finder(_command(), {}, "leadsctl", "").get_completions(words, last)
        stem = line[: len(line) - len(last)]
        options = [item.value for item in found if item.value and item.value.startswith(last)]
        return tuple(f"{stem}{word}" for word in options if words or word in ALLOWED)

    async def run(self, line: str, ask: Ask, *, columns: int = 100) -> Said:
        """See console.tools. Never raises, but for being cancelled."""
        page, notes = Page(columns), Notes(Page(columns))
        runner = Handing(ask, notes, read_only=self._session.runner.read_only)
        inside = Inside(session=Lent(self._session, runner), loop=asyncio.get_running_loop(), page=page, notes=notes)
        try:
            words = _words(line)
            code = await asyncio.to_thread(_parse, words, inside)
        except asyncio.CancelledError:
            if inside.running is not None:
                inside.running.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - an operator gets one line, whatever happens
            from console.cli.failure import explain

            text, hint, code = explain(error)
            notes.error(text, hint)
        return Said(page.lines(), _notes(notes.stream), code)


def _notes(stream: Any) -> tuple[str, ...]:
    lines: tuple[str, ...] = stream.lines()
    return tuple(line.removeprefix("leadsctl: ") for line in lines)


def _words(line: str) -> list[str]:
    try:
        words = shlex.split(line)
    except ValueError as error:
        raise UsageError(f"that cannot be read: {str(error).lower()}") from None
    if not words:
        raise UsageError("type a command", "help lists them")
    words = words[1:] if words[0] == "leadsctl" else words
    if words and words[0] not in ALLOWED:
        known = _known()
        if words[0] in known:
            raise UsageError(f"{words[0]} is for the shell: leadsctl {words[0]}")
        raise UsageError(f"there is no command {words[0]}", "help lists them")
    for (command, word), why in ELSEWHERE.items():
        if words[0] == command and word in words[1:]:
            raise UsageError(why)
    if words[:2] == ["queue", "edit"] and not {"--payload", "--from"} & set(words):
        raise UsageError("e on a job in the queue edits it here")
    if "-h" in words or "--help" in words:
        return ["help", *(word for word in words if not word.startswith("-"))]
    return words


def _known() -> Sequence[str]:
    from console.cli.app import COMMANDS

    return tuple(COMMANDS)


def _command() -> Any:
    import typer

    from console.cli.app import app
    from console.cli.coerce import lighten

    command = typer.main.get_command(app)
    lighten(command)
    return command


def _parse(words: list[str], inside: Inside) -> int:
    value = _command().main(args=words, prog_name="leadsctl", standalone_mode=False, obj=inside)
    return value if isinstance(value, int) else 0
