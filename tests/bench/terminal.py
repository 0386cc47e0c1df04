"""A pseudo-terminal with a screen: starts a program in it and tells when it has painted."""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import pyte

from tests.bench.harness import ROOT, MissingError
from tests.bench.processes import end, environment

ROWS, COLUMNS = 40, 120
ALTERNATE = b"\x1b[?1049h"
"""Switches to the screen of a full-screen program: what is written before is not its interface."""


class Terminal:
    """The screen of a running program. `began` is the monotonic time just before its start."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int, began: float) -> None:
        self.began = began
        self.process = process
        self.descriptor = descriptor
        self.written = bytearray()
        """Everything that was read so far."""
        self._screen = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.ByteStream(self._screen)
        self._full_screen = False

    def text(self) -> str:
        """What the screen shows."""
        return text_of(self._screen)

    def send(self, keys: str) -> None:
        """Press keys."""
        os.write(self.descriptor, keys.encode())

    def await_screen(self, shown: Callable[[str], bool], timeout_s: float) -> float:
        """Seconds from the start until the text on its full screen satisfies `shown`; at once if it does.

        The clock is read as the bytes come in, before they are interpreted.

        Raises:
            MissingError: it did not within `timeout_s`, or the program ended.
        """
        if self._full_screen and shown(self.text()):
            return time.perf_counter() - self.began
        while (left := self.began + timeout_s - time.perf_counter()) > 0:
            ready, _, _ = select.select([self.descriptor], [], [], left)
            if not ready:
                break
            at = time.perf_counter()
            try:
                data = os.read(self.descriptor, 1 << 16)
            except OSError:
                data = b""
            if not data:
                raise MissingError(f"{self.process.args!r} ended: {self.text().strip()[-400:]}")
            self.written += data
            self._stream.feed(data)
            self._full_screen = self._full_screen or ALTERNATE in data
            if self._full_screen and shown(self.text()):
                return at - self.began
        raise MissingError(f"{self.process.args!r} painted nothing within {timeout_s:.0f} s")


def text_of(screen: pyte.Screen) -> str:
    """What a screen shows. Its own `display` fails where half of a wide character has been overwritten."""
    rows = (screen.buffer[y] for y in range(screen.lines))
    return "\n".join("".join(row[x].data for x in range(screen.columns)) for row in rows)


def _own_terminal() -> None:
    """Make standard input the process' controlling terminal, which some programs open as /dev/tty."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@contextlib.contextmanager
def program(command: Sequence[str], extra: Mapping[str, str]) -> Iterator[Terminal]:
    """Start a program in a terminal of ROWS × COLUMNS; it is ended afterwards."""
    ours, theirs = os.openpty()
    try:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        began = time.perf_counter()
        process = subprocess.Popen(
            list(command),
            env=environment({"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", **extra}),
            cwd=ROOT,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=_own_terminal,  # noqa: PLW1509 - no threads are under way here
        )
        os.close(theirs)
        try:
            yield Terminal(process, ours, began)
        finally:
            end(process)
    finally:
        os.close(ours)
