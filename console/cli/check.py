"""The command check: the accounting and the pipeline's health, with an exit code for monitoring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from console.cli.flags import JsonFlag, QuietFlag
from console.cli.invocation import invocation

if TYPE_CHECKING:
    from console.session import Session

CHECK_FAILED = 4


def check(
    ctx: typer.Context,
    *,
    max_age: Annotated[
        str | None, typer.Option("--max-age", metavar="AGE", help="How long a job may wait: 300, 5m. [default: 5m]")
    ] = None,
    max_stuck: Annotated[
        int | None, typer.Option("--max-stuck", metavar="N", min=0, help="Stuck jobs that are still fine. [default: 0]")
    ] = None,
    max_dead: Annotated[
        int | None,
        typer.Option(
            "--max-dead", metavar="N", min=0, help="Dead letters that are still fine; they only warn otherwise."
        ),
    ] = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Prove that no accepted lead is lost; for monitoring.

    Ends with 0 when all is well, with 4 when something is not, with 3 when Redis or Postgres does not answer. The ids
    that break the accounting are listed. What is still fine can be set in config.toml: see leadsctl config show.
    """
    inv = invocation(ctx, json=json, quiet=quiet)
    inv.options |= {"check.max_age": max_age, "check.max_stuck": max_stuck, "check.max_dead": max_dead}

    async def body(session: Session) -> int:
        from console.sources.check import judge, limits

        found = await session.checker.accounting()
        report = judge(found, await session.queue.read(), limits(session.settings.config))
        if inv.json:
            from console.cli.documents import check_document

            inv.output.document(check_document(report))
        else:
            from console.cli.views import show_check

            show_check(inv.output, report)
        return 0 if report.ok else CHECK_FAILED

    return inv.run(body)
