"""The queue's commands: status, list, show, retry, discard, undo, edit, pause, resume."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli.flags import JsonFlag, QuietFlag, RevealFlag
from console.cli.invocation import Invocation, invocation
from console.cli.lazy import plain_typer
from console.cli.moves import complete_state, demand_state, discard, find, retry, run, undo
from console.errors import UsageError

if TYPE_CHECKING:
    from api.models import JobView
    from console.session import Session

app = plain_typer()

StateArgument = Annotated[
    str, typer.Argument(metavar="STATE", help="ready, in-flight, retry, stuck, dead or discarded.",
                        autocompletion=complete_state, show_default=False),
]  # fmt: skip


@app.callback(invoke_without_command=True)
def queue(ctx: typer.Context, *, json: JsonFlag = False, quiet: QuietFlag = False) -> int:
    """Look at the queue; retry, discard and edit its jobs.

    Without a command: its figures.
    """
    inv = invocation(ctx, json=json, quiet=quiet)
    return 0 if ctx.invoked_subcommand else _status(inv)


@app.command("status")
def status(ctx: typer.Context, *, json: JsonFlag = False, quiet: QuietFlag = False) -> int:
    """Show how many jobs are where, and why."""
    return _status(invocation(ctx, json=json, quiet=quiet))


def _status(inv: Invocation) -> int:
    async def body(session: Session) -> int:
        snapshot = await session.queue.read()
        if inv.json:
            from console.cli.documents import queue_document

            inv.output.document(queue_document(snapshot))
        else:
            from console.cli.views import show_queue

            show_queue(inv.output, snapshot)
        return 0

    return inv.run(body)


@app.command("list")
def list_jobs(
    ctx: typer.Context,
    *,
    state: StateArgument = "dead",
    match: Annotated[str, typer.Option("--match", metavar="TEXT", help="Part of an id, page, form or error.")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="At most so many.")] = 50,
    cursor: Annotated[str, typer.Option("--cursor", metavar="C", help="Go on where a page ended.")] = "",
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """List the jobs of one state; the dead ones unless told otherwise."""
    inv = invocation(ctx, json=json, quiet=quiet)
    demand_state(state)

    async def body(session: Session) -> int:
        from api.models import JobPage, JobState
        from console.cli.documents import job_document
        from console.cli.records import show_jobs
        from console.cli.shapes import JobsDocument

        wanted = JobState(state)
        found: list[JobView] = []
        page = JobPage((), cursor)
        while True:  # a page may be short, or empty, and still not be the last
            page = await session.queue.jobs(wanted, cursor=page.cursor, limit=limit - len(found), match=match)
            found += page.jobs
            if not page.cursor or len(found) >= limit:
                break
        if inv.json:
            jobs = tuple(job_document(view, reveal=False) for view in found)
            inv.output.document(JobsDocument(wanted.value, jobs, page.cursor, page.scanned))
            return 0
        if found:
            show_jobs(inv.output, found)
        else:
            inv.narrator.say(f"no job is {wanted.value}" + (f" and matches {match}" if match else ""))
        if page.cursor:
            inv.narrator.say(f"there are more: --cursor {page.cursor}")
        return 0

    return inv.run(body)


@app.command("show")
def show(
    ctx: typer.Context,
    *,
    job: Annotated[str, typer.Argument(metavar="JOB", help="A job id, or a unique fragment of one.")],
    reveal: RevealFlag = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Show one job: its payload, its attempts, its errors."""
    inv = invocation(ctx, json=json, quiet=quiet)

    async def body(session: Session) -> int:
        from console.cli.documents import job_document
        from console.cli.records import show_job
        from console.cli.reveal import record_reveal

        view = await find(session, job)
        if reveal:
            await record_reveal(session, f"job {view.job.id}")
        if inv.json:
            inv.output.document(job_document(view, reveal=reveal))
        else:
            show_job(inv.output, view, reveal=reveal)
        return 0

    return inv.run(body)


app.command("retry")(retry)
app.command("discard")(discard)
app.command("undo")(undo)


@app.command("edit")
def edit(
    ctx: typer.Context,
    *,
    job: Annotated[str, typer.Argument(metavar="JOB", help="A job id, or a unique fragment of one.")],
    payload: Annotated[
        str | None, typer.Option("--payload", metavar="JSON", help="The new payload; - reads it from standard input.")
    ] = None,
    file: Annotated[Path | None, typer.Option("--from", metavar="FILE", help="The new payload, from a file.")] = None,
    then_retry: Annotated[bool, typer.Option("--retry", help="Retry it right away.")] = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Replace a job's payload.

    Without --payload or --from your editor opens; that shows it in full, which is recorded.
    """
    if payload is not None and file is not None:
        raise UsageError("--payload and --from exclude each other")
    inv = invocation(ctx, json=json, quiet=quiet)

    async def body(session: Session) -> int:
        from console.cli.act import finish, refuse_if_read_only
        from console.cli.payload import edited
        from console.ports import Action, Verb

        refuse_if_read_only(session, "edit")
        view = await find(session, job)
        text = await edited(session, view, given=payload, file=file)
        if text is None:
            inv.narrator.say("nothing was changed")
            return 1
        target = (view.job.id,)
        result = await inv.narrator.follow(session.runner.run(Action(Verb.EDIT, target, {"payload": text})))
        if result.ok and then_retry:
            result = await inv.narrator.follow(session.runner.run(Action(Verb.RETRY, target)))
        return finish(inv, result)

    return inv.run(body)


@app.command("pause")
def pause(ctx: typer.Context, *, json: JsonFlag = False, quiet: QuietFlag = False) -> int:
    """Let workers take no more jobs; webhooks are still accepted."""
    from console.ports import Action, Verb

    return run(invocation(ctx, json=json, quiet=quiet), Action(Verb.PAUSE))


@app.command("resume")
def resume(
    ctx: typer.Context,
    *,
    page: Annotated[str, typer.Option("--page", metavar="P", help="Only lift the wait of this page.")] = "",
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Let workers take jobs again."""
    from console.ports import Action, Verb

    return run(invocation(ctx, json=json, quiet=quiet), Action(Verb.RESUME, (), {"page": page} if page else {}))
