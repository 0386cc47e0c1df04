"""The command init: a folder with the compose files, the service's sources and a `.env` with generated secrets."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli.flags import JsonFlag, QuietFlag, YesFlag
from console.cli.invocation import Invocation, invocation
from console.errors import ConsoleError, ReadOnlyError, UsageError

if TYPE_CHECKING:
    from console.stack.docker.files import StackFiles
    from console.stack.docker.layout import Plan


def init(
    ctx: typer.Context,
    *,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The folder; it is made if need be.")],
    yes: YesFlag = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Write a stack's files, or bring older ones up to this version.

    What is written: compose/ (with .env, secrets made up for it) and api/, from which the image is built.
    META_APP_SECRET and META_ACCESS_TOKEN are taken from the environment if they are set there. What you edited stays,
    the new version beside it as NAME.new; nothing else is replaced before you agree. To .env only settings that are new
    are added.
    """
    from console.stack.docker import layout
    from console.stack.docker.settings import new_settings

    inv = invocation(ctx, json=json, quiet=quiet)
    if inv.settings.read_only:
        raise ReadOnlyError("init is refused: the console is read-only", inv.settings.to_write)
    try:
        plan = layout.plan(directory, new_settings())
        if not _agreed(inv, plan, yes=yes):
            inv.narrator.say("nothing was done")
            return 1
        written = layout.apply(plan)
    except OSError as error:
        raise ConsoleError(f"{directory} cannot be written: {error.strerror}") from error
    _tell(inv, plan, written)
    return 0


def _agreed(inv: Invocation, plan: Plan, *, yes: bool) -> bool:
    """Whether what is there may be replaced; nobody is asked where nothing is."""
    if not plan.overwrites or yes:
        return True
    from console.cli import terminal

    for change in plan.overwrites:
        inv.narrator.tell(f"{change.what}: {change.path} {', '.join(change.names)}".rstrip())
    if not terminal.interactive():
        raise UsageError(
            f"{len(plan.overwrites)} files in {plan.directory} are older, and there is no terminal to ask on",
            "add --yes to bring them up to this one",
        )
    return inv.narrator.confirm("Bring these files up to this version?")


def _tell(inv: Invocation, plan: Plan, written: StackFiles) -> None:
    from console.stack.docker import files, layout
    from console.stack.docker.settings import FROM_OUTSIDE

    fresh = any(one.path == layout.ENV and one.what is layout.What.NEW for one in plan.changes)
    missing = [name for name in FROM_OUTSIDE[:1] if not files.settings(written).get(name)]
    if inv.json:
        changes = {
            what.value.replace(" ", "_"): [c.path for c in plan.changes if c.what is what] for what in layout.What
        }
        inv.output.document(
            {
                "directory": str(plan.directory),
                "env_file": str(written.env_file),
                "env_kept": not fresh,
                "missing": missing,
                "changes": changes,
            }
        )
    say = inv.narrator.say
    say(f"{plan.directory} holds the stack; {'secrets were made up for it' if fresh else 'its .env was kept'}")
    for change in plan.edited:
        say(f"{change.path} was edited and stays; this version's is {change.path}.new")
    for change in plan.changes:
        if change.names:
            say(f"added to .env: {', '.join(change.names)}")
    if missing:
        say(f"fill in {', '.join(missing)} in {written.env_file}")
    say(f"then: leadsctl --dir {shlex.quote(str(plan.directory))} up")
