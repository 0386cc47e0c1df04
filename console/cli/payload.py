"""Gets the new payload of a job: from the command, from a file, from standard input, or from the operator's editor."""

from __future__ import annotations

import asyncio
import os
import shlex
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec

from api.models import JobView
from console.cli import terminal
from console.cli.reveal import record_reveal
from console.errors import ConsoleError, StackError, UsageError
from console.foreground import Foreground, opened
from console.session import Session

MOST = 4_000_000
"""Characters that are read; the queue takes no more bytes (api.queue.operator)."""
HINT = "set EDITOR, or use --payload"


async def edited(session: Session, view: JobView, *, given: str | None, file: Path | None) -> str | None:
    """The new payload as text, not yet checked; None when the operator left it as it was.

    The editor shows the payload in full, which is recorded first.

    Raises:
        UsageError: there is nothing to take it from.
    """
    if given is not None:
        return _from_stdin() if given == "-" else given
    if file is not None:
        return await asyncio.to_thread(_from_file, file)
    if not terminal.interactive():
        raise UsageError("there is no terminal for an editor", "give the payload with --payload or --from")
    await record_reveal(session, f"job {view.job.id}")
    before = _pretty(view.job.payload)
    after = await _in_editor(before)
    return None if after.strip() == before.strip() else after


def _from_file(file: Path) -> str:
    try:
        with file.open(encoding="utf-8") as source:
            return _bounded(source)
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8") from error
    except OSError as error:
        raise ConsoleError(f"{file} cannot be read: {error.strerror}") from error


def _from_stdin() -> str:
    if sys.stdin is None:
        raise UsageError("standard input is closed", "give the payload with --payload or --from")
    try:
        return _bounded(sys.stdin)
    except UnicodeDecodeError as error:
        raise UsageError("what stands on standard input is not UTF-8") from error
    except OSError as error:
        raise ConsoleError(f"standard input cannot be read: {error.strerror}") from error


def _bounded(source: IO[str]) -> str:
    """All of it, unless that is more than a payload may be: a device may have no end."""
    text = source.read(MOST + 1)
    if len(text) > MOST:
        raise UsageError(f"a payload is no larger than {MOST:,} bytes")
    return text


def _pretty(payload: str) -> str:
    try:
        return msgspec.json.format(payload, indent=2) + "\n"
    except (msgspec.MsgspecError, RecursionError):
        return payload + "\n"


async def _in_editor(text: str) -> str:
    """Let the operator edit the text in $VISUAL or $EDITOR, in a file nobody else can read, gone afterwards.

    What Ctrl-C does in there is the editor's to say.
    """
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with _draft(text) as path:
        try:
            code = await opened(Foreground((*shlex.split(editor), str(path)), os.environ))
        except (StackError, ValueError) as error:
            raise ConsoleError(f"the editor failed: {error}; nothing was changed", HINT) from error
        if code:
            raise ConsoleError("the editor failed; nothing was changed", HINT)
        return _from_file(path)


@contextmanager
def _draft(text: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="leadsctl-") as folder:
        path = Path(folder) / "payload.json"
        path.write_text(text, encoding="utf-8")
        yield path
