"""The command demo: a stack of its own with invented traffic; the UI on a terminal, a proof without one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from console.cli import terminal
from console.cli.flags import JsonFlag, QuietFlag
from console.cli.invocation import Invocation, invocation

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from console.demo.session import DemoSession
    from console.settings import Settings


def demo(
    ctx: typer.Context,
    *,
    leads: Annotated[
        int | None, typer.Option("--leads", metavar="N", min=1, help="So many; without end in the UI, 500 without it.")
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option("--rate", metavar="R", min=0, help="Leads a second; 6 in the UI, as fast as they go without it."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="S", help="The same people and mishaps each time.")
    ] = None,
    no_ui: Annotated[bool, typer.Option("--no-ui", help="As without a terminal: a table and the accounting.")] = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Try everything on a local stack with invented traffic.

    On a terminal the UI opens, and everything is cleared away when you leave it. Without one a bounded number of leads
    goes through; then come the status and the accounting, and the exit code is 4 if it does not add up.
    """
    import asyncio

    inv = invocation(ctx, json=json, quiet=quiet)
    if terminal.drawable() and not (no_ui or inv.json):
        return asyncio.run(_with_ui(inv, leads=leads, rate=rate, seed=seed))
    return asyncio.run(_without_ui(inv, leads=leads, rate=rate, seed=seed))


def _without_ui(
    inv: Invocation, *, leads: int | None, rate: float | None, seed: int | None
) -> Coroutine[None, None, int]:
    from console.demo.run import LEADS, run_demo

    return run_demo(inv.output, inv.narrator, leads=leads or LEADS, rate=rate or 0.0, seed=seed)


async def _with_ui(inv: Invocation, *, leads: int | None, rate: float | None, seed: int | None) -> int:
    from console.cli.ui import run_ui
    from console.demo.session import TUI_RATE, DemoSession
    from console.session import Session

    steps = inv.narrator.steps()
    try:
        async with (
            DemoSession(rate=TUI_RATE if rate is None else rate, count=leads, seed=seed, on_step=steps.step) as running,
            Session(_settings(inv, running), running.runtime) as session,
        ):
            steps.end()
            return await run_ui(session, "demo")
    finally:
        steps.end()


def _settings(inv: Invocation, running: DemoSession) -> Settings:
    """The demo's, with the operator's own looks and keys; nothing outlasts it."""
    from dataclasses import replace

    mine, own = inv.settings, running.settings
    config = mine.config.changed("backup.dir", own.config["backup.dir"])
    return replace(own, read_only=mine.read_only, config=config)
