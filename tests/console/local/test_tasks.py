"""Work that leaves nothing running behind."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest

from console.errors import StackError
from console.stack.local.processes import read_record
from console.stack.local.runner import run
from console.stack.local.tasks import in_thread, steps, together
from tests.console.local.stacks import DEAF_GROUP, ENV, runs, until


async def test_steps_come_as_they_are_made_and_errors_are_the_consoles() -> None:
    async def fails(emit: object) -> None:
        raise PermissionError(13, "Permission denied", "/some/file")

    with pytest.raises(StackError, match=r"^up failed: Permission denied \(/some/file\)"):
        async for _ in steps(fails, "up"):
            pass


async def test_closing_the_steps_cancels_the_work_and_waits_for_it() -> None:
    from console.snapshots import Progress

    ended = []

    async def work(emit: object) -> None:
        assert callable(emit)
        emit(Progress("one"))
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            ended.append(True)

    stream = steps(work, "up")
    assert (await anext(stream)).text == "one"
    await stream.aclose()
    assert ended == [True]


async def test_a_cancelled_thread_is_waited_for() -> None:
    ended = []
    begun = asyncio.Event()
    loop = asyncio.get_running_loop()

    def work() -> None:
        loop.call_soon_threadsafe(begun.set)
        time.sleep(0.2)
        ended.append(True)

    task = asyncio.create_task(in_thread(work))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [True]


async def test_together_lets_the_others_end_before_it_raises() -> None:
    ended = []

    async def fails() -> None:
        raise StackError("no")

    async def works() -> None:
        await asyncio.sleep(0.01)
        ended.append(True)

    with pytest.raises(StackError, match="no"):
        await together([fails(), works()])
    assert ended == [True]


async def test_a_program_is_killed_with_its_children_when_nobody_waits_any_more(tmp_path: Path) -> None:
    code = DEAF_GROUP.replace(
        "print(child.pid, flush=True)", f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))"
    )
    record = tmp_path / "x.proc"
    task = asyncio.create_task(run([sys.executable, "-c", code], env=dict(os.environ), record=record))
    await until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text(), "it runs")
    assert read_record(record) is not None
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: not runs(int((tmp_path / "pid").read_text())), "the child has ended")
    assert not record.exists()


async def test_a_program_that_takes_too_long_or_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="is not done after 0 s"):
        await run([sys.executable, "-c", "import time; time.sleep(60)"], env=ENV, record=tmp_path / "r", timeout_s=0.2)
    with pytest.raises(StackError, match="nothing cannot be run"):
        await run([str(tmp_path / "nothing")], env=ENV, record=tmp_path / "r")
    done = await run([sys.executable, "-c", "print('a'); print('b\\n'); exit(3)"], env=ENV, record=tmp_path / "r")
    assert (done.code, done.last_line) == (3, "b")
