"""The stack's commands about containers and images: recreate, scale, build, pull."""

from __future__ import annotations

from typing import Annotated

import typer

from console.cli.flags import JsonFlag, QuietFlag
from console.cli.invocation import invocation
from console.cli.stack import Services, stack_verb
from console.errors import UsageError


def recreate(ctx: typer.Context, *, services: Services = None, json: JsonFlag = False, quiet: QuietFlag = False) -> int:
    """Replace services' containers by new ones.

    Whether anything has changed or not; data stays. A worker finishes what it holds first.
    """
    return stack_verb(invocation(ctx, json=json, quiet=quiet), "recreate", services)


def scale(
    ctx: typer.Context,
    *,
    wanted: Annotated[str, typer.Argument(metavar="SERVICE=N", help="How many replicas of what: worker=3.")],
    save: Annotated[bool, typer.Option("--save", help="Write WORKERS to .env, so that it stays so.")] = False,
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Run more or fewer replicas of a service: worker=3.

    At the next up WORKERS in .env decides how many workers run: --save writes it there.
    """
    service, equals, count = wanted.partition("=")
    if not equals or not service:
        raise UsageError(f"{wanted} says no number", "leadsctl scale worker=3")
    if save and service != "worker":
        raise UsageError("only the number of workers is a setting", "leave out --save")
    args = {"count": count} | ({"keep": "yes"} if save else {})
    return stack_verb(invocation(ctx, json=json, quiet=quiet), "scale", [service], args=args)


def build(ctx: typer.Context, *, services: Services = None, json: JsonFlag = False, quiet: QuietFlag = False) -> int:
    """Build the images from the sources beside the compose files.

    What runs stays as it is until the next up.
    """
    return stack_verb(invocation(ctx, json=json, quiet=quiet), "build", services)


def pull(ctx: typer.Context, *, services: Services = None, json: JsonFlag = False, quiet: QuietFlag = False) -> int:
    """Fetch the newest form of the images that are not built here.

    What runs stays as it is until the next up.
    """
    return stack_verb(invocation(ctx, json=json, quiet=quiet), "pull", services)
