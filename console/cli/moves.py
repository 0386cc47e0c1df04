"""The queue's commands that move jobs: retry, discard, undo; and how jobs are named on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from console.cli.flags import JsonFlag, QuietFlag, YesFlag
from console.cli.invocation import Invocation, invocation
from console.errors import ConsoleError, UsageError

if TYPE_CHECKING:
    from api.models import JobView
    from console.ports import Action
    from console.session import Session

STATES = ("ready", "in-flight", "retry", "stuck", "dead", "discarded")
FULL_ID = 26
"""Characters of a ULID: what is shorter is looked up first."""


def complete_state(incomplete: str) -> list[str]:
    """The states, for the shell."""
    return [state for state in STATES if state.startswith(incomplete)]


Ids = Annotated[list[str] | None, typer.Argument(metavar="[JOB]...", help="Job ids, or fragments.", show_default=False)]
AllOption = Annotated[
    str, typer.Option("--all", metavar="STATE", help="All jobs of this state.", autocompletion=complete_state)
]
MatchOption = Annotated[str, typer.Option("--match", metavar="TEXT", help="With --all: only those that match.")]


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
        return on_jobs(inv, "retry", jobs)
    from console.ports import Action, Verb

    return run(inv, Action(Verb.RETRY_MATCHING, (), {"state": state, "match": match}))


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
        return on_jobs(inv, "discard", jobs, question=question, yes=yes)
    from console.ports import Action, Verb

    question = f"Discard all {state} jobs{f' that match {match}' if match else ''}?"
    return run(inv, Action(Verb.DISCARD_MATCHING, (), {"state": state, "match": match}), question=question, yes=yes)


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
        return on_jobs(inv, "undo", jobs)
    from console.ports import Action, Verb

    return run(inv, Action(Verb.UNDO_MATCHING, (), {"match": match}))


def run(inv: Invocation, action: Action, *, question: str = "", yes: bool = False) -> int:
    """Carry out an action; its exit code."""

    async def body(session: Session) -> int:
        from console.cli.act import act

        return await act(inv, session, action, question=question, yes=yes)

    return inv.run(body)


def on_jobs(inv: Invocation, verb: str, jobs: list[str], *, question: str = "", yes: bool = False) -> int:
    async def body(session: Session) -> int:
        from console.cli.act import act, refuse_if_read_only
        from console.ports import Action, Verb

        refuse_if_read_only(session, verb)
        ids = [job if len(job) == FULL_ID else (await find(session, job)).job.id for job in jobs]
        return await act(inv, session, Action(Verb(verb), tuple(ids)), question=question, yes=yes)

    return inv.run(body)


async def find(session: Session, job: str) -> JobView:
    """The job with this id, or the only one with this fragment of it. ConsoleError when there is none."""
    view = await session.queue.job(job)
    if view is None:
        from api.ids import FRAGMENT_LETTERS
        from console.format import safe

        if len(job.strip()) < FRAGMENT_LETTERS:
            raise ConsoleError(
                f"no job in the queue has the id {safe(job, 60)}",
                f"give the whole id, or {FRAGMENT_LETTERS} characters of it or more",
            )
        raise ConsoleError(
            f"no job in the queue has the id {safe(job, 60)}, or it is a part of several",
            "leadsctl trace looks among the stored too",
        )
    return view


def _demand_jobs(jobs: list[str] | None, match: str, *, every: str, how: str) -> None:
    """UsageError unless either jobs are named or all of a state are meant."""
    if match and not every:
        raise UsageError(f"--match goes with {how}")
    if bool(jobs) == bool(every):
        raise UsageError(f"say which jobs: their ids, or {how}", "leadsctl queue list shows the dead ones")
    if every:
        demand_state(every)


def demand_state(state: str) -> None:
    """UsageError for a word that is no state."""
    if state not in STATES:
        raise UsageError(f"there is no state {state}", f"states: {', '.join(STATES)}")
