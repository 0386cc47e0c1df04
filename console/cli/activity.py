"""The command activity: what operators did, by whichever way, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from console.cli.flags import JsonFlag, QuietFlag
from console.cli.invocation import invocation

if TYPE_CHECKING:
    from console.session import Session


def activity(
    ctx: typer.Context,
    *,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=100_000, help="At most so many.")] = 50,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """List what operators did: who, when, what, and how it ended.

    Every verb that changes something is recorded in the stack's database, from the terminal UI and the command line,
    and so is every reveal of personal data.
    """
    inv = invocation(ctx, json=json, quiet=quiet)

    async def body(session: Session) -> int:
        from console.cli.records import show_actions
        from console.cli.shapes import ActivityDocument

        actions = await session.leads.actions(limit)
        if inv.json:
            inv.output.document(ActivityDocument(actions))
        elif actions:
            show_actions(inv.output, actions)
        else:
            inv.narrator.say("nothing is recorded yet")
        return 0

    return inv.run(body)
