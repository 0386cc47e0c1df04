"""Helpers for tests on real local stacks."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil

from console.snapshots import Progress, Replica, State
from console.stack.local import LocalRuntime
from console.stack.local.environment import path_environment
from console.stack.local.launch import start_mark
from console.stack.local.places import Places

ENV = path_environment(os.environ)
"""An environment without any setting of a stack."""


async def drain(steps: AsyncIterator[Progress]) -> list[Progress]:
    """Run a verb to its end."""
    return [step async for step in steps]


async def replica(runtime: LocalRuntime, name: str) -> Replica:
    """The only replica of a service."""
    snapshot = await runtime.snapshot()
    (found,) = next(service.replicas for service in snapshot.services if service.name == name)
    return found


async def until(condition: Callable[[], object], what: str, timeout_s: float = 20.0) -> None:
    """Wait for a plain condition."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.02)
    assert condition(), what


async def until_state(runtime: LocalRuntime, name: str, *states: State) -> Replica:
    """Wait until the service is in one of the states."""
    async with asyncio.timeout(30):
        while (found := await replica(runtime, name)).state not in states:
            await asyncio.sleep(0.05)
    return found


def processes_of(state_dir: Path) -> dict[int, str]:
    """Every process of that stack, by the mark in its environment, its directory, or its parent; id → command."""
    kept = Places(state_dir).load()
    token = kept.token if kept else "?"
    found: dict[int, str] = {}
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            ours = process.environ().get("LEADSCTL_STACK") == token or Path(process.cwd()).is_relative_to(state_dir)
            if ours or process.ppid() in found:
                found[process.pid] = " ".join(process.cmdline())
        except psutil.Error:
            continue
    return found


def runs(pid: int) -> bool:
    """Whether there is such a process; a zombie is none."""
    try:
        start_mark(pid)
    except ProcessLookupError:
        return False
    return True


DEAF_GROUP = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""
"""A program that ignores SIGTERM and has a child, whose id it prints."""
