"""The command web: the terminal UI in a browser on this machine."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from console.cli.flags import JsonFlag, QuietFlag
from console.cli.invocation import Invocation, invocation
from console.errors import UsageError


def web(
    ctx: typer.Context,
    *,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, metavar="N", help="Where on 127.0.0.1; a free one otherwise.")
    ] = 0,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Serve the terminal UI to a browser on this machine.

    It serves until Ctrl-C, on 127.0.0.1 only. The address that is printed holds a token that opens the console once, in
    one browser. From elsewhere, reach it through ssh -L. --read-only before the verb takes all verbs away.
    """
    inv = invocation(ctx, json=json, quiet=quiet)
    try:
        from console.browser import as_environment, serve
    except ImportError:
        raise UsageError("leadsctl web needs textual-serve", "pip install 'leadsctl[web]'") from None
    settings = inv.settings  # complains of what makes no sense before anything is served
    os.environ.update(as_environment(inv.options))
    title = f"leadsctl · {settings.project or 'leads'}"
    try:
        import asyncio

        asyncio.run(serve(port, title, lambda url: _tell(inv, url)))
    except OSError as error:
        raise UsageError(f"port {port} cannot be used: {error.strerror or error}", "take another --port") from error
    return 0


def _tell(inv: Invocation, url: str) -> None:
    if inv.json:
        inv.output.document({"url": url})
    else:
        typer.echo(url)
    inv.narrator.say("Open it in a browser on this machine: it opens once. Ctrl-C ends.")
