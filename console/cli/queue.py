"""The queue's commands: status, list, show, retry, discard, undo, edit, pause, resume."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli.flags import JsonFlag, QuietFlag, RevealFlag, YesFlag
from console.cli.invocation import Invocation, invocation
from console.cli.lazy import plain_typer
from console.errors import ConsoleError, UsageError

if TYPE_CHECKING:
    from api.models import JobView
    from console.ports import Action
    from console.session import Session

STATES = ("ready", "in-flight", "retry", "stuck", "dead", "discarded")
FULL_ID = 26
"""Characters of a ULID: what is shorter is looked up first."""

app = plain_typer()


def complete_state(incomplete: str) -> list[str]:
    """The states, for the shell."""
    return [state for state in STATES if state.startswith(incomplete)]


Ids = Annotated[list[str] | None, typer.Argument(metavar="[JOB]...", help="Job ids, or fragments.", show_default=False)]
AllOption = Annotated[
    str, typer.Option("--all", metavar="STATE", help="All jobs of this state.", autocompletion=complete_state)
]
MatchOption = Annotated[str, typer.Option("--match", metavar="TEXT", help="With --all: only those that match.")]
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
    _demand_state(state)

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

        view = await _find(session, job)
        if reveal:
            await record_reveal(session, f"job {view.job.id}")
        if inv.json:
            inv.output.document(job_document(view, reveal=reveal))
        else:
            show_job(inv.output, view, reveal=reveal)
        return 0

    return inv.run(body)


@app.command("retry")
def retry(
    ctx: typer.Context,
    *,
    jobs: Ids = None,
    state: AllOption = "",
    match: MatchOption = "",
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Make jobs ready again now: some, or --all of a state."""
    _demand_jobs(jobs, match, every=state, how="--all STATE")
    inv = invocation(ctx, json=json, quiet=quiet)
    if jobs:
        return _on_jobs(inv, "retry", jobs)
    from console.ports import Action, Verb

    return _run(inv, Action(Verb.RETRY_MATCHING, (), {"state": state, "match": match}))


@app.command("discard")
def discard(
    ctx: typer.Context,
    *,
    jobs: Ids = None,
    state: AllOption = "",
    match: MatchOption = "",
    yes: YesFlag = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Take jobs out unstored, some or --all of a state; undo takes them back."""
    _demand_jobs(jobs, match, every=state, how="--all STATE")
    inv = invocation(ctx, json=json, quiet=quiet)
    if jobs:
        question = f"Discard {len(jobs)} job{'s' if len(jobs) > 1 else ''}?"
        return _on_jobs(inv, "discard", jobs, question=question, yes=yes)
    from console.ports import Action, Verb

    question = f"Discard all {state} jobs{f' that match {match}' if match else ''}?"
    return _run(inv, Action(Verb.DISCARD_MATCHING, (), {"state": state, "match": match}), question=question, yes=yes)


@app.command("undo")
def undo(
    ctx: typer.Context,
    *,
    jobs: Ids = None,
    everything: Annotated[bool, typer.Option("--all", help="All discarded jobs.")] = False,
    match: MatchOption = "",
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Take discarded jobs back, some or --all of them."""
    _demand_jobs(jobs, match, every="discarded" if everything else "", how="--all")
    inv = invocation(ctx, json=json, quiet=quiet)
    if jobs:
        return _on_jobs(inv, "undo", jobs)
    from console.ports import Action, Verb

    return _run(inv, Action(Verb.UNDO_MATCHING, (), {"match": match}))


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
        view = await _find(session, job)
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

    return _run(invocation(ctx, json=json, quiet=quiet), Action(Verb.PAUSE))


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

    return _run(invocation(ctx, json=json, quiet=quiet), Action(Verb.RESUME, (), {"page": page} if page else {}))


def _run(inv: Invocation, action: Action, *, question: str = "", yes: bool = False) -> int:
    async def body(session: Session) -> int:
        from console.cli.act import act

        return await act(inv, session, action, question=question, yes=yes)

    return inv.run(body)


def _on_jobs(inv: Invocation, verb: str, jobs: list[str], *, question: str = "", yes: bool = False) -> int:
    async def body(session: Session) -> int:
        from console.cli.act import act, refuse_if_read_only
        from console.ports import Action, Verb

        refuse_if_read_only(session, verb)
        ids = [job if len(job) == FULL_ID else (await _find(session, job)).job.id for job in jobs]
        return await act(inv, session, Action(Verb(verb), tuple(ids)), question=question, yes=yes)

    return inv.run(body)


async def _find(session: Session, job: str) -> JobView:
    view = await session.queue.job(job)
    if view is None:
        raise ConsoleError(
            f"no job in the queue has the id {job}, or several begin so",
            f"leadsctl leads show {job} looks among the stored",
        )
    return view


def _demand_jobs(jobs: list[str] | None, match: str, *, every: str, how: str) -> None:
    """UsageError unless either jobs are named or all of a state are meant."""
    if match and not every:
        raise UsageError(f"--match goes with {how}")
    if bool(jobs) == bool(every):
        raise UsageError(f"say which jobs: their ids, or {how}", "leadsctl queue list shows the dead ones")
    if every:
        _demand_state(every)


def _demand_state(state: str) -> None:
    if state not in STATES:
        raise UsageError(f"there is no state {state}", f"states: {', '.join(STATES)}")
