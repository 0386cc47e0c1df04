"""The command logs: what the services write, merged in time, filtered, followed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli.flags import IndexFlag, JsonFlag, QuietFlag
from console.cli.invocation import invocation
from console.cli.stack import Services
from console.errors import UsageError

if TYPE_CHECKING:
    from console.session import Session

LEVELS = ("debug", "info", "warn", "error")


def complete_level(incomplete: str) -> list[str]:
    """The levels, for the shell."""
    return [level for level in LEVELS if level.startswith(incomplete)]


def logs(
    ctx: typer.Context,
    *,
    services: Services = None,
    index: IndexFlag = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written from now on.")] = False,
    since: Annotated[str, typer.Option("--since", metavar="T", help="From then on: 15m, 2h, 12:30, 2026-11-24.")] = "",
    until: Annotated[str, typer.Option("--until", metavar="T", help="Until then; not with --follow.")] = "",
    tail: Annotated[
        int | None, typer.Option("--tail", "-n", metavar="N", min=0, help="Only the last N lines of each replica.")
    ] = None,
    grep: Annotated[str, typer.Option("--grep", metavar="REGEX", help="Only lines that match.")] = "",
    ignore_case: Annotated[
        bool, typer.Option("--ignore-case", "-i", help="With --grep: upper and lower case alike.")
    ] = False,
    invert: Annotated[bool, typer.Option("--invert", "-v", help="With --grep: only lines that do not match.")] = False,
    level: Annotated[
        str,
        typer.Option(
            "--level",
            metavar="L",
            help="This level and above: debug, info, warn, error.",
            autocompletion=complete_level,
        ),
    ] = "",
    timestamps: Annotated[bool, typer.Option("--timestamps", "-t", help="The day and the milliseconds too.")] = False,
    raw: Annotated[bool, typer.Option("--raw", help="JSON lines as they are, not as event and fields.")] = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Show what the services write.

    With --json one object a line, the text as it was written.
    """  # fmt: skip
    inv = invocation(ctx, json=json, quiet=quiet)
    pattern = _pattern(grep, ignore_case=ignore_case)
    if level and level not in LEVELS:
        raise UsageError(f"there is no level {level}", f"levels: {', '.join(LEVELS)}")

    if follow and until:
        raise UsageError("--until does not go with --follow")

    if index and len(services or ()) != 1:
        raise UsageError("a replica is one of one service", "name one service beside --index")

    async def body(session: Session) -> int:
        from datetime import datetime

        from console.cli.loglines import Filter, LogPrinter
        from console.cli.reader import ends_with_reader
        from console.cli.times import point

        now = datetime.now().astimezone()
        begin = point(since, now, "--since").timestamp() if since else 0.0
        end = point(until, now, "--until").timestamp() if until else float("inf")
        printer = LogPrinter(inv.output, dated=timestamps, raw=raw)
        only = await _replica(session, (services or [""])[0], index) if index else ""
        wanted = Filter(pattern, invert=invert, level=level, replica=only)
        batches = session.sources.stack.logs(tuple(services or ()), since=begin, tail=tail, follow=follow)
        shown = 0
        with ends_with_reader(inv.output.stream):
            async for batch in batches:
                lines = [line for line in batch if line.at <= end and wanted.takes(line)]
                shown += len(lines)
                printer.show(lines)
        if not shown and not follow:
            inv.narrator.say("no log line matches")
        return 0

    return inv.run(body)


async def _replica(session: Session, service: str, index: int) -> str:
    """What that replica is called in the log.

    Raises:
        StackError: the service has none of that number.
    """
    from console.errors import StackError

    stack = await session.sources.stack.read()
    known = [one for one in stack.services if service in (one.name, one.role.value)]
    named = [one for one in known if one.name == service] or known
    for replica in (each for one in named[:1] for each in one.replicas):
        if replica.index == index:
            return replica.name
    raise StackError(f"{service} has no replica {index}", "leadsctl ps shows them")


def _pattern(grep: str, *, ignore_case: bool) -> re.Pattern[str] | None:
    if not grep:
        return None
    try:
        return re.compile(grep, re.IGNORECASE if ignore_case else 0)
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageError(f"--grep {grep} is not a regular expression: {error}") from error
