"""The command trace: one lead from the HTTP request to the database row, on one time line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from console.cli.flags import JsonFlag, QuietFlag, RevealFlag
from console.cli.invocation import invocation
from console.errors import ConsoleError

if TYPE_CHECKING:
    from console.session import Session


def trace(
    ctx: typer.Context,
    *,
    lead: Annotated[
        str,
        typer.Argument(metavar="LEAD", help="Id of a lead, a job or a request, Meta's lead id, or an e-mail address."),
    ],
    logs: Annotated[bool, typer.Option("--logs/--no-logs", help="With the log lines that belong to it.")] = True,
    reveal: RevealFlag = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Follow one lead from the request to the row.

    Its way through the queue, its attempts and its log lines stand on one time line, with the gaps between them. Leads
    that are still queued, waiting to be tried again or dead are found too.
    """
    inv = invocation(ctx, json=json, quiet=quiet)

    async def body(session: Session) -> int:
        from console.cli.reveal import record_reveal

        found = await session.tracer(logs=logs).find(lead)
        for notice in found.notices:
            inv.narrator.say(notice)
        if not found.jobs and not found.leads:
            raise ConsoleError(
                "nothing stored or queued has that id or address", "leadsctl leads search finds fragments"
            )
        if reveal and found.leads:
            await record_reveal(session, *(f"lead {one.id}" for one in found.leads))
        if inv.json:
            from console.cli.documents import trace_document

            inv.output.document(trace_document(found, reveal=reveal))
        else:
            from console.cli.timeline import show_trace

            show_trace(inv.output, found, reveal=reveal)
        return 0

    return inv.run(body)
