"""The command leads count: how many leads came, by day, by form, or both, from the store's own tallies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli.flags import JsonFlag, QuietFlag
from console.cli.invocation import Invocation, invocation
from console.errors import UsageError

if TYPE_CHECKING:
    from api.store import FormDay
    from console.cli.shapes import LeadCountDocument
    from console.session import Session

WAYS = {"day": ("day",), "form": ("form",), "day,form": ("day", "form")}
MOST = 200_000
"""Rows, one a form and day, that a sum is made of."""


def complete_way(incomplete: str) -> list[str]:
    """The ways to count, for the shell."""
    return [way for way in WAYS if way.startswith(incomplete)]


def count(
    ctx: typer.Context,
    *,
    by: Annotated[
        str, typer.Option("--by", metavar="HOW", help="day, form, or day,form.", autocompletion=complete_way)
    ] = "day",
    form: Annotated[str, typer.Option("--form", help="Only this form, by id or name.")] = "",
    since: Annotated[str, typer.Option("--since", metavar="T", help="From that day on: 7d, 2026-11-01.")] = "30d",
    until: Annotated[str, typer.Option("--until", metavar="T", help="Until before that day.")] = "",
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Count leads by day, by form, or both.

    Days are those of UTC, and whole ones. It is quick however many leads there are.
    """
    inv = invocation(ctx, json=json, quiet=quiet)
    if by not in WAYS:
        raise UsageError(f"leads are not counted by {by}", f"ways: {' · '.join(WAYS)}")
    now = datetime.now().astimezone()
    first = _day(since, now, "--since")
    end = _day(until, now, "--until") if until else now.astimezone(UTC).date() + timedelta(days=1)

    async def body(session: Session) -> int:
        found = await session.leads.counts(first, end, form, MOST)
        if len(found) >= MOST:
            raise UsageError("there are too many forms and days to add up", "ask for fewer days, or one --form")
        counts = summed(found, WAYS[by])
        if inv.json:
            from console.cli.shapes import LeadCountsDocument

            total = sum(one.leads for one in counts)
            inv.output.document(LeadCountsDocument(first.isoformat(), end.isoformat(), total, counts))
        else:
            _show(inv, counts, WAYS[by])
        return 0

    return inv.run(body)


def summed(found: Iterable[FormDay], way: Sequence[str]) -> tuple[LeadCountDocument, ...]:
    """The sums by what is asked for: the newest day first, the largest form first."""
    from console.cli.shapes import LeadCountDocument

    sums, names = Counter[tuple[str, str]](), dict[str, str]()
    for one in found:
        day = one.day.isoformat() if "day" in way else ""
        sums[day, one.form_id if "form" in way else ""] += one.leads
        names[one.form_id] = one.form_name
    ordered = sorted(sums.items(), key=lambda item: (-item[1], item[0][1]))
    ordered.sort(key=lambda item: item[0][0], reverse=True)
    return tuple(
        LeadCountDocument(day or None, form if "form" in way else None, names[form] if "form" in way else None, leads)
        for (day, form), leads in ordered
        if leads
    )


def _day(text: str, now: datetime, option: str) -> date:
    """The day (UTC) that is meant: a date is that day, whatever zone the operator is in."""
    from console.cli.times import point

    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return point(text, now, option).astimezone(UTC).date()


def _show(inv: Invocation, counts: Sequence[LeadCountDocument], way: Sequence[str]) -> None:
    from console.cli.table import Column
    from console.format import Cell, Tone, number

    if not counts:
        inv.narrator.say("no lead came in these days")
        return
    total = number(sum(one.leads for one in counts))
    columns = {
        "day": (Column("DAY"), [*(one.day or "" for one in counts), "in all"]),
        "form": (Column("FORM", least=8), [*(_called(one) for one in counts), "" if "day" in way else "in all"]),
        "leads": (Column("LEADS", right=True), [*(number(one.leads) for one in counts), Cell(total, Tone.STRONG)]),
    }
    shown = [columns[name] for name in (*way, "leads")]
    inv.output.table([column for column, _ in shown], list(zip(*(cells for _, cells in shown), strict=True)))


def _called(one: LeadCountDocument) -> str:
    from console.format import safe

    form = safe(one.form_id or "", 40)
    return f"{safe(one.form_name, 80)} ({form})" if one.form_name and form else form or "no form"
