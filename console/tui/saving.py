"""Writes log lines to a file that only its owner can read, without holding up the interface."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from console.format import Tone, number, safe
from console.snapshots import LogLine

if TYPE_CHECKING:
    from console.tui.app import LeadsApp


def default_name(what: str, at: float) -> str:
    """A file name in the current directory: "leads-logs-20261124-120433.log"."""
    return f"leads-{what}-{time.strftime('%Y%m%d-%H%M%S', time.localtime(at))}.log"


async def save(app: LeadsApp, name: str, lines: Sequence[LogLine]) -> None:
    """Write the lines to a file, and say where they are or why they are not."""
    try:
        where, count = await save_lines(name, lines)
    except (OSError, RuntimeError, ValueError) as error:  # of a user who is none, for one
        reason = safe(getattr(error, "strerror", None) or str(error))
        app.notify(f"{safe(name)}: {reason}", title="✖ not saved", severity="error", markup=False)
        app.known.happened("you", "save logs", name, reason, Tone.BAD)
    else:
        app.notify(f"{number(count)} lines in {safe(where)}", title="● saved", markup=False)
        app.known.happened("you", "save logs", where, f"{number(count)} lines", Tone.OK)


async def save_lines(name: str, lines: Sequence[LogLine]) -> tuple[str, int]:
    """Write the lines as they were, with time and service. Returns the path and how many lines.

    Raises:
        OSError: it cannot be written, or there is such a file already.
        RuntimeError, ValueError: it is no file's name.
    """
    return await asyncio.to_thread(_write, name, lines)


def _write(name: str, lines: Sequence[LogLine]) -> tuple[str, int]:
    path = Path(name).expanduser()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace", newline="\n") as file:
        for line in lines:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(line.at))
            file.write(f"{stamp}.{int(line.at % 1 * 1000):03d}Z {line.replica or line.service} {line.text}\n")
    return str(path.absolute()), len(lines)
