"""The command doctor: looks at all that a stack needs, and says how to mend what is not well."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli.flags import JsonFlag, QuietFlag
from console.cli.invocation import Invocation, invocation
from console.errors import UsageError

if TYPE_CHECKING:
    from console.doctor.diagnosis import Examination
    from console.session import Session

CHECK_FAILED = 4
_PAGE = re.compile(r"[0-9]{1,40}")


def doctor(
    ctx: typer.Context,
    *,
    url: Annotated[str, typer.Option("--url", metavar="URL", help="Also look at this public https:// address.")] = "",
    page: Annotated[
        list[str] | None, typer.Option("--page", metavar="ID", help="Also look at this page; give it again for more.")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask nothing of Meta.")] = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Look for what is wrong, and say how to mend it.

    Docker and Compose, the web port, .env, disk, clocks, versions and schema, the webhook's way in, Meta's token, and
    each page's access and subscription. Works when parts are down. Ends with 4 when something fails; warnings do not.
    """
    inv = invocation(ctx, json=json, quiet=quiet)
    for each in page or []:
        if not _PAGE.fullmatch(each):
            raise UsageError("--page is not an id of Meta's: a number is")

    async def body(session: Session) -> int:
        from console.doctor.examining import Asked
        from console.snapshots import Progress

        steps = inv.narrator.steps()
        try:
            steps.step(Progress("looking at the stack and what it needs"))
            found = await session.doctor().look(Asked(url, tuple(page or ()), offline))
        finally:
            steps.end()
        _show(inv, found)
        return 0 if found.ok else CHECK_FAILED

    return inv.run(body)


def _show(inv: Invocation, found: Examination) -> None:
    if inv.json:
        from console.cli.shapes import DoctorDocument

        inv.output.document(DoctorDocument(found.ok, found.diagnoses))
        return
    from console.cli.views import MARKS
    from console.format import Cell, Tone, safe

    for one in found.diagnoses:
        mark = MARKS[one.verdict]
        inv.output.line(mark, f" {safe(one.name, 40):<16} {safe(one.text, 400)}")
        if one.mend:
            inv.output.line(Cell(f"  {'':<16} → {safe(one.mend, 400)}", Tone.DIM))
