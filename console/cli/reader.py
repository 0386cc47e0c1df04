"""Notices that nobody reads the output any more, also while there is nothing to write: `leadsctl logs -f | head -1`."""

from __future__ import annotations

import asyncio
import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO


@contextmanager
def ends_with_reader(stream: IO[str]) -> Iterator[None]:
    """Raise BrokenPipeError in the block, at its next wait, once the other end of the pipe is closed.

    poll(2): the writing end of a pipe without a reader reports an error, whatever was asked of it.
    """
    handle = _pipe(stream)
    if handle is None:
        yield
        return
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    gone = False

    def on_error() -> None:
        nonlocal gone
        gone = True
        loop.remove_reader(handle)
        task.cancel()

    loop.add_reader(handle, on_error)
    try:
        yield
    except asyncio.CancelledError:
        if not gone:
            raise
        task.uncancel()
        raise BrokenPipeError from None
    finally:
        loop.remove_reader(handle)


def _pipe(stream: IO[str]) -> int | None:
    """The stream's file descriptor if it is a pipe."""
    try:
        handle = stream.fileno()
    except io.UnsupportedOperation:
        return None
    return handle if stat.S_ISFIFO(os.fstat(handle).st_mode) else None
