"""Runs a program to its end and never leaves it behind: it is killed if the caller is cancelled or loses patience."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from console.errors import StackError
from console.stack.local.launch import start_mark
from console.stack.local.places import write_private
from console.stack.local.processes import Record


@dataclass(frozen=True, slots=True)
class Finished:
    """How it ended: its code, and both outputs together."""

    code: int
    output: str

    @property
    def last_line(self) -> str:
        """The last line that says something, cut to 300 characters."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        return lines[-1][:300] if lines else "no output"


async def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    record: Path,
    user: str = "",
    stdin: bytes = b"",
    cwd: Path | str = "/",
    timeout_s: float = 60.0,
) -> Finished:
    """Run `argv` as `user`, written down in `record` meanwhile, so that it can be ended if this process is killed.

    Raises:
        StackError: it cannot be started, or is not done after `timeout_s` seconds.
    """
    entry = pwd.getpwnam(user) if user else None
    name = Path(argv[0]).name
    try:
        process = await asyncio.create_subprocess_exec(
            *argv, env=dict(env), cwd=str(cwd), start_new_session=True,
            user=entry.pw_uid if entry else None, group=entry.pw_gid if entry else None,
            extra_groups=[] if entry else None,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
    except OSError as error:
        raise StackError(f"{name} cannot be run: {error.strerror}") from error
    try:
        with contextlib.suppress(ProcessLookupError):
            me = Record(pid=process.pid, mark=start_mark(process.pid), at=time.time())
            write_private(record, msgspec.json.encode(me))
        async with asyncio.timeout(timeout_s):
            output, _ = await process.communicate(stdin)
    except TimeoutError as error:
        raise StackError(f"{name} is not done after {timeout_s:.0f} s") from error
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        record.unlink(missing_ok=True)  # noqa: ASYNC240 - one small file
    return Finished(process.returncode or 0, output.decode("utf-8", "replace"))
