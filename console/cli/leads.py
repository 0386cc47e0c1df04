"""The leads' commands: list, show, search, count, export, replay, forget."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli.counting import count
from console.cli.flags import JsonFlag, QuietFlag, RevealFlag, YesFlag
from console.cli.invocation import Invocation, invocation
from console.cli.lazy import plain_typer
from console.cli.replay import replay
from console.errors import ConsoleError

if TYPE_CHECKING:
    from api.models import Lead, LeadFilter
    from console.session import Session

PAGE = 200
"""Leads fetched at once."""

app = plain_typer()

Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=100_000, help="At most so many.")]
Cursor = Annotated[str, typer.Option("--cursor", metavar="C", help="Go on where a page ended.")]
SourceOption = Annotated[str, typer.Option("--source", help="meta, forms, google or typeform.")]
FormOption = Annotated[str, typer.Option("--form", help="Form, by id or name.")]
PageOption = Annotated[str, typer.Option("--page", help="Page, by id or name.")]
CampaignOption = Annotated[str, typer.Option("--campaign", help="Campaign, by id or name.")]
StatusOption = Annotated[str, typer.Option("--status", help="stored or partial.")]
SinceOption = Annotated[str, typer.Option("--since", metavar="T", help="From then on: 2h, 3d, 2026-11-24.")]
UntilOption = Annotated[str, typer.Option("--until", metavar="T", help="Until then.")]


@dataclass(frozen=True, slots=True)
class Listing:
    """How much of a list is shown, and how."""

    limit: int
    cursor: str
    reveal: bool


@app.callback(invoke_without_command=True)
def leads(ctx: typer.Context, *, json: JsonFlag = False, quiet: QuietFlag = False) -> int:
    """List, show, search, count, export, replay and forget leads.

    Without a command: the latest.
    """
    inv = invocation(ctx, json=json, quiet=quiet)
    if ctx.invoked_subcommand:
        return 0
    from api.models import LeadFilter

    return _list(inv, LeadFilter(), Listing(20, "", reveal=False))


@app.command("list")
def list_leads(
    ctx: typer.Context,
    *,
    source: SourceOption = "",
    form: FormOption = "",
    page: PageOption = "",
    campaign: CampaignOption = "",
    status: StatusOption = "",
    since: SinceOption = "",
    until: UntilOption = "",
    limit: Limit = 20,
    cursor: Cursor = "",
    reveal: RevealFlag = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """List stored leads, newest first."""
    where = _filter(source=source, form=form, page=page, campaign=campaign, status=status, since=since, until=until)
    return _list(invocation(ctx, json=json, quiet=quiet), where, Listing(limit, cursor, reveal))


@app.command("export")
def export_leads(
    ctx: typer.Context,
    *,
    target: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="A file, not standard output.")
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", metavar="F", help="csv or jsonl; else as the file's name ends.")
    ] = "",
    text: Annotated[str, typer.Option("--search", metavar="TEXT", help="Part of a name, e-mail, phone or id.")] = "",
    source: SourceOption = "",
    form: FormOption = "",
    page: PageOption = "",
    campaign: CampaignOption = "",
    status: StatusOption = "",
    since: SinceOption = "",
    until: UntilOption = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="At most so many; 0: all.")] = 0,
    answers: Annotated[
        list[str] | None, typer.Option("--answer", metavar="NAME", help="A column for this answer.")
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Leave cells that a spreadsheet would run as formulas.")
    ] = False,
    bom: Annotated[bool, typer.Option("--bom", help="Begin with the mark by which Excel knows UTF-8.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Write over a file that is there.")] = False,
    reveal: RevealFlag = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Write leads as CSV or JSON lines, newest first.

    Cells that a spreadsheet would run as a formula get an apostrophe before them.
    """
    from console.cli import export

    inv = invocation(ctx, json=json, quiet=quiet)
    how = export.layout(
        "jsonl" if json and not format_ else format_, target, answers or [], reveal=reveal, exact=exact, bom=bom
    )
    where = _filter(
        text=text, source=source, form=form, page=page, campaign=campaign, status=status, since=since, until=until
    )
    return export.run(inv, where, how, target, most=limit, replace=replace)


@app.command("search")
def search(
    ctx: typer.Context,
    *,
    text: Annotated[str, typer.Argument(help="Part of a name, e-mail, phone or id.")],
    limit: Limit = 20,
    cursor: Cursor = "",
    reveal: RevealFlag = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Search stored leads by name, e-mail, phone or id."""
    from api.models import LeadFilter

    return _list(invocation(ctx, json=json, quiet=quiet), LeadFilter(text=text), Listing(limit, cursor, reveal))


@app.command("show")
def show(
    ctx: typer.Context,
    *,
    lead: Annotated[str, typer.Argument(metavar="ID", help="Id of a lead, a job or a request, or Meta's lead id.")],
    reveal: RevealFlag = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Show one lead and all that happened to it."""
    inv = invocation(ctx, json=json, quiet=quiet)

    async def body(session: Session) -> int:
        from console.cli.documents import details_document
        from console.cli.records import show_details
        from console.cli.reveal import record_reveal
        from console.cli.shapes import LeadsFoundDocument

        found = await session.leads.find(lead)
        if not found:
            raise _unknown(lead)
        if reveal:
            await record_reveal(session, *(_name(details.lead) for details in found if details.lead))
        if inv.json:
            inv.output.document(LeadsFoundDocument(tuple(details_document(one, reveal=reveal) for one in found)))
            return 0
        for n, details in enumerate(found):
            if n:
                inv.output.line()
            show_details(inv.output, details, reveal=reveal)
        return 0

    return inv.run(body)


app.command("count")(count)
app.command("replay")(replay)


@app.command("forget")
def forget(
    ctx: typer.Context,
    *,
    person: Annotated[str, typer.Argument(metavar="PERSON", help="An e-mail address, a phone number, or a lead's id.")],
    yes: YesFlag = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Erase a person's data: rows, queued jobs and dead letters.

    What was erased is recorded by its ids. The accounting stays true: the jobs' ends stay, without the lead. Backups
    that were made before still hold the data.
    """
    inv = invocation(ctx, json=json, quiet=quiet)

    async def body(session: Session) -> int:
        from console.cli.act import act, refuse_if_read_only
        from console.cli.records import show_jobs, show_leads
        from console.ports import Action, Verb
        from console.wording import counted

        refuse_if_read_only(session, "forget")
        found = await session.forgetter().find(person)
        if not found.targets:
            raise ConsoleError("nothing stored or queued has exactly that address, number or id")
        if not (yes or inv.json or inv.quiet):
            if found.leads:
                show_leads(inv.output, found.leads, reveal=False)
            if found.jobs:
                show_jobs(inv.output, found.jobs)
            inv.output.flush()
        question = f"Erase {counted(len(found.leads), 'lead')} and {counted(len(found.jobs), 'queued job')} for good?"
        return await act(inv, session, Action(Verb.FORGET, found.targets), question=question, yes=yes)

    return inv.run(body)


def _filter(*, since: str, until: str, **words: str) -> LeadFilter:
    """The filter that the options mean. UsageError for a time that is none."""
    from datetime import datetime

    from api.models import LeadFilter
    from console.cli.times import point

    now = datetime.now().astimezone()
    return LeadFilter(
        **words,
        since=point(since, now, "--since") if since else None,
        until=point(until, now, "--until") if until else None,
    )


def _name(lead: Lead) -> str:
    return f"lead {lead.id}"


def _unknown(lead: str) -> ConsoleError:
    from api.ids import BEGINNING_LETTERS
    from console.format import safe

    hint = "leadsctl trace looks among those still queued too"
    if len(lead.strip()) < BEGINNING_LETTERS:
        hint = f"give a whole id, or {BEGINNING_LETTERS} characters or more that a job's id begins with"
    return ConsoleError(f"no stored lead has the id {safe(lead, 60)}", hint)


def _list(inv: Invocation, where: LeadFilter, listing: Listing) -> int:
    async def body(session: Session) -> int:
        from api.models import LeadFilter, LeadPage
        from console.cli.documents import leads_document
        from console.cli.records import show_leads
        from console.cli.reveal import record_reveal

        found: list[Lead] = []
        page = LeadPage((), listing.cursor)
        while True:
            size = min(listing.limit - len(found), PAGE)
            page = await session.leads.page(where, cursor=page.cursor, limit=size, full=inv.json)
            found += page.leads
            if not page.cursor or len(found) >= listing.limit:
                break
        if listing.reveal and found:
            await record_reveal(session, *map(_name, found))
        if inv.json:
            document = leads_document(LeadPage(tuple(found), page.cursor, page.notice), reveal=listing.reveal)
            inv.output.document(document)
            return 0
        if found:
            show_leads(inv.output, found, reveal=listing.reveal)
        elif where == LeadFilter() and not listing.cursor:
            inv.narrator.say("no lead yet; leadsctl send sends a test one")
        else:
            inv.narrator.say("no stored lead matches")
        if page.notice:
            inv.narrator.say(page.notice, "dim")
        if page.cursor:
            inv.narrator.say(f"there are more: --cursor {page.cursor}", "dim")
        return 0

    return inv.run(body)
