"""What is found and cleared when consoles, supervisors and machines die."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from console.errors import UnreachableError
from console.snapshots import State
from console.stack.local import LocalRuntime
from console.stack.local.places import Places
from console.stack.local.processes import read_record
from tests.console.local.stacks import ENV, drain, processes_of, replica, runs, until

DATA = ("db", "redis")


@pytest.fixture
async def runtime(state_dir: Path) -> LocalRuntime:
    runtime = LocalRuntime(state_dir, ENV)
    await drain(runtime.up(DATA))
    ends = await runtime.endpoints()
    with redis.Redis.from_url(ends.redis_url) as client:
        client.set("kept", "1")
    with psycopg.connect(ends.database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    return runtime


async def assert_kept(runtime: LocalRuntime) -> None:
    ends = await runtime.endpoints()
    with redis.Redis.from_url(ends.redis_url) as client:
        assert client.get("kept") == b"1"
    with psycopg.connect(ends.database_url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchall() == [(0,)]


def supervisor(state_dir: Path) -> int:
    record = read_record(Places(state_dir).record("supervisord"))
    assert record is not None
    assert record.alive()
    return record.pid


async def test_a_stack_outlives_its_console_and_is_adopted(state_dir: Path) -> None:
    code = (
        "import asyncio, os, signal, sys, pathlib\n"
        "from console.stack.local import LocalRuntime\n"
        "async def main():\n"
        "    async for _ in LocalRuntime(pathlib.Path(sys.argv[1])).up(('db', 'redis')): pass\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", code, str(state_dir)],
        env=ENV,
        cwd=Path(__file__).parents[3],
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    before = processes_of(state_dir)
    runtime = LocalRuntime(state_dir, ENV)
    assert (await replica(runtime, "db")).state is State.HEALTHY
    await drain(runtime.up(DATA))
    assert processes_of(state_dir).keys() >= {supervisor(state_dir), (await replica(runtime, "db")).pid}
    assert supervisor(state_dir) in before
    await drain(runtime.down())
    assert not any(runs(pid) for pid in before)


async def test_orphans_of_a_killed_supervisor_are_shown_and_taken_over(runtime: LocalRuntime, state_dir: Path) -> None:
    before = processes_of(state_dir)
    os.kill(supervisor(state_dir), signal.SIGKILL)
    await until(lambda: (r := read_record(Places(state_dir).record("supervisord"))) and not r.alive(), "it is dead")
    orphan = await replica(runtime, "db")
    assert orphan.state is State.UNHEALTHY
    assert "supervisor is gone" in orphan.health
    assert orphan.memory_bytes
    await drain(runtime.up(DATA))
    assert (await replica(runtime, "db")).state is State.HEALTHY
    assert not any(runs(pid) for pid in before)
    await assert_kept(runtime)


async def test_down_ends_the_orphans_of_a_killed_supervisor(runtime: LocalRuntime, state_dir: Path) -> None:
    before = processes_of(state_dir)
    os.kill(supervisor(state_dir), signal.SIGKILL)
    await drain(runtime.down())
    assert not any(runs(pid) for pid in before)


async def test_everything_killed_at_once_comes_back_with_its_data(runtime: LocalRuntime, state_dir: Path) -> None:
    for pid in sorted(processes_of(state_dir), key=lambda pid: pid != supervisor(state_dir)):
        # Those of Postgres end by themselves once the first of them was killed.
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    await until(lambda: not processes_of(state_dir), "all are dead")
    assert (state_dir / "data" / "postgres_data" / "postmaster.pid").exists()
    failed = await replica(runtime, "db")
    assert (failed.state, failed.pid) == (State.FAILED, 0)
    await drain(runtime.up(DATA))
    await assert_kept(runtime)


async def test_a_lock_file_that_names_a_foreign_process_does_not_keep_postgres_down(
    runtime: LocalRuntime, state_dir: Path
) -> None:
    await drain(runtime.down())
    lock = state_dir / "data" / "postgres_data" / "postmaster.pid"
    lock.write_text(f"{os.getpid()}\n{lock.parent}\n1\n5432\n\n127.0.0.1\n")
    await drain(runtime.up(DATA))
    await assert_kept(runtime)


async def test_a_postgres_that_no_record_knows_is_ended(runtime: LocalRuntime, state_dir: Path) -> None:
    db = await replica(runtime, "db")
    os.kill(supervisor(state_dir), signal.SIGKILL)
    Places(state_dir).record("db").unlink()
    await drain(runtime.up(DATA))
    assert not runs(db.pid)
    await assert_kept(runtime)


async def test_records_of_a_former_boot_name_nobody(runtime: LocalRuntime, state_dir: Path) -> None:
    await drain(runtime.down())
    run = state_dir / "run"
    run.mkdir(mode=0o700)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True) as bystander:
        for name in ("supervisord", "db", "redis", "app", "worker", "initdb"):
            (run / f"{name}.proc").write_text(f'{{"pid": {bystander.pid}, "mark": "a former boot:1", "at": 1.0}}')
        (run / "supervisor.sock").touch()
        (run / "supervisord.pid").write_text(str(bystander.pid))
        await drain(runtime.up(DATA))
        assert bystander.poll() is None, "who has got that process id now is nobody of ours"
        bystander.kill()
    await assert_kept(runtime)


async def test_half_a_cluster_is_not_taken_for_a_whole_one(state_dir: Path) -> None:
    half = state_dir / "data" / "postgres_data.new-dead"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    runtime = LocalRuntime(state_dir, ENV)
    await drain(runtime.up(["db"]))
    assert not half.exists()
    assert (await replica(runtime, "db")).state is State.HEALTHY


async def test_a_start_that_is_interrupted_leaves_what_the_next_can_use(state_dir: Path) -> None:
    runtime = LocalRuntime(state_dir, ENV)
    for patience in (0.05, 0.2, 0.4, 0.6, 0.8, 1.0):
        starting = asyncio.create_task(drain(runtime.up(DATA)))
        await asyncio.wait([starting], timeout=patience)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        assert not Places(state_dir).record("initdb").exists()
    await drain(runtime.up(DATA))
    assert (await replica(runtime, "db")).state is State.HEALTHY
    assert [path.name for path in (state_dir / "data").iterdir() if ".new" in path.name] == []


async def test_a_supervisor_that_hangs_is_an_error_and_can_be_taken_down(
    runtime: LocalRuntime, state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from console.stack.local import daemon, rpc
    from console.stack.local.config import MANNERS, Manners

    before = processes_of(state_dir)
    call = rpc.call

    async def impatient(socket: Path, method: str, *arguments: object, timeout_s: float = 0.3) -> object:
        return await call(socket, method, *arguments, timeout_s=min(timeout_s, 0.3))

    monkeypatch.setattr(rpc, "call", impatient)
    monkeypatch.setattr(daemon, "MANNERS", {name: Manners(manners.stop, 1) for name, manners in MANNERS.items()})
    monkeypatch.setattr(daemon, "END_S", 1.0)
    os.kill(supervisor(state_dir), signal.SIGSTOP)
    with pytest.raises(UnreachableError, match="does not answer"):
        await runtime.snapshot()
    await drain(runtime.down())
    assert not any(runs(pid) for pid in before)


async def test_a_socket_that_was_swept_away_is_survived(runtime: LocalRuntime, state_dir: Path) -> None:
    before = processes_of(state_dir)
    (state_dir / "run" / "supervisor.sock").unlink()
    assert (await replica(runtime, "db")).state is State.UNHEALTHY
    await drain(runtime.up(DATA))
    assert not any(runs(pid) for pid in before)
    await assert_kept(runtime)
