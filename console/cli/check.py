"""The command check: the accounting and the pipeline's health, with an exit code for monitoring."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from console.cli.flags import JsonFlag, QuietFlag
from console.cli.invocation import Invocation, invocation
from console.errors import UsageError

if TYPE_CHECKING:
    from console.checks import CheckReport
    from console.session import Session

CHECK_FAILED = 4
FORMATS = ("text", "json", "nagios", "prometheus")


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
    format_: Annotated[
        str, typer.Option("--format", metavar="F", help="text, json, nagios or prometheus (for a textfile collector).")
    ] = "",
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Prove that no accepted lead is lost; for monitoring.

    Ends with 0 when all is well, with 4 when something is not, with 3 when Redis or Postgres does not answer or when it
    was called wrongly; with --format nagios as a plugin does: 0 ok, 1 warning, 2 critical, 3 unknown. The ids that
    break the accounting are listed. What is still fine can be set in config.toml: see leadsctl config show.
    """
    inv = invocation(ctx, json=json, quiet=quiet)
    chosen = format_ or ("json" if inv.json else "text")
    if chosen not in FORMATS:
        raise UsageError(f"there is no format {chosen} (there are {', '.join(FORMATS)})")
    inv.options |= {"check.max_age": max_age, "check.max_stuck": max_stuck, "check.max_dead": max_dead}

    async def body(session: Session) -> int:
        from console.checks import judge, limits

        report = judge(await session.checker.observe(), limits(session.settings.config))
        return _show(inv, report, chosen)

    return inv.run(body)


def _show(inv: Invocation, report: CheckReport, chosen: str) -> int:
    """Print the report; the exit code."""
    code = 0 if report.ok else CHECK_FAILED
    if chosen == "json":
        from console.cli.documents import check_document

        inv.output.document(check_document(report))
    elif chosen == "text":
        from console.cli.views import show_check

        show_check(inv.output, report)
    else:
        from console.cli import monitoring

        if chosen == "nagios":
            code, text = monitoring.nagios(report)
        else:
            text = monitoring.prometheus(report)
        inv.output.stream.write(text)
    return code
