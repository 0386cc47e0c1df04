"""Runs `leadsctl` as a user does: a process of its own, its bytes and its exit code; on a terminal too."""

from __future__ import annotations

import contextlib
import fcntl
import io
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from dataclasses import dataclass
from typing import Any
from unittest import mock

TIMEOUT_S = 60.0
COMMAND = (sys.executable, "-m", "console")
_SGR = re.compile(r"\x1b\[[0-9;]*m")
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True, slots=True)
class Call:
    """What a run came to."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """Standard output as text."""
        return self.out.decode()

    @property
    def document(self) -> Any:
        """Standard output as exactly one JSON document on one line."""
        assert self.out.endswith(b"\n"), self
        assert self.out.count(b"\n") == 1, self
        return json.loads(self.out)

    @property
    def documents(self) -> list[Any]:
        """Standard output as one JSON document a line."""
        return [json.loads(line) for line in self.out.splitlines()]


def environment(**changes: str) -> dict[str, str]:
    """This process's environment without what would steer `leadsctl` or colour it, no config.toml, with `changes`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LEADSCTL_", "COMPOSE_", "META_", "FORMS_", "REDIS_", "POSTGRES_", "DATABASE_"))
        and name not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "PORT", "HOST")
    }
    return kept | {"TERM": "xterm-256color", "XDG_CONFIG_HOME": os.devnull} | changes


def leadsctl(*arguments: str, stdin: str = "", env: dict[str, str] | None = None, cwd: str | None = None) -> Call:
    """Run it without a terminal."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        input=stdin.encode(),
        capture_output=True,
        env=environment(**(env or {})),
        cwd=cwd,
        timeout=TIMEOUT_S,
        check=False,
    )
    return Call(done.returncode, done.stdout, done.stderr.decode())


def inside(*arguments: str, env: dict[str, str] | None = None) -> Call:
    """Run it in this process, without a terminal: the same bytes and exit code, without the start of a program."""
    from console.__main__ import run

    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.TextIOWrapper(io.BytesIO(), "utf-8")
    with (
        mock.patch.dict(os.environ, environment(**(env or {})), clear=True),
        mock.patch.multiple(sys, stdin=io.StringIO(), stdout=out, stderr=err),
    ):
        code = run(arguments)
        out.flush()
        err.flush()
        return Call(code, out.buffer.getvalue(), err.buffer.getvalue().decode())


def on_terminal(
    *arguments: str,
    columns: int = 80,
    lines: int = 24,
    typed: str = "",
    interrupted_at: str = "",
    env: dict[str, str] | None = None,
) -> tuple[int, str]:
    """Run it on a terminal of that size; the exit code and all that was written to it.

    `typed` answers a question. SIGINT comes, as of Ctrl-C, once `interrupted_at` was written.
    """
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    process = subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        env=environment(**(env or {})),
        start_new_session=True,
    )
    os.close(terminal)
    if typed:
        os.write(controller, typed.encode())
    written = b""
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline:
        if not select.select([controller], [], [], 0.1)[0]:
            continue
        with contextlib.suppress(OSError):  # EIO: the other side is closed
            if chunk := os.read(controller, 65_536):
                written += chunk
                if interrupted_at and interrupted_at.encode() in written:
                    process.send_signal(signal.SIGINT)
                    interrupted_at = ""
                continue
        break
    os.close(controller)
    return process.wait(TIMEOUT_S), written.decode()


def plain(text: str) -> str:
    """The text without colours and with plain line ends."""
    return _CONTROL.sub("", _SGR.sub("", text)).replace("\r\n", "\n")
