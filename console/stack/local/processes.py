"""Finds the stack's processes again by process id and start time, never by name, and ends them for certain."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

import msgspec

from console.stack.local.launch import start_mark

MARK = "LEADSCTL_STACK"
"""The environment variable that marks every process of a stack, and what these start in turn."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """What the launcher wrote down. `at` is epoch seconds, `starts` counts since the last stop on purpose."""

    pid: int
    mark: str
    at: float
    starts: int = 1
    digest: str = ""

    def alive(self) -> bool:
        """Whether that very process still runs (a zombie does not)."""
        try:
            mark = start_mark(self.pid)
        except ProcessLookupError:
            return False
        return mark == self.mark if mark else _created_near(self.pid, self.at)


def read_record(path: Path) -> Record | None:
    """The record in that file, None if there is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Record)
    except (FileNotFoundError, NotADirectoryError, msgspec.MsgspecError):
        return None


def group_of(record: Record, token: str) -> list[int]:
    """Process ids in the record's process group, that process included, which are surely of this stack.

    A group's number is not given to anybody else while it has members, but it may be once it had none: so members
    whose leader is gone must carry the stack's token.
    """
    import psutil

    leads = record.alive()
    found = []
    for pid in psutil.pids():
        with contextlib.suppress(OSError, psutil.Error):
            if os.getpgid(pid) != record.pid or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                continue
            if leads or psutil.Process(pid).environ().get(MARK) == token:
                found.append(pid)
    return found


async def end(record: Record, token: str, how: signal.Signals, grace_s: float) -> None:
    """Ask the process to end, wait up to `grace_s`, then kill whatever is left of its group."""
    if record.alive():
        with contextlib.suppress(ProcessLookupError):
            os.kill(record.pid, how)
        await gone([record], grace_s)
    deadline = time.monotonic() + 5
    while (left := group_of(record, token)) and time.monotonic() < deadline:
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0.02)


async def gone(records: Iterable[Record], timeout_s: float) -> bool:
    """Wait until none of them runs; False if one still does after `timeout_s`."""
    waiting = list(records)
    deadline = time.monotonic() + timeout_s
    while any(record.alive() for record in waiting):
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(0.01)
    return True


def _created_near(pid: int, at: float) -> bool:
    """Where there is no /proc: the process began no later than it was recorded, and not long before."""
    import psutil

    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and -1 < at - process.create_time() < 10
    except psutil.Error:
        return False
