"""Backup and restore on a real engine: programs run in the stack's containers, a volume is filled by one of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from console.backup.restoring import Restorer, checked
from console.backup.taking import Taker, Wanted
from console.errors import StackError
from console.ports import Result
from console.session import Session
from console.settings import Settings
from console.snapshots import Progress
from tests.console.docker.waiting import until_true
from tests.live.stacks import LiveStack

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    """A whole stack."""
    made = LiveStack(tmp_path_factory.mktemp("stack"))
    try:
        made.up()
        yield made
    finally:
        made.remove()


def session(stack: LiveStack) -> Session:
    """The stack in hand."""
    settings = Settings(project=stack.project, files=stack.files, env_file=stack.env_file)
    return Session(settings, stack.runtime())


async def test_leads_and_queue_come_back(stack: LiveStack, tmp_path: Path) -> None:
    async with session(stack) as held:

        async def stored(count: int) -> bool:
            return (await held.leads.read()).total == count

        assert (await held.sender.test({})).ok
        await until_true(lambda: stored(1), "the first lead's row", 60)
        await held.links.operate(lambda operator: operator.pause())
        assert (await held.sender.test({})).ok
        taking = Taker(held.runtime, held.links).take(Wanted(tmp_path, stack.project))
        assert [step.ok async for step in taking if isinstance(step, Result)] == [True]
        await held.links.operate(lambda operator: operator.resume())
        await until_true(lambda: stored(2), "the second lead's row", 60)
        assert (await held.sender.test({})).ok
        await until_true(lambda: stored(3), "the third lead's row", 60)
        (path,) = tmp_path.iterdir()
        (manifest,) = [step async for step in checked(path, None) if not isinstance(step, Progress)]
        restorer = Restorer(held.runtime, held.links, held.checker)
        assert (await restorer.target()).full
        (result,) = [step async for step in restorer.restore(path, None, manifest) if isinstance(step, Result)]
        assert result.ok, result
        queue = await held.queue.read()
        assert (queue.accepted, queue.ready, queue.paused) == (2, 1, True)
        await held.links.operate(lambda operator: operator.resume())
        await until_true(lambda: stored(2), "the second lead's row once more", 60)
        assert (await held.checker.accounting()).balanced
        listed = stack.docker("exec", stack.container("redis"), "ls", "-a", "/data")
        assert ".leadsctl-before" not in listed


async def test_a_program_that_fails_is_said(stack: LiveStack) -> None:
    async with session(stack) as held:
        with pytest.raises(StackError, match=r"exec failed: .*no_such_column"):
            await psql(held, "SELECT no_such_column")
        assert await psql(held, "SELECT 42") == b"42\n"


async def psql(held: Session, statement: str) -> bytes:
    """What psql prints of a statement."""
    words = ("psql", "-X", "-q", "-A", "-t", "-c", statement)
    return b"".join([chunk async for chunk in held.runtime.execute("db", words)])
