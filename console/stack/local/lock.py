"""Lets one console at a time change a state directory; the kernel frees the lock of one that was killed."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from console.errors import StackError

WAIT_S = 60.0


@asynccontextmanager
async def locked(path: Path, waits: Callable[[str], None], timeout_s: float = WAIT_S) -> AsyncIterator[None]:
    """Hold the lock in file `path`. `waits` is told once who holds it if that is somebody else.

    Raises:
        StackError: still held after `timeout_s` seconds.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + timeout_s
        told = False
        while not _taken(handle):
            holder = os.pread(handle, 20, 0).decode("ascii", "replace").strip() or "unknown"
            if time.monotonic() > deadline:
                raise StackError(
                    f"another leadsctl (process {holder}) is changing this stack", "wait for it, or end that process"
                )
            if not told:
                waits(f"waiting for another leadsctl (process {holder})")
                told = True
            await asyncio.sleep(0.05)
        os.ftruncate(handle, 0)
        os.pwrite(handle, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    with contextlib.suppress(BlockingIOError):
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False
