"""Owns supervisord's life: starts it, finds one that still runs, clears what a killed one left, ends it for certain."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from console.errors import StackError, UnreachableError
from console.stack.local import cluster, rpc
from console.stack.local.config import (
    CONFIGURATION,
    MANNERS,
    launcher,
    supervisor_configuration,
    supervisor_spec,
    write_spec,
)
from console.stack.local.places import SERVICES, Kept, Places, write_private
from console.stack.local.processes import Record, end, gone, read_record

START_S = 20.0
END_S = 15.0

_started: list[subprocess.Popen[bytes]] = []
"""Supervisors started by this process: kept, so that they are reaped when they end."""


async def answers(places: Places, kept: Kept) -> bool:
    """Whether a supervisor serves this state directory."""
    try:
        await rpc.call(places.socket(kept), "getState")
    except UnreachableError:
        return False
    return True


async def adopt(places: Places, kept: Kept) -> bool:
    """Whether a supervisor runs that can be used. If not, whatever one that died has left is ended and removed.

    Its orphans cannot be adopted: their logs lead nowhere, and nobody would start them again.
    """
    if await answers(places, kept):
        file = places.state / CONFIGURATION
        if file.exists() and file.read_bytes() == supervisor_configuration().encode():
            return True
        await shut_down(places, kept)
    await clear(places, kept)
    return False


async def start(places: Places, kept: Kept, base: Mapping[str, str]) -> None:
    """Start a supervisor and wait until it answers.

    Raises:
        StackError: it does not start.
    """
    write_private(places.state / CONFIGURATION, supervisor_configuration().encode())
    write_spec(places, "supervisord", supervisor_spec(places, kept, base))
    output = places.run / "supervisord.out"
    write_private(output, b"")
    with output.open("ab") as out:
        process = subprocess.Popen(  # noqa: ASYNC220 - it must outlive the loop, which kills its own
            [*launcher(), "supervisord"],
            cwd=places.state, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    _started.append(process)
    deadline = time.monotonic() + START_S
    try:
        while not await answers(places, kept):
            if process.poll() is not None or time.monotonic() > deadline:
                raise StackError(f"the supervisor does not start: {_last_line(output)}", f"see {places.logs}")
            await asyncio.sleep(0.01)
    except BaseException:
        # It may not have written its record yet, without which nobody would find it again.
        process.kill()
        process.wait()
        raise


async def clear(places: Places, kept: Kept) -> None:
    """End what still runs without a supervisor that answers, and remove what the dead have left."""
    supervisor = read_record(places.record("supervisord"))
    if supervisor and supervisor.alive():
        # It ends its services in good order on SIGTERM.
        await end(supervisor, kept.token, signal.SIGTERM, max(manners.grace_s for manners in MANNERS.values()) + 5)
    orphans = {
        name: record
        for name in (*SERVICES, "initdb", "migrate", "psql")
        if (record := read_record(places.record(name)))
    }
    for wave in (("migrate", "psql", "initdb", "app", "worker"), ("db", "redis")):
        ending = [(name, orphans[name]) for name in wave if name in orphans]
        await asyncio.gather(*(_end_orphan(name, record, kept.token) for name, record in ending))
    await cluster.clear(places, kept.token)
    for name in (*SERVICES, "initdb", "migrate", "psql", "supervisord"):
        places.record(name).unlink(missing_ok=True)
    for left in (places.socket(kept), places.run / "supervisord.pid", *places.run.glob("supervisor.sock.*")):
        left.unlink(missing_ok=True)


async def shut_down(places: Places, kept: Kept) -> None:
    """End the supervisor, whose services should be stopped already, and see that nothing is left."""
    record = read_record(places.record("supervisord"))
    with contextlib.suppress(UnreachableError, rpc.RefusedError):
        await rpc.call(places.socket(kept), "shutdown")
    if record:
        await _ended(places, kept, record)
    await clear(places, kept)
    _reap()


def forget_socket(kept: Kept) -> None:
    """Remove the socket's directory if it lies outside the state directory."""
    if kept.socket_dir:
        shutil.rmtree(kept.socket_dir, ignore_errors=True)


async def _ended(places: Places, kept: Kept, record: Record) -> None:
    """Wait for the supervisor to end; each call that it answers wakes it from its one-second sleep."""
    deadline = time.monotonic() + END_S
    while record.alive() and time.monotonic() < deadline:
        with contextlib.suppress(UnreachableError, rpc.RefusedError):
            await rpc.call(places.socket(kept), "getState", timeout_s=0.5)
        await gone([record], 0.05)


async def _end_orphan(name: str, record: Record, token: str) -> None:
    manners = MANNERS.get(name)
    await end(record, token, manners.stop if manners else signal.SIGKILL, manners.grace_s if manners else 2)


def _last_line(file: Path) -> str:
    lines = [line.strip() for line in file.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no output"


def _reap() -> None:
    _started[:] = [process for process in _started if process.poll() is None]
