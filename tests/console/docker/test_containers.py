"""What the engine says of containers becomes services and replicas."""

from __future__ import annotations

from typing import Any

import pytest

from console.snapshots import Role, State
from console.stack.docker import labels
from console.stack.docker.containers import (
    Image,
    Usage,
    addresses,
    health_text,
    ports,
    replica,
    seconds,
    services,
    state,
    version,
)
from tests.console.docker.fake_engine import inspected


def test_absent_services_are_listed_in_the_order_of_the_pipeline() -> None:
    found = services([inspected("1", "redis"), inspected("2", "extra"), inspected("3", "app")])
    assert [(one.name, one.role, one.state) for one in found] == [
        ("app", Role.APP, State.HEALTHY),
        ("worker", Role.WORKER, State.ABSENT),
        ("db", Role.DB, State.ABSENT),
        ("redis", Role.REDIS, State.HEALTHY),
        ("extra", Role.OTHER, State.HEALTHY),
    ]


def test_replicas_stand_in_their_order_and_one_off_runs_are_left_out() -> None:
    second, first, once = (inspected(ident, "worker", name=ident) for ident in ("b", "a", "c"))
    second["Config"]["Labels"][labels.NUMBER] = "2"
    once["Config"]["Labels"][labels.ONE_OFF] = "True"
    [worker] = [one for one in services([second, once, first]) if one.name == "worker"]
    assert [one.id for one in worker.replicas] == ["a", "b"]
    assert worker.wanted == 2


def test_a_running_replica() -> None:
    found = replica(inspected("1", "db"), Usage(12.5, 300))
    assert (found.name, found.state, found.health, found.exit_code) == ("leads-db-1", State.HEALTHY, "redis: ok", None)
    assert (found.cpu_percent, found.memory_bytes, found.memory_limit, found.restarts) == (12.5, 300, 1024, 2)
    assert found.started_at == seconds("2026-09-21T12:00:00.5Z")
    assert found.pid == 4711


def test_a_stopped_replica_uses_nothing() -> None:
    found = replica(inspected("1", "db", status="exited"), Usage(12.5, 300))
    assert (found.state, found.exit_code, found.started_at) == (State.STOPPED, 0, 0.0)
    assert (found.cpu_percent, found.memory_bytes) == (None, None)


@pytest.mark.parametrize(
    ("status", "health", "expected"),
    [
        ("running", "", State.RUNNING),
        ("running", "healthy", State.HEALTHY),
        ("running", "starting", State.STARTING),
        ("running", "unhealthy", State.UNHEALTHY),
        ("restarting", "unhealthy", State.RESTARTING),
        ("removing", "", State.STOPPING),
        ("created", "", State.STOPPED),
        ("paused", "", State.STOPPED),
        ("exited", "", State.STOPPED),
        ("dead", "", State.FAILED),
    ],
)
def test_states(status: str, health: str, expected: State) -> None:
    assert state(inspected("1", "app", status=status, health=health)) is expected


@pytest.mark.parametrize(
    ("policy", "changes", "expected"),
    [
        ("always", {"ExitCode": 1}, State.STOPPED),
        ("no", {"ExitCode": 1}, State.FAILED),
        ("no", {"ExitCode": 143}, State.STOPPED),
        ("on-failure", {"ExitCode": 0}, State.STOPPED),
        ("always", {"OOMKilled": True, "ExitCode": 137}, State.FAILED),
        ("always", {"Error": "port is already allocated", "ExitCode": 128}, State.FAILED),
    ],
)
def test_one_that_ended_has_failed_unless_it_was_told_to_stop(
    policy: str, changes: dict[str, Any], expected: State
) -> None:
    one = inspected("1", "app", status="exited", health="", HostConfig={"RestartPolicy": {"Name": policy}})
    one["State"] |= changes
    assert state(one) is expected


def test_health_text_is_one_bounded_line() -> None:
    assert health_text({"Health": {"Log": [{"Output": "old"}, {"Output": "a\n b" + "c" * 999}]}}).startswith("a bccc")
    assert len(health_text({"Health": {"Log": [{"Output": "x" * 999}]}})) == 200
    assert health_text({"Error": "port is already\nallocated"}) == "port is already allocated"
    assert health_text({}) == ""


def test_ports() -> None:
    bound = {
        "3000/tcp": [{"HostIp": "0.0.0.0", "HostPort": "80"}, {"HostIp": "::", "HostPort": "80"}],
        "5432/tcp": [{"HostIp": "127.0.0.1", "HostPort": "5433"}],
        "6379/tcp": None,
        "53/udp": [{"HostIp": "::1", "HostPort": "53"}],
    }
    found = ports(inspected("1", "app", NetworkSettings={"Ports": bound}))
    assert found == ["80→3000", "127.0.0.1:5433→5432", "6379", "[::1]:53→53/udp"]


def test_version_and_image() -> None:
    one = inspected("1", "db")
    one["Config"]["Env"] = ["PATH=/bin", "PG_VERSION=15.18-1.pgdg"]
    assert version(one) == "15.18"
    app = inspected("2", "app")
    [found] = [s for s in services([app], images={"sha256:image": Image("1.2", 5.0)}) if s.name == "app"]
    assert (found.version, found.image, found.image_created_at) == ("1.2", "app:1", 5.0)


def test_addresses_come_with_their_gateway() -> None:
    networks = {"a": {"IPAddress": "172.18.0.2", "Gateway": "172.18.0.1"}, "b": {"IPAddress": "", "Gateway": ""}}
    one = inspected("1", "db", NetworkSettings={"Networks": networks})
    assert addresses(one) == [("172.18.0.2", "172.18.0.1")]


@pytest.mark.parametrize("text", ["", "0001-01-01T00:00:00Z", "nonsense", "12:00"])
def test_times_that_never_were(text: str) -> None:
    assert seconds(text) == 0.0


def test_times_with_nanoseconds() -> None:
    assert seconds("2026-11-24T08:02:34.123456789Z") == pytest.approx(1795507354.123456789)
    assert seconds("2026-11-24T08:02:34Z") == 1795507354.0


@pytest.mark.parametrize("nothing", [{}, {"State": None, "Config": None, "HostConfig": None, "NetworkSettings": None}])
def test_an_engine_that_says_little_breaks_nothing(nothing: dict[str, Any]) -> None:
    assert replica(nothing).state is State.STOPPED
    assert ports(nothing) == []
    assert addresses(nothing) == []
    assert labels.service(nothing) == ""
