"""Gets the new payload of a job: from the command, from a file, from standard input, or from the operator's editor."""

from __future__ import annotations

import asyncio
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import msgspec

from api.models import JobView
from console.cli import terminal
from console.cli.reveal import record_reveal
from console.errors import ConsoleError, UsageError
from console.session import Session


async def edited(session: Session, view: JobView, *, given: str | None, file: Path | None) -> str | None:
    """The new payload as text, not yet checked; None when the operator left it as it was.

    The editor shows the payload in full, which is recorded first.

    Raises:
        UsageError: there is nothing to take it from.
    """
    if given is not None:
        return sys.stdin.read() if given == "-" else given
    if file is not None:
        return await asyncio.to_thread(_from_file, file)
    if not terminal.interactive():
        raise UsageError("there is no terminal for an editor", "give the payload with --payload or --from")
    await record_reveal(session, f"job {view.job.id}")
    before = _pretty(view.job.payload)
    after = await asyncio.to_thread(_in_editor, before)
    return None if after.strip() == before.strip() else after


def _from_file(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8") from error


def _pretty(payload: str) -> str:
    try:
        return msgspec.json.format(payload, indent=2) + "\n"
    except msgspec.MsgspecError:
        return payload + "\n"


def _in_editor(text: str) -> str:
    """Let the operator edit the text in $VISUAL or $EDITOR, in a file nobody else can read, gone afterwards."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    with tempfile.TemporaryDirectory(prefix="leadsctl-") as folder:
        path = Path(folder) / "payload.json"
        path.write_text(text, encoding="utf-8")
        try:
            subprocess.run([*shlex.split(editor), str(path)], check=True)
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            raise ConsoleError("the editor failed; nothing was changed", "set EDITOR, or use --payload") from error
        return path.read_text(encoding="utf-8")
