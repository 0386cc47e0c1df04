"""A backup under load, restored into an empty stack: no acknowledged lead is outside it, the accounting balances."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest

from api.settings import Settings as ServiceSettings
from console.backup.restoring import Restorer, checked
from console.backup.taking import DONE, Taker, Wanted
from console.errors import ConsoleError
from console.ports import Result
from console.send import Webhook, form_webhook
from console.session import Session
from console.settings import Settings
from console.snapshots import Progress
from console.stack.local import LocalRuntime
from tests.faults.test_kill import drain, until

SECRET = "whsec_" + "YmFja3VwLXRlc3Qtc2VjcmV0LW9mLXRoZS1mb3Jtcw=="
RATE = 1_000.0
"""Webhooks a second."""


pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """The forms' secret of every stack here, for what sends a test lead too."""
    monkeypatch.setenv("FORMS_SECRET", SECRET)


@asynccontextmanager
async def stack(folder: Path) -> AsyncIterator[Session]:
    """A local stack that is up, in hand; gone afterwards."""
    runtime = LocalRuntime(folder, dict(os.environ))
    session = Session(Settings(runtime="local", directory=folder), runtime)
    try:
        await drain(runtime.up())
        yield session
    finally:
        await drain(runtime.down(volumes=True))
        await session.close()


class Load:
    """Sends signed forms at a steady rate over a few connections; notes when each was acknowledged."""

    def __init__(self, port: int) -> None:
        self.acknowledged: dict[str, float] = {}
        self._port = port
        self._numbers = itertools.count()
        self._began = time.monotonic()

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(8):
                group.create_task(self._send())

    async def _send(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        (key,) = ServiceSettings.load({"FORMS_SECRET": SECRET}).forms_secrets
        try:
            for n in self._numbers:
                ahead = n / RATE - (time.monotonic() - self._began)
                if ahead > 0:
                    await asyncio.sleep(ahead)
                made = form_webhook(key, "load", {"full_name": f"Lead {n}", "email": f"lead{n}@example.org"})
                writer.write(request(made))
                answer = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(answer.lower().split(b"content-length: ")[1].split(b"\r\n")[0]))
                assert answer.startswith(b"HTTP/1.1 200"), answer
                self.acknowledged[made.external_id] = time.time()
        finally:
            writer.close()


def request(made: Webhook) -> bytes:
    """The bytes of a request."""
    head = [f"POST {made.path} HTTP/1.1", "Host: x", f"Content-Length: {len(made.body)}"]
    head += [f"{name}: {value}" for name, value in made.headers.items() if name.lower() != "content-length"]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + made.body


async def taken(session: Session, wanted: Wanted) -> Path:
    """A backup's path."""
    results = [step async for step in Taker(session.runtime, session.links).take(wanted) if isinstance(step, Result)]
    assert results[0].text.startswith(DONE)
    (path,) = wanted.directory.iterdir()
    return path


async def restored(session: Session, path: Path) -> Result:
    """A restore's result."""
    (manifest,) = [step async for step in checked(path, None) if not isinstance(step, Progress)]
    restorer = Restorer(session.runtime, session.links, session.checker)
    (result,) = [step async for step in restorer.restore(path, None, manifest) if isinstance(step, Result)]
    return result


async def test_a_backup_under_load_holds_all_that_was_acknowledged(server_folder: Path, tmp_path: Path) -> None:
    async with stack(server_folder / "loaded") as session:
        port = int((await session.runtime.endpoints()).web_url.rpartition(":")[2])
        load = Load(port)
        sending = asyncio.create_task(load.run())
        try:

            async def warm() -> bool:
                return len(load.acknowledged) >= 2_000

            await until(warm, "2,000 webhooks are acknowledged")
            began = time.time()
            path = await taken(session, Wanted(tmp_path / "backups", "loaded"))
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await asyncio.sleep(0)  # transports close a turn later
        meanwhile = sum(at > began for at in load.acknowledged.values())
        assert meanwhile > 0, "nothing arrived while the backup was taken"
    expected = {id_ for id_, at in load.acknowledged.items() if at < began}
    async with stack(server_folder / "empty") as session:
        result = await restored(session, path)
        assert result.ok, result

        async def settled() -> bool:
            return (await session.queue.read()).depth == 0

        await until(settled, "the restored queue settles")
        accounting = await session.checker.accounting()
        assert accounting.balanced, accounting
        with psycopg.connect((await session.runtime.endpoints()).database_url) as connection:
            found = [row[0] for row in connection.execute("SELECT external_id FROM leads")]
        assert len(found) == len(set(found))
        assert expected <= set(found)
        sent = await session.sender.test({"form": "after"})
        assert sent.ok
        await until(settled, "a lead that comes after it is stored")
        assert (await session.checker.accounting()).balanced


async def test_a_restore_that_fails_leaves_the_stack_as_it_was(
    server_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with stack(server_folder / "kept") as session:
        path = await taken(session, Wanted(tmp_path / "backups", "kept"))
        assert (await session.sender.test({"form": "later"})).ok

        async def stored() -> bool:
            return (await session.leads.read()).total == 1

        await until(stored, "the lead is stored")
        refused = "this snapshot is none"

        async def broken(source: AsyncIterator[bytes], *, single: bool) -> None:
            del source, single
            raise ConsoleError(refused)

        mended = session.runtime.refill_redis
        monkeypatch.setattr(session.runtime, "refill_redis", broken)
        with pytest.raises(ConsoleError, match=refused):
            await restored(session, path)
        assert (await session.leads.read()).total == 1
        assert (await session.checker.accounting()).balanced
        monkeypatch.setattr(session.runtime, "refill_redis", mended)
        assert (await restored(session, path)).ok
        assert (await session.leads.read()).total == 0
        assert (await session.checker.accounting()).accepted == 0
