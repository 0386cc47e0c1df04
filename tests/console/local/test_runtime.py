"""A real stack of Postgres and Redis: verbs, what is shown, what is kept."""

from __future__ import annotations

import asyncio
import os
import shlex
import signal
import socket
import stat
from pathlib import Path

import psycopg
import pytest
import redis

from console.errors import StackError, UnreachableError, UsageError
from console.snapshots import Role, State
from console.stack.local import LocalRuntime
from console.stack.local.places import Places
from console.stack.local.processes import read_record
from tests.console.local.stacks import ENV, drain, processes_of, replica, runs, until, until_state

DATA = ("db", "redis")


@pytest.fixture
def runtime(state_dir: Path) -> LocalRuntime:
    return LocalRuntime(state_dir, ENV)


async def write_something(runtime: LocalRuntime) -> None:
    ends = await runtime.endpoints()
    with psycopg.connect(ends.database_url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    with redis.Redis.from_url(ends.redis_url) as client:
        client.set("kept", "1")


async def assert_kept(runtime: LocalRuntime) -> None:
    ends = await runtime.endpoints()
    with psycopg.connect(ends.database_url) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(1,)]
    with redis.Redis.from_url(ends.redis_url) as client:
        assert client.get("kept") == b"1"


async def test_up_brings_real_servers_and_down_takes_every_process_along(
    runtime: LocalRuntime, state_dir: Path
) -> None:
    steps = await drain(runtime.up(DATA))
    assert {step.service for step in steps if step.ok} >= {"db", "redis"}
    ends = await runtime.endpoints()
    with psycopg.connect(ends.database_url) as connection:
        (version, encoding) = connection.execute("SELECT version(), current_setting('server_encoding')").fetchall()[0]
    with redis.Redis.from_url(ends.redis_url) as client:
        assert client.config_get("append*")["appendfsync"] == "always"
        assert client.config_get("append*")["appendonly"] == "yes"
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    snapshot = await runtime.snapshot()
    db, cache = snapshot.service(Role.DB), snapshot.service(Role.REDIS)
    assert db is not None
    assert cache is not None
    assert version.startswith(f"PostgreSQL {db.version.removeprefix('Postgres ')} ")
    assert encoding == "UTF8"
    assert (db.state, cache.state) == (State.HEALTHY, State.HEALTHY)
    assert snapshot.service(Role.APP).state is State.STOPPED  # type: ignore[union-attr]
    before = processes_of(state_dir)
    assert len(before) >= 3
    await drain(runtime.down())
    assert not any(runs(pid) for pid in before)
    assert processes_of(state_dir) == {}
    assert not (state_dir / "run").exists()
    assert {service.state for service in (await runtime.snapshot()).services} == {State.ABSENT}
    with pytest.raises(UnreachableError) as caught:
        await runtime.endpoints()
    assert caught.value.hint == f"leadsctl --local --dir {shlex.quote(str(state_dir))} up"


async def test_no_secret_is_in_a_command_line_and_no_file_is_open_to_others(
    runtime: LocalRuntime, state_dir: Path
) -> None:
    await drain(runtime.up(DATA))
    environment = (state_dir / ".env").read_text()
    made = dict(line.split("=", 1) for line in environment.splitlines() if "=" in line)
    secret = {name for name in made if name.endswith(("PASSWORD", "SECRET", "KEY", "TOKEN"))}
    assert secret >= {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "FORMS_SECRET", "GOOGLE_KEY", "TYPEFORM_SECRET"}
    values = [made[name] for name in secret if made[name]]
    commands = " ".join(processes_of(state_dir).values())
    assert commands
    assert not any(value in commands for value in values)
    for folder, _, names in os.walk(state_dir / "run"):
        assert stat.S_IMODE(Path(folder).stat().st_mode) == 0o700
        assert all(stat.S_IMODE((Path(folder) / name).lstat().st_mode) & 0o077 == 0 for name in names)
    assert all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in (state_dir / "logs").iterdir())


async def test_data_ports_and_secrets_survive_down_and_up(runtime: LocalRuntime, state_dir: Path) -> None:
    await drain(runtime.up(DATA))
    before = await runtime.endpoints()
    await write_something(runtime)
    await drain(runtime.down())
    again = LocalRuntime(state_dir, ENV)
    await drain(again.up(DATA))
    assert await again.endpoints() == before
    await assert_kept(again)


async def test_down_with_volumes_removes_the_data_and_nothing_else(runtime: LocalRuntime, state_dir: Path) -> None:
    await drain(runtime.up(DATA))
    sizes = {volume.name: volume.size_bytes for volume in (await runtime.volumes()).volumes}
    assert sizes.keys() == {"postgres_data", "redis_data"}
    assert (sizes["postgres_data"] or 0) > 10_000_000
    await drain(runtime.down(volumes=True))
    assert (await runtime.volumes()).volumes == ()
    assert (state_dir / ".env").exists()
    assert (state_dir / "logs" / "db.log").exists()


async def test_two_stacks_stand_side_by_side(runtime: LocalRuntime, state_dir: Path) -> None:
    other = LocalRuntime(state_dir / "other", ENV)
    await asyncio.gather(drain(runtime.up(DATA)), drain(other.up(DATA)))
    try:
        one, two = await runtime.endpoints(), await other.endpoints()
        assert len({one.database_url, two.database_url, one.redis_url, two.redis_url}) == 4
        await write_something(runtime)
        with psycopg.connect(two.database_url) as connection:
            assert connection.execute("SELECT to_regclass('kept')").fetchall() == [(None,)]
        await drain(other.down())
        await assert_kept(runtime)
    finally:
        await drain(other.down())


async def test_stop_start_and_restart_are_for_single_services(runtime: LocalRuntime) -> None:
    await drain(runtime.up(DATA))
    await write_something(runtime)
    first = await replica(runtime, "redis")
    await drain(runtime.stop(["redis"]))
    stopped = await replica(runtime, "redis")
    assert (stopped.state, stopped.exit_code, stopped.pid) == (State.STOPPED, 0, 0)
    assert (await replica(runtime, "db")).state is State.HEALTHY
    await drain(runtime.stop(["redis"]))
    await drain(runtime.start(["redis"]))
    await drain(runtime.restart(["redis"]))
    second = await replica(runtime, "redis")
    assert second.pid != first.pid
    assert second.restarts == 0, "on purpose is no restart"
    await assert_kept(runtime)


async def test_a_restart_that_is_given_up_leaves_nothing_stopped(runtime: LocalRuntime) -> None:
    await drain(runtime.up(DATA))
    first = await replica(runtime, "redis")
    stream = runtime.restart(["redis"])
    async for step in stream:
        if step.service == "redis":
            break
    await stream.aclose()
    second = await replica(runtime, "redis")
    assert second.state is State.HEALTHY
    assert second.pid != first.pid
    await drain(runtime.down())


async def test_up_again_changes_nothing_that_runs(runtime: LocalRuntime, state_dir: Path) -> None:
    await drain(runtime.up(DATA))
    before = [(await replica(runtime, name)).pid for name in DATA]
    await drain(LocalRuntime(state_dir, ENV).up(DATA))
    assert [(await replica(runtime, name)).pid for name in DATA] == before


async def test_up_with_a_changed_setting_restarts_what_it_concerns(runtime: LocalRuntime, state_dir: Path) -> None:
    await drain(runtime.up(DATA))
    before = {name: (await replica(runtime, name)).pid for name in DATA}
    changed = LocalRuntime(state_dir, {**ENV, "REDIS_APPENDFSYNC": "everysec"})
    await drain(changed.up(DATA))
    with redis.Redis.from_url((await changed.endpoints()).redis_url) as client:
        assert client.config_get("appendfsync") == {"appendfsync": "everysec"}
    assert (await replica(runtime, "db")).pid == before["db"]
    assert (await replica(runtime, "redis")).pid != before["redis"]


async def test_a_service_that_dies_is_started_again_and_counted(runtime: LocalRuntime) -> None:
    await drain(runtime.up(DATA))
    await write_something(runtime)
    for name in DATA:
        before = await replica(runtime, name)
        os.kill(before.pid, signal.SIGKILL)
        async with asyncio.timeout(20):
            while (now := await replica(runtime, name)).state is not State.HEALTHY or now.pid == before.pid:
                await asyncio.sleep(0.05)
        # Twice where a process of the killed Postgres was still there when the next one started.
        assert now.restarts >= 1
    await assert_kept(runtime)


async def test_a_port_that_was_taken_while_down_is_replaced(runtime: LocalRuntime, state_dir: Path) -> None:
    await drain(runtime.up(DATA))
    await write_something(runtime)
    await drain(runtime.down())
    kept = Places(state_dir).load()
    assert kept is not None
    with socket.create_server(("127.0.0.1", kept.ports["redis"])):
        await drain(runtime.up(DATA))
        moved = Places(state_dir).load()
    assert moved is not None
    assert moved.ports["redis"] != kept.ports["redis"]
    assert moved.ports["db"] == kept.ports["db"]
    await assert_kept(runtime)


async def test_a_directory_with_any_name_will_do(state_dir: Path) -> None:
    odd = LocalRuntime(state_dir / ("d" * 60) / "50% ;of #1 'my' stack\"s" / "ünï", ENV)
    try:
        await drain(odd.up(DATA))
        await write_something(odd)
        kept = Places(odd.state_dir).load()
        assert kept is not None
        assert kept.socket_dir
        assert (await replica(odd, "db")).state is State.HEALTHY
    finally:
        await drain(odd.down())
    assert not Path(kept.socket_dir).exists()


async def test_logs_of_real_servers_have_their_own_times(runtime: LocalRuntime) -> None:
    await drain(runtime.up(DATA))
    lines = [line async for batch in runtime.logs() for line in batch]
    snapshot = await runtime.snapshot()
    assert {line.service for line in lines} == {"db", "redis"}
    assert lines == sorted(lines, key=lambda line: line.at)
    assert all(0 <= snapshot.taken_at - line.at < 60 for line in lines)
    assert any("ready to accept connections" in line.text for line in lines if line.service == "db")


async def test_logs_are_followed(runtime: LocalRuntime) -> None:
    await drain(runtime.up(DATA))
    await until_state(runtime, "redis", State.HEALTHY)
    seen: list[str] = []

    async def follow() -> None:
        async for batch in runtime.logs(["db"], follow=True):
            seen.extend(line.text for line in batch)

    following = asyncio.create_task(follow())
    try:
        ends = await runtime.endpoints()
        with psycopg.connect(ends.database_url) as connection, pytest.raises(psycopg.Error):
            connection.execute("SELECT 1/0")
        await until(lambda: any("division by zero" in text for text in seen), "the error is in the log")
    finally:
        following.cancel()


async def test_what_makes_no_sense_is_refused_in_words(runtime: LocalRuntime) -> None:
    for wrong in (runtime.up, runtime.start, runtime.stop, runtime.restart):
        with pytest.raises(UsageError, match="no service nginx"):
            await drain(wrong(["nginx"]))
    for verb in (runtime.start(["app"]), runtime.restart(["app"])):
        with pytest.raises(StackError, match="not up"):
            await drain(verb)
    assert await drain(runtime.stop(["app"])) == []
    assert await drain(runtime.down()) == []


async def test_a_service_that_cannot_start_says_why(runtime: LocalRuntime, state_dir: Path) -> None:
    await drain(runtime.up(DATA))
    await drain(runtime.down())
    (state_dir / "data" / "postgres_data" / "postgresql.conf").write_text("shared_buffers = nonsense\n")
    with pytest.raises(StackError, match=r"db does not start: .*contains errors") as caught:
        await drain(runtime.up(DATA))
    assert caught.value.hint == "leadsctl --local logs db"
    assert (await replica(runtime, "db")).state in (State.RESTARTING, State.STARTING, State.FAILED)
    assert (await replica(runtime, "redis")).state is State.HEALTHY


async def test_data_of_another_postgres_is_left_alone(runtime: LocalRuntime, state_dir: Path) -> None:
    await drain(runtime.up(["db"]))
    await drain(runtime.down())
    version = state_dir / "data" / "postgres_data" / "PG_VERSION"
    version.write_text("12\n")
    with pytest.raises(StackError, match="is of Postgres 12, the program is"):
        await drain(runtime.up(["db"]))
    assert processes_of(state_dir) == {}, "no supervisor stays without anything to supervise"


async def test_a_file_in_the_way_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    runtime = LocalRuntime(tmp_path / "file", ENV)
    for verb in (runtime.up(), runtime.down()):
        with pytest.raises(StackError):
            await drain(verb)
    assert {service.state for service in (await runtime.snapshot()).services} == {State.ABSENT}
    with pytest.raises(UnreachableError):
        await runtime.endpoints()


async def test_records_are_of_the_processes_that_run(runtime: LocalRuntime, state_dir: Path) -> None:
    await drain(runtime.up(DATA))
    for name in DATA:
        record = read_record(Places(state_dir).record(name))
        assert record is not None
        assert record.alive()
        assert record.pid == (await replica(runtime, name)).pid
