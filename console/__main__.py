"""`leadsctl`: runs a command line, turns what went wrong into two lines on standard error, and ends with its code."""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

COMPLETION = "_LEADSCTL_COMPLETE"
"""Set by a shell that wants words completed, or the script for that."""
BROKEN_PIPE = 141
"""128 + SIGPIPE: what a shell says of a program whose reader went away."""
COLLECT_EVERY = 20_000
"""Objects made between two looks for garbage. What a start makes lasts: Python's own 700 would have it looked through
a hundred times before anything is shown."""


def main() -> None:
    """The console script."""
    gc.set_threshold(COLLECT_EVERY)
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line; its exit code. Raises nothing but what ends the process."""
    _prepare_streams()
    try:
        try:
            code = _dispatch(arguments)
            sys.stdout.flush()
        except BrokenPipeError:
            _discard_output()
            return BROKEN_PIPE
        except KeyboardInterrupt:
            return 130
    except Exception as error:  # noqa: BLE001 - the last line of defence: an operator never sees a traceback
        from console.cli.failure import tell

        return tell(error, arguments)
    return code


def _dispatch(arguments: Sequence[str]) -> int:
    from console.cli import quick

    only_ui = None if COMPLETION in os.environ else quick.read(arguments)
    if only_ui is not None:
        from console.cli.ui import open_ui

        return open_ui(only_ui)
    from console.cli import app

    return app.run(arguments)


def _prepare_streams() -> None:
    """Survive a closed stream and a terminal that cannot show every character."""
    sys.stdout = _usable(sys.stdout)
    sys.stderr = _forgiving(_usable(sys.stderr))


def _usable(stream: TextIO | None) -> TextIO:
    if stream is None:  # closed by the caller, as in `leadsctl ps >&-`
        return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - lives as long as the process
    if hasattr(stream, "reconfigure"):
        stream.reconfigure(errors="replace")
    return stream


class _Forgiving(io.FileIO):
    """Takes what cannot be written, because the disk is full or the reader gone, as if it had been."""

    def write(self, data: ReadableBuffer, /) -> int:
        written = None
        with suppress(OSError):
            written = super().write(data)
        return memoryview(data).nbytes if written is None else written


def _forgiving(stream: TextIO) -> TextIO:
    """Standard error, so that work goes on where nobody can be told of it: the exit code tells of the work alone."""
    try:
        place = stream.fileno()
    except OSError:  # it is no file
        return stream
    buffered = io.BufferedWriter(_Forgiving(place, "w", closefd=False))
    return io.TextIOWrapper(buffered, stream.encoding, "replace", line_buffering=True)


def _discard_output() -> None:
    """Point standard output elsewhere, so that the interpreter's last flush finds no broken pipe."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


if __name__ == "__main__":
    main()
