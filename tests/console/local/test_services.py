"""The whole stack, with the webhook service and its worker."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from console.errors import StackError
from console.send import deliver, prepare
from console.snapshots import State
from console.stack.local import LocalRuntime
from console.stack.local.places import SERVICES, Places
from console.stack.local.processes import read_record
from tests.console.local.stacks import ENV, drain, processes_of, replica, runs


@pytest.fixture
async def runtime(state_dir: Path) -> LocalRuntime:
    runtime = LocalRuntime(state_dir, ENV)
    await drain(runtime.up())
    return runtime


async def settled(runtime: LocalRuntime, name: str, not_pid: int) -> int:
    """Wait until the service is healthy with another process; its id."""
    async with asyncio.timeout(40):
        while (now := await replica(runtime, name)).state is not State.HEALTHY or now.pid == not_pid:
            await asyncio.sleep(0.05)
    return now.pid


async def test_everything_is_healthy_and_takes_a_signed_webhook(runtime: LocalRuntime, state_dir: Path) -> None:
    assert {name: (await replica(runtime, name)).state for name in SERVICES} == dict.fromkeys(SERVICES, State.HEALTHY)
    secret = next(
        line.partition("=")[2]
        for line in (state_dir / ".env").read_text().splitlines()
        if line.startswith("META_APP_SECRET=")
    )
    url = (await runtime.endpoints()).web_url
    answer = await deliver(url, prepare({"META_APP_SECRET": secret}))
    assert answer.status == 200
    before = processes_of(state_dir)
    assert len(before) >= 5
    assert not any(secret in command for command in before.values())
    await drain(runtime.down())
    assert not any(runs(pid) for pid in before)
    async with httpx.AsyncClient() as http:
        with pytest.raises(httpx.ConnectError):
            await http.get(url)


async def test_killed_services_come_back_without_leaving_children(runtime: LocalRuntime, state_dir: Path) -> None:
    for name in ("app", "worker"):
        pid = (await replica(runtime, name)).pid
        os.kill(pid, signal.SIGKILL)
        await settled(runtime, name, pid)
        assert (await replica(runtime, name)).restarts >= 1
    before = processes_of(state_dir)
    await drain(runtime.down())
    assert not any(runs(pid) for pid in before)


async def test_stop_start_and_restart_without_a_name_are_for_the_whole_stack(runtime: LocalRuntime) -> None:
    before = {name: (await replica(runtime, name)).pid for name in SERVICES}
    await drain(runtime.stop(()))
    assert {(await replica(runtime, name)).state for name in SERVICES} == {State.STOPPED}
    await drain(runtime.start(()))
    started = {name: (await replica(runtime, name)).pid for name in SERVICES}
    assert {(await replica(runtime, name)).state for name in SERVICES} == {State.HEALTHY}
    await drain(runtime.restart(()))
    after = {name: (await replica(runtime, name)).pid for name in SERVICES}
    assert all(len({before[name], started[name], after[name]}) == 3 for name in SERVICES)


async def test_a_new_setting_restarts_the_service_and_its_worker_only(runtime: LocalRuntime, state_dir: Path) -> None:
    before = {name: (await replica(runtime, name)).pid for name in SERVICES}
    await drain(LocalRuntime(state_dir, {**ENV, "MAX_ATTEMPTS": "3"}).up())
    after = {name: (await replica(runtime, name)).pid for name in SERVICES}
    assert {name for name in SERVICES if before[name] != after[name]} == {"app", "worker"}


async def test_orphaned_services_are_ended_with_their_supervisor_gone(runtime: LocalRuntime, state_dir: Path) -> None:
    before = processes_of(state_dir)
    record = read_record(Places(state_dir).record("supervisord"))
    assert record is not None
    os.kill(record.pid, signal.SIGKILL)
    await drain(runtime.up())
    assert not any(runs(pid) for pid in before)
    assert {(await replica(runtime, name)).state for name in SERVICES} == {State.HEALTHY}


async def test_the_web_port_is_the_one_asked_for(state_dir: Path, free_port: Callable[[], int]) -> None:
    port = free_port()
    runtime = LocalRuntime(state_dir, {**ENV, "PORT": str(port)})
    await drain(runtime.up(["app"]))
    assert (await runtime.endpoints()).web_url == f"http://127.0.0.1:{port}"
    assert (await replica(runtime, "worker")).state is State.STOPPED
    async with httpx.AsyncClient() as http:
        assert (await http.get(f"http://127.0.0.1:{port}/health/live")).status_code == 200
    other = LocalRuntime(state_dir / "other", {**ENV, "PORT": str(port)})
    with pytest.raises(StackError, match=f"PORT {port} is taken"):
        await drain(other.up(["app"]))


async def test_a_wrong_setting_stops_the_start_before_anything_runs(state_dir: Path) -> None:
    runtime = LocalRuntime(state_dir, {**ENV, "VISIBILITY_TIMEOUT": "soon"})
    with pytest.raises(StackError, match=r"^VISIBILITY_TIMEOUT is not valid"):
        await drain(runtime.up())
    assert processes_of(state_dir) == {}


async def test_a_database_password_that_is_not_the_first_ones_is_said(runtime: LocalRuntime, state_dir: Path) -> None:
    await drain(runtime.down())
    wrong = LocalRuntime(state_dir, {**ENV, "POSTGRES_PASSWORD": "another"})
    with pytest.raises(StackError, match=r"^POSTGRES_PASSWORD is not the one"):
        await drain(wrong.up())
