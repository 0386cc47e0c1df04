"""Opens the terminal UI on a session: what `leadsctl` does without a command."""

from __future__ import annotations

import gc
import os
import sys
from functools import cached_property
from typing import TYPE_CHECKING

from console.cli import terminal
from console.cli.invocation import Invocation
from console.errors import UsageError

if TYPE_CHECKING:
    from console.cli.inside import CommandsInside
    from console.session import Session
    from console.tools import Ask, Said, Tools


def open_ui(inv: Invocation) -> int:
    """Run the UI until the operator leaves it; its exit code.

    Raises:
        UsageError: there is no terminal to draw on.
    """
    served = bool(os.environ.get("TEXTUAL_DRIVER"))  # by leadsctl web: textual-serve's driver draws in a browser
    if not served and not terminal.drawable():
        away = terminal.is_terminal(sys.stdin) and terminal.is_terminal(sys.stdout)
        what = "the terminal UI needs a terminal" + (", on standard error too" if away else "")
        raise UsageError(what, "leadsctl --help lists the commands that do without")

    gc.disable()  # until all is imported, which lasts: see collect_seldom

    async def body(session: Session) -> int:
        told = session.settings
        if told.runtime == "docker" and (told.directory or told.files or told.env_file):
            _ = session.runtime  # complains of files that are not there; else it can wait until after the first paint
        return await run_ui(session, told.project or "leads")

    return inv.run(body, drawing=True)


async def run_ui(session: Session, title: str) -> int:
    """Run the UI on a session; its exit code. Raises what the UI could not handle, once the terminal is free again."""
    from console.tui.app import LeadsApp
    from console.tui.closing import until_closed
    from console.tui.garbage import collect_seldom

    told = session.settings
    app = LeadsApp(
        session.sources,
        session.runner,
        title=title,
        read_only=told.read_only,
        theme=told.config["tui.theme"],
        log_memory=told.config["tui.log_memory"],
        tools=tools_of(session),
    )
    # Textual's own way to end is a traceback with every local variable, and so with personal data, on the screen.
    app._fatal_error = app._close_messages_no_wait  # type: ignore[method-assign]
    collect_seldom()
    await until_closed(app)
    if app._exception is not None:
        raise app._exception
    return app.return_code or 0


def tools_of(session: Session) -> Tools:
    """What the UI is lent of a session."""
    from console.tools import Tools

    keys = session.settings.config["keys"]
    if keys:
        from console.tui.keymap import checked

        keys = checked(keys)
    return Tools(
        LateCommands(session), session.backup_wanted, lambda: session.stack_name, keys, session.settings.to_write
    )


class LateCommands:
    """The command line inside the UI (console.tools.CommandLine), made when somebody types."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def complete(self, line: str) -> tuple[str, ...]:
        """See CommandLine."""
        return self._commands.complete(line)

    async def run(self, line: str, ask: Ask, *, columns: int = 100) -> Said:
        """See CommandLine."""
        return await self._commands.run(line, ask, columns=columns)

    @cached_property
    def _commands(self) -> CommandsInside:
        from console.cli.inside import CommandsInside

        return CommandsInside(self._session)
