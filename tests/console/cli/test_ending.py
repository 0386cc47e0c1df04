"""A command that is told to end undoes what it has begun first, and ends with the signal's code."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

import pytest

from console.cli.ending import at_once, in_order


async def waits_in_order(told: Callable[[], None], done: list[str]) -> None:
    """What takes its time is told to end, and cleans up."""
    with in_order():
        try:
            asyncio.get_running_loop().call_soon(told)
            await asyncio.Event().wait()
        finally:
            told()
            await asyncio.sleep(0)
            done.append("undone")


@pytest.mark.parametrize("which", [signal.SIGTERM, signal.SIGHUP])
def test_what_was_begun_is_undone_first(which: signal.Signals) -> None:
    done: list[str] = []
    with pytest.raises(SystemExit) as ended:
        asyncio.run(waits_in_order(lambda: os.kill(os.getpid(), which), done))
    assert ended.value.code == 128 + which
    assert done == ["undone"]
    assert signal.getsignal(which) is signal.SIG_DFL


def test_what_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)

    async def work() -> str:
        with in_order(), at_once():
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.sleep(0)
            return "done"

    try:
        assert asyncio.run(work()) == "done"
    finally:
        signal.signal(signal.SIGHUP, before)


def test_another_cancellation_stays_one() -> None:
    async def cancelled() -> None:
        with in_order():
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())


def test_while_a_line_is_read_it_ends_at_once() -> None:
    async def read() -> None:
        with in_order(), at_once():
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(read())
