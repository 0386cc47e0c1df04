"""The command help: the help of a command, the keys of the terminal UI, what the exit codes mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from console.cli.flags import JsonFlag, QuietFlag
from console.cli.invocation import Invocation, invocation
from console.errors import UsageError

CODES = (
    (0, "done, and all is well"),
    (1, "failed: what was asked for could not be done, or only a part of it"),
    (2, "usage: the command's words are off, or it must ask and cannot"),
    (3, "cannot reach: no engine, no Redis, no Postgres, no Graph API"),
    (4, "check failed: the pipeline is not well"),
    (130, "interrupted"),
)


def help_(
    ctx: typer.Context,
    *,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="[KEYS|CODES|COMMAND]", help="What help is wanted on.")
    ] = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Show help: on a command, on KEYS of the terminal UI, on exit CODES."""
    inv = invocation(ctx, json=json, quiet=quiet)
    topic = words[0].lower() if words and len(words) == 1 else ""
    if topic == "keys":
        return _keys(inv)
    if topic == "codes":
        return _codes(inv)
    return _command(inv, ctx, words or [])


def _keys(inv: Invocation) -> int:
    from console.tui.keymap import checked, sections

    found = sections(checked(inv.settings.config["keys"]))
    if inv.json:
        inv.output.document({"sections": found})
        return 0
    for n, section in enumerate(found):
        if n:
            inv.output.line()
        inv.output.heading(section.place)
        for key in section.keys:
            inv.output.line(f"  {' '.join(key.keys):<24} {key.does:<28} {key.action}".rstrip())
    inv.narrator.say('config.toml gives an action other keys: [keys] "queue.retry" = "y"')
    return 0


def _codes(inv: Invocation) -> int:
    if inv.json:
        inv.output.document({"codes": [{"code": code, "means": means} for code, means in CODES]})
        return 0
    for code, means in CODES:
        inv.output.line(f"{code:>4}  {means}")
    return 0


def _command(inv: Invocation, ctx: typer.Context, words: Sequence[str]) -> int:
    found = ctx.find_root()
    for word in words:
        command = getattr(found.command, "commands", {}).get(word)
        if command is None:
            raise UsageError(f"there is no command {' '.join(words)}", "leadsctl --help lists them")
        found = typer.Context(command, parent=found, info_name=word)
    if inv.json:
        inv.output.document({"help": found.get_help()})
    else:
        inv.output.line(found.get_help())
    return 0
