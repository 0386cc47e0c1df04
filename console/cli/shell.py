"""The commands shell, psql and redis-cli: a program opened inside a service, on the operator's own terminal."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from console.cli.flags import IndexFlag
from console.cli.invocation import Invocation, invocation
from console.cli.stack import complete_service

if TYPE_CHECKING:
    from console.session import Session

Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="[-- WORD...]", help="What it is given, options after --.", show_default=False),
]


def shell(
    ctx: typer.Context,
    *,
    service: Annotated[
        str, typer.Argument(metavar="SERVICE", help="app, worker, db, redis.", autocompletion=complete_service)
    ],
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="[-- COMMAND...]", help="Run this instead of a shell.", show_default=False),
    ] = None,
    index: IndexFlag = None,
) -> int:
    """Open a shell in a service, or run a command there.

    Its exit code is that of the program. On the local runtime the program has the environment of the service's own.
    It is recorded who opened what, not what was typed.
    """
    return _opened(invocation(ctx), service, command, "", index or 0)


def psql(ctx: typer.Context, *, words: Words = None) -> int:
    """Open psql on the stack's database.

    The password is taken from the service's environment: it is in no argument.
    """
    return _opened(invocation(ctx), "db", words, "psql")


def redis_cli(ctx: typer.Context, *, words: Words = None) -> int:
    """Open redis-cli on the stack's queue.

    The password is taken from the service's environment: it is in no argument.
    """
    return _opened(invocation(ctx), "redis", words, "redis-cli")


def _opened(inv: Invocation, service: str, words: list[str] | None, tool: str, index: int = 0) -> int:
    async def body(session: Session) -> int:
        from console.cli.act import refuse_if_read_only
        from console.ports import Action, Result, Verb

        refuse_if_read_only(session, tool or "shell")
        args = {"words": shlex.join(words or ())} | ({"tool": tool} if tool else {})
        args |= {"index": str(index)} if index else {}
        async for event in session.runner.run(Action(Verb.SHELL, (service,), args)):
            if isinstance(event, Result):
                if not event.ok:
                    inv.narrator.error(event.text, event.hint)
                return event.exit_code
        return 1

    return inv.run(body)
