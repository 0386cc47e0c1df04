"""The command leads export: leads as CSV or JSON lines, to a file or to standard output."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from console.errors import UsageError

if TYPE_CHECKING:
    from api.models import LeadFilter
    from console.cli.invocation import Invocation
    from console.export import Layout
    from console.session import Session


def layout(format_: str, target: Path | None, answers: list[str], *, reveal: bool, exact: bool, bom: bool) -> Layout:
    """How leads are written; without a format the file's ending says it. UsageError for a format that is none."""
    from console.export import FORMATS, Layout

    suffix = target.suffix.lower() if target else ""
    chosen = format_ or ("jsonl" if suffix in (".jsonl", ".ndjson", ".json") else "csv")
    if chosen not in FORMATS:
        raise UsageError(f"there is no format {chosen}", f"formats: {', '.join(FORMATS)}")
    for name in answers:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise UsageError(f"--answer {name} is not UTF-8") from None
    if chosen != "csv" and (answers or exact or bom):
        raise UsageError("--answer, --exact and --bom go with CSV")
    return Layout(chosen, tuple(answers), reveal, exact, bom)


def run(inv: Invocation, where: LeadFilter, how: Layout, target: Path | None, *, most: int, replace: bool) -> int:
    """Write the leads that `where` selects; 0 when all are written."""
    if target is not None and target.exists():
        if not target.is_file():
            raise UsageError(f"{target} is no file", "leave --output out to write to standard output")
        if not replace:
            raise UsageError(f"{target} is there already", "--replace writes over it")

    async def body(session: Session) -> int:
        from console.cli.reveal import record_reveal
        from console.export import export
        from console.wording import counted

        if how.reveal:
            await record_reveal(session, _named(where))
        done = 0
        steps = inv.narrator.steps()
        try:
            with _opened(target, replace=replace) as stream:
                async for step in export(session.leads, where, how, stream, most=most):
                    done = step.done
                    steps.step(step)
        finally:
            steps.end()
        masked = "" if how.reveal else "; personal data is masked, --reveal writes it in full"
        inv.narrator.say(f"{counted(done, 'lead')} written{f' to {target}' if target else ''}{masked}")
        return 0

    return inv.run(body)


def _named(where: LeadFilter) -> str:
    """The export's name for the record; what was searched for may be personal, and is left out."""
    parts = [
        f"{name}={value}"
        for name in ("source", "form", "page", "campaign", "status")
        if (value := getattr(where, name))
    ]
    parts += ["a search"] if where.text else []
    return "export of leads" + (f" ({', '.join(parts)})" if parts else "")


@contextmanager
def _opened(target: Path | None, *, replace: bool) -> Iterator[IO[bytes]]:
    """The file, which appears in its place once it is whole; or standard output."""
    if target is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    from console.parts import placed

    with placed(target, replace=replace) as stream:
        yield stream
