"""Runs a program as a pipe: bytes in, bytes out as they come, its last words when it fails. Never leaves it behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence

from console.errors import StackError

CHUNK = 1 << 20
KEPT = 8_192
"""Bytes of standard error that are kept."""
END_S = 5.0
_ERROR = re.compile(r"\b(error|fatal|refused|denied|cannot|no such)\b", re.IGNORECASE)


async def piped(
    argv: Sequence[str],
    source: AsyncIterator[bytes] | None = None,
    *,
    env: Mapping[str, str],
    cwd: str = "/",
    user: int | None = None,
    group: int | None = None,
    name: str = "",
) -> AsyncGenerator[bytes, None]:
    """Standard output of a program that reads `source`. Closing the generator ends it.

    Args:
        user, group: as whom it runs, None as the caller.
        name: what it is called in an error; the first word otherwise.

    Raises:
        StackError: it cannot be started, or fails; the message has the last line that it said.
    """
    name = name or argv[0]
    try:
        process = await asyncio.create_subprocess_exec(
            *argv, env=dict(env), cwd=cwd, user=user, group=group, extra_groups=None if user is None else [],
            stdin=asyncio.subprocess.PIPE if source is not None else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        raise StackError(f"{name} cannot be run: {error.strerror}") from error
    feeding = asyncio.ensure_future(_feed(process.stdin, source)) if source is not None else None
    complaining = asyncio.ensure_future(_last_words(process.stderr))
    try:
        if process.stdout is not None:
            while chunk := await process.stdout.read(CHUNK):
                yield chunk
        code = await process.wait()
        if feeding is not None:
            await feeding
        if code:
            raise StackError(f"{name} failed: {await complaining or f'exit code {code}'}")
    finally:
        await _end(process)
        for task in filter(None, (feeding, complaining)):
            task.cancel()
        await asyncio.gather(*filter(None, (feeding, complaining)), return_exceptions=True)


async def output(stream: AsyncIterator[bytes]) -> bytes:
    """All that a pipe gives, for one that gives little."""
    return b"".join([chunk async for chunk in stream])


async def _feed(stdin: asyncio.StreamWriter | None, source: AsyncIterator[bytes]) -> None:
    """Write all of `source`; a program that reads no further has what it needs."""
    if stdin is None:
        return
    try:
        with contextlib.suppress(ConnectionError):
            async for chunk in source:
                stdin.write(chunk)
                await stdin.drain()
    finally:
        stdin.close()
        with contextlib.suppress(ConnectionError):
            await stdin.wait_closed()


async def _last_words(stderr: asyncio.StreamReader | None) -> str:
    """The first line that speaks of an error, else the last that says something; not yet safe to show."""
    kept = b""
    while stderr is not None and (chunk := await stderr.read(KEPT)):
        kept = (kept + chunk)[-KEPT:]
    lines = [line.strip() for line in kept.decode("utf-8", "replace").splitlines() if line.strip()]
    told = next((line for line in lines if _ERROR.search(line)), lines[-1] if lines else "")
    return told[:300]


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        try:
            async with asyncio.timeout(END_S):
                await process.wait()
        except TimeoutError:
            continue
        return
