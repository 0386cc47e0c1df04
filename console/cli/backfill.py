"""The command backfill: leads that no webhook announced, through the Graph API into the queue."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli.flags import JsonFlag, QuietFlag
from console.cli.invocation import Invocation, invocation
from console.errors import UsageError

if TYPE_CHECKING:
    from console.backfill.records import Report, Wanted
    from console.session import Session

KEPT_DAYS = 90
"""How long Meta keeps a lead. Source: developers.facebook.com/docs/marketing-api/guides/lead-ads/retrieving."""

_ID = re.compile(r"[0-9]{1,40}")


def backfill(
    ctx: typer.Context,
    *,
    form: Annotated[
        list[str] | None, typer.Option("--form", metavar="ID", help="Leads of this form; give it again for more.")
    ] = None,
    page: Annotated[
        str, typer.Option("--page", metavar="ID", help="Leads of all forms of this page; with --form: whose it is.")
    ] = "",
    since: Annotated[
        str, typer.Option("--since", metavar="T", help="Created since then: 3d, 2h, 2026-11-24.", show_default=False)
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many are missing; change nothing.")] = False,
    afresh: Annotated[
        bool, typer.Option("--afresh", help="Read everything again, not from where it was stopped.")
    ] = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Fetch leads that no webhook announced.

    They are read through the Graph API and go into the same queue: a lead that came before, is queued or was erased
    does not come again. Stopped at any point it goes on where it was when it is run again within a day. It waits where
    Meta says so, as workers do, and while the queue is full.
    """
    inv = invocation(ctx, json=json, quiet=quiet)
    wanted = _wanted(form or [], page, since, afresh=afresh, dry=dry_run)
    if _too_old(wanted):
        inv.narrator.say(f"Meta keeps leads for {KEPT_DAYS} days: older ones are not there any more")

    async def body(session: Session) -> int:
        from console.backfill import verb
        from console.cli.act import act

        with _interruptible(session):
            if dry_run:
                return await _count(inv, session, wanted)
            return await act(inv, session, verb.action(wanted))

    return inv.run(body)


def _wanted(forms: list[str], page: str, since: str, *, afresh: bool, dry: bool) -> Wanted:
    from datetime import datetime

    from console.backfill.records import Wanted
    from console.cli.times import point

    if not forms and not page:
        raise UsageError("say which leads: --form ID, or --page ID", "leadsctl backfill --help")
    for option, text in (*(("--form", each) for each in forms), *([("--page", page)] if page else [])):
        if not _ID.fullmatch(text):
            raise UsageError(f"{option} is not an id of Meta's: a number is", "leadsctl leads list --json has some")
    if not since:
        raise UsageError("say since when: --since 3d", "leadsctl backfill --help")
    now = datetime.now().astimezone()
    moment = point(since, now, "--since")
    if moment > now:
        raise UsageError(f"--since {since} is yet to come")
    return Wanted(moment.timestamp(), tuple(dict.fromkeys(forms)), page, afresh=afresh, dry=dry)


def _too_old(wanted: Wanted) -> bool:
    import time

    return time.time() - wanted.since > KEPT_DAYS * 86_400


@contextmanager
def _interruptible(session: Session) -> Iterator[None]:
    """Ctrl-C lets what is under way end, and what was done be told and recorded; the second one does not wait."""
    import asyncio
    import signal

    loop = asyncio.get_running_loop()

    def halt() -> None:
        session.halting.set()
        loop.remove_signal_handler(signal.SIGINT)

    loop.add_signal_handler(signal.SIGINT, halt)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)


async def _count(inv: Invocation, session: Session, wanted: Wanted) -> int:
    """The dry run."""
    from console.backfill.records import Report

    steps = inv.narrator.steps()
    report: Report | None = None
    try:
        async with aclosing(session.backfills().run(wanted)) as events:
            async for event in events:
                if isinstance(event, Report):
                    report = event
                else:
                    steps.step(event)
    finally:
        steps.end()
    assert report is not None
    _show(inv, report)
    result = report.result()
    if not result.ok:
        inv.narrator.error(result.text, result.hint)
    return result.exit_code


def _show(inv: Invocation, report: Report) -> None:
    if inv.json:
        from console.cli.documents import backfill_document

        inv.output.document(backfill_document(report))
        return
    from console.cli.table import Column
    from console.format import number, safe

    rows = [
        (count.form, safe(count.name, 60), number(count.read), number(count.known), number(count.missing))
        for count in report.forms
    ]
    if len(rows) > 1:
        rows.append(("", "all forms", number(report.read), number(report.known), number(report.missing)))
    right = [Column(name, right=True) for name in ("LISTED", "KNOWN", "MISSING")]
    inv.output.table((Column("FORM"), Column("NAME"), *right), rows)
