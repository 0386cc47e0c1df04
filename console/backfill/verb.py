"""Owns the verb backfill: an action as what is wanted, and the backfills of one stack with its tokens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime

from api.graph import GraphClient
from api.settings import Settings as ServiceSettings
from console.backfill.filling import Backfiller
from console.backfill.records import Report, Wanted
from console.links import Links
from console.ports import Action, Result, Verb
from console.snapshots import Progress

FORM, PAGE = "form ", "page "


def action(wanted: Wanted) -> Action:
    """The action that brings in what is wanted."""
    targets = tuple(f"{FORM}{form}" for form in wanted.forms) or (f"{PAGE}{wanted.page}",)
    args = {"since": datetime.fromtimestamp(wanted.since, UTC).isoformat(timespec="seconds")}
    args |= {"page": wanted.page} if wanted.forms and wanted.page else {}
    return Action(Verb.BACKFILL, targets, args | ({"afresh": "yes"} if wanted.afresh else {}))


def wanted_of(action: Action) -> Wanted:
    """What an action is to bring in."""
    pages = [target.removeprefix(PAGE) for target in action.targets if target.startswith(PAGE)]
    return Wanted(
        since=datetime.fromisoformat(action.args["since"]).timestamp(),
        forms=tuple(target.removeprefix(FORM) for target in action.targets if target.startswith(FORM)),
        page=pages[0] if pages else action.args.get("page", ""),
        afresh=action.args.get("afresh") == "yes",
    )


class Backfills:
    """Backfills of one stack.

    Args:
        service: the settings that say how the Graph API is asked; may raise UsageError.
        halting: set by the operator: a run ends at the next safe place.
    """

    def __init__(self, links: Links, service: Callable[[], ServiceSettings], halting: asyncio.Event) -> None:
        self._links = links
        self._service = service
        self._halting = halting

    async def run(self, wanted: Wanted) -> AsyncGenerator[Progress | Report, None]:
        """See Backfiller.run."""
        async with (
            GraphClient.of(self._service()) as graph,
            aclosing(Backfiller(self._links, graph, self._halting).run(wanted)) as events,
        ):
            async for event in events:
                yield event

    async def do(self, action: Action) -> AsyncIterator[Progress | Result]:
        """The verb: steps, then a result."""
        async with aclosing(self.run(wanted_of(action))) as events:
            async for event in events:
                yield event.result() if isinstance(event, Report) else event
