"""The stack's commands: up, down, start, stop, restart, ps; those about containers and images are in images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from console.cli.flags import IndexFlag, JsonFlag, QuietFlag, YesFlag
from console.cli.invocation import Invocation, invocation

if TYPE_CHECKING:
    from console.session import Session
    from console.snapshots import StackSnapshot

STATS_WITHIN_S = 5.0
SERVICES = ("app", "worker", "db", "redis")


def complete_service(incomplete: str) -> list[str]:
    """The services that every stack has, for the shell."""
    return [name for name in SERVICES if name.startswith(incomplete)]


Services = Annotated[
    list[str] | None,
    typer.Argument(metavar="SERVICE", help="app, worker, db, redis; all when none is named.",
                   autocompletion=complete_service, show_default=False),
]  # fmt: skip


def up(
    ctx: typer.Context,
    *,
    services: Services = None,
    build: Annotated[
        bool | None,
        typer.Option(
            "--build/--no-build", help="Build in any case, or not; otherwise where sources changed.", show_default=False
        ),
    ] = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Create and start the stack, and wait until it is healthy.

    The command lines that are run are shown. An image is built when it is missing, or when what it is made of has
    changed since; a service whose settings or image have changed is created anew.
    """
    args = {} if build is None else {"build": "yes" if build else "no"}
    return stack_verb(invocation(ctx, json=json, quiet=quiet), "up", services, args=args)


def down(
    ctx: typer.Context,
    *,
    volumes: Annotated[bool, typer.Option("--volumes", help="Delete its data too: leads and queue.")] = False,
    confirm: Annotated[
        str, typer.Option("--confirm", metavar="STACK", help="With --volumes: the stack's name, instead of typing it.")
    ] = "",
    yes: YesFlag = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Stop and remove the stack; its data stays.

    It asks first. Its data is only deleted once the stack's name has been typed: --yes does not do that.
    """
    inv = invocation(ctx, json=json, quiet=quiet)
    if not volumes:
        return stack_verb(inv, "down", None, question="Take the stack down?", yes=yes)

    async def body(session: Session) -> int:
        from console.cli.act import act, named_to_agree, refuse_if_read_only
        from console.ports import Action, Verb

        refuse_if_read_only(session, "down")
        action = Action(Verb.DOWN, (), {"volumes": "yes"})
        why = "down --volumes deletes all leads and the queue"
        if not await named_to_agree(inv, session, action, confirm, why=why, to="DELETE its leads and its queue"):
            inv.narrator.say("nothing was done")
            return 1
        return await act(inv, session, action)

    return inv.run(body)


def start(ctx: typer.Context, *, services: Services = None, json: JsonFlag = False, quiet: QuietFlag = False) -> int:
    """Start services that are stopped."""
    return stack_verb(invocation(ctx, json=json, quiet=quiet), "start", services)


def stop(
    ctx: typer.Context,
    *,
    services: Services = None,
    yes: YesFlag = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Stop services; a worker finishes what it holds."""
    question = f"Stop {', '.join(services) if services else 'the whole stack'}?"
    return stack_verb(invocation(ctx, json=json, quiet=quiet), "stop", services, question=question, yes=yes)


def restart(
    ctx: typer.Context,
    *,
    services: Services = None,
    index: IndexFlag = None,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Stop services and start them again."""
    args = {"index": str(index)} if index else {}
    return stack_verb(invocation(ctx, json=json, quiet=quiet), "restart", services, args=args)


def ps(
    ctx: typer.Context,
    *,
    stats: Annotated[
        bool, typer.Option("--stats", help="With processor and memory; takes a moment, they need two looks.")
    ] = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Show the services and how they are.

    What differs from the compose files is said below: another image, other settings, a service too many or too few.
    """
    inv = invocation(ctx, json=json, quiet=quiet)

    async def body(session: Session) -> int:
        await session.runtime.compare()
        snapshot = await (_measured(session) if stats else session.sources.stack.read())
        if inv.json:
            from console.cli.shaped import stack_document

            inv.output.document(stack_document(snapshot))
        else:
            from console.cli.views import show_stack

            show_stack(inv.output, snapshot)
        return 0

    return inv.run(body)


async def _measured(session: Session) -> StackSnapshot:
    """A reading in which whatever runs has its figures, or the last one within a few seconds."""
    import asyncio

    deadline = asyncio.get_running_loop().time() + STATS_WITHIN_S
    while True:
        snapshot = await session.sources.stack.read()
        running = [replica for service in snapshot.services for replica in service.replicas if replica.state.up]
        unknown = any(replica.cpu_percent is None or replica.memory_bytes is None for replica in running)
        if not unknown or asyncio.get_running_loop().time() > deadline:
            return snapshot
        await asyncio.sleep(0.5)


def stack_verb(
    inv: Invocation,
    verb: str,
    services: list[str] | None,
    *,
    question: str = "",
    yes: bool = False,
    args: dict[str, str] | None = None,
) -> int:
    """Do a verb of the stack to services; the exit code. See console.cli.act.act."""

    async def body(session: Session) -> int:
        from console.cli.act import act
        from console.ports import Action, Verb

        action = Action(Verb(verb), tuple(services or ()), args or {})
        return await act(inv, session, action, question=question, yes=yes)

    return inv.run(body)
