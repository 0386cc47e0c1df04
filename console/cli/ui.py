"""Opens the terminal UI on a session: what `leadsctl` does without a command."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from console.cli import terminal
from console.cli.invocation import Invocation
from console.errors import UsageError

if TYPE_CHECKING:
    from console.session import Session


def open_ui(inv: Invocation) -> int:
    """Run the UI until the operator leaves it; 0.

    Raises:
        UsageError: there is no terminal to draw on.
    """
    if not (terminal.is_terminal(sys.stdin) and terminal.is_terminal(sys.stdout)):
        raise UsageError("the terminal UI needs a terminal", "leadsctl --help lists the commands that do without")
    settings = inv.settings

    async def body(session: Session) -> int:
        from console.tui.app import LeadsApp

        title = settings.project or "leads"
        app = LeadsApp(session.sources, session.runner, title=title, read_only=settings.read_only)
        await app.run_async()
        return app.return_code or 0

    return inv.run(body)
