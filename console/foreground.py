"""Owns a program on the operator's own terminal: runs it, and waits there until it has ended."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from console.errors import StackError

KEYS = (signal.SIGINT, signal.SIGQUIT)
"""What keys send to every process on the terminal: meant for the program, not for us."""


@dataclass(frozen=True, slots=True)
class Foreground:
    """A program to be run on the operator's own terminal. `env` is all of its environment and may hold passwords."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    cwd: str | None = None


async def opened(program: Foreground) -> int:
    """Run it with our standard streams; its exit code, 128 and the signal's number if one ended it.

    Raises:
        StackError: it cannot be started.
    """
    with _deaf():
        try:
            process = await asyncio.create_subprocess_exec(*program.argv, env=dict(program.env), cwd=program.cwd)
        except OSError as error:
            raise StackError(f"{program.argv[0]} cannot be run: {error.strerror}") from error
        try:
            code = await process.wait()
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.terminate()
    return code if code >= 0 else 128 - code


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Do nothing at those signals. A handler, unlike ignoring them, is not inherited by the program."""
    before = {key: signal.signal(key, lambda *_: None) for key in KEYS}
    try:
        yield
    finally:
        for key, handler in before.items():
            signal.signal(key, handler)
