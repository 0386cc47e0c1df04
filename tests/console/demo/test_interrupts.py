"""Signals: the first cancels, the rest wait for the cleaning up; a program that no longer listens is rescued."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from console.demo.interrupts import Interrupts

DEAF = """
import asyncio, pathlib, sys, threading
from console.demo import interrupts
interrupts.DEAF_S = 0.1

def rescue():
    pathlib.Path(sys.argv[1]).write_text("rescued")

async def main():
    with interrupts.Interrupts(rescue):
        print("ready", flush=True)
        lock = threading.Lock()
        lock.acquire()
        lock.acquire()

asyncio.run(main())
"""


async def interrupted(*signals: signal.Signals, cleaning: bool = False, error: Exception | None = None) -> None:
    """A block that gets signals and then waits, or raises `error`."""
    with Interrupts() as interrupts:
        interrupts.cleaning = cleaning
        for which in signals:
            os.kill(os.getpid(), which)
        if error:
            raise error
        await asyncio.sleep(60)


async def cleaning_up(which: signal.Signals, done: list[str]) -> None:
    """A block that is interrupted, and again while it cleans up."""
    with Interrupts() as interrupts:
        try:
            os.kill(os.getpid(), which)
            await asyncio.sleep(60)
        finally:
            interrupts.cleaning = True
            os.kill(os.getpid(), which)
            await asyncio.sleep(0.05)
            done.append("cleaned")


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_cancels_once_and_takes_its_course_afterwards(which: signal.Signals) -> None:
    before = signal.getsignal(which)
    done: list[str] = []
    with pytest.raises(SystemExit) as caught:
        await cleaning_up(which, done)
    assert caught.value.code == 128 + which
    assert done == ["cleaned"]
    assert signal.getsignal(which) == before


async def test_ctrl_c_becomes_a_keyboard_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt):
        await interrupted(signal.SIGINT)


async def test_errors_of_ones_own_are_not_hidden_by_a_signal() -> None:
    with pytest.raises(KeyError):
        await interrupted(signal.SIGTERM, cleaning=True, error=KeyError("mine"))


async def test_a_terminal_that_went_away_with_the_signal_is_no_error_of_ones_own() -> None:
    with pytest.raises(SystemExit):
        await interrupted(signal.SIGHUP, cleaning=True, error=OSError(5, "Input/output error"))


async def test_without_a_signal_nothing_happens() -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(interrupted(), 0.05)


async def test_who_insists_is_heard_while_cleaning() -> None:
    with pytest.raises(SystemExit):
        await interrupted(signal.SIGTERM, signal.SIGTERM, signal.SIGTERM, cleaning=True)


async def test_a_program_that_no_longer_listens_is_rescued_and_ended(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", DEAF, str(tmp_path / "said")], stdout=subprocess.PIPE, cwd=Path(__file__).parents[3]
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGHUP)
        assert await asyncio.to_thread(process.wait, 30) == 129
    assert (tmp_path / "said").read_text() == "rescued"
