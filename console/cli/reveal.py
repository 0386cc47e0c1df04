"""Shows personal data in full only after that was recorded."""

from __future__ import annotations

from console.errors import ConsoleError, UnreachableError
from console.ports import Action, Result, Verb
from console.session import Session


async def record_reveal(session: Session, *targets: str) -> None:
    """Record that `targets` ("lead 88213") are about to be shown.

    Raises:
        UnreachableError: it could not be recorded; nothing may be shown.
    """
    async for event in session.runner.run(Action(Verb.REVEAL, targets)):
        if isinstance(event, Result) and not event.ok:
            kind = UnreachableError if event.exit_code == UnreachableError.exit_code else ConsoleError
            raise kind(event.text, event.hint)
