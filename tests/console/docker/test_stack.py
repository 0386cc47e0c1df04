"""Reading a stack through a fake engine: few questions while nothing happens, none of it stale when something does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from console.errors import UnreachableError
from console.snapshots import Role, State
from console.stack.docker.containers import Usage
from console.stack.docker.engine import Engine
from console.stack.docker.stack import StackReader
from console.stack.docker.stats import usage
from console.stack.docker.volumes import VolumeReader, read_df
from tests.console.docker.fake_engine import FakeEngine, inspected
from tests.console.docker.waiting import until, until_true


@pytest.fixture
async def reader(engine: Engine) -> AsyncIterator[StackReader]:
    made = StackReader(engine, "leads")
    yield made
    await engine.loop.call(made.close())


def looks(fake: FakeEngine) -> int:
    """How often the containers were listed."""
    return sum("/containers/json" in one for one in fake.requests)


def sample(total: int, system: int, before: int = 1, before_system: int = 1000) -> bytes:
    return json.dumps(
        {
            "cpu_stats": {"cpu_usage": {"total_usage": total}, "system_cpu_usage": system, "online_cpus": 2},
            "precpu_stats": {"cpu_usage": {"total_usage": before}, "system_cpu_usage": before_system},
            "memory_stats": {"usage": 1000, "stats": {"inactive_file": 300}},
        }
    ).encode()


async def test_one_look(fake: FakeEngine, reader: StackReader) -> None:
    fake.add(inspected("c1", "app"))
    found = await reader.read()
    assert (found.runtime, found.project, found.where) == ("docker", "leads", fake.url)
    assert [one.name for one in found.services] == ["app", "worker", "db", "redis"]
    app = found.service(Role.APP)
    assert app is not None
    assert app.state is State.HEALTHY
    assert app.image_created_at > 0
    assert fake.listening == 0


async def test_who_keeps_looking_is_told_of_changes_and_asks_no_more(fake: FakeEngine, reader: StackReader) -> None:
    fake.add(inspected("c1", "app"))
    await reader.read()
    await reader.read()
    await until(lambda: fake.listening == 1, "listening to events")
    await until_true(lambda: _settled(fake, reader), "a reading without a question")
    fake.containers["c1"]["State"] |= {"Status": "exited", "Running": False}
    fake.happen("die", "c1", exitCode="1")

    async def stopped() -> bool:
        app = (await reader.read()).service(Role.APP)
        return app is not None and app.state is State.STOPPED

    await until_true(stopped, "the stopped container")


async def _settled(fake: FakeEngine, reader: StackReader) -> bool:
    before = looks(fake)
    await reader.read()
    return looks(fake) == before


async def test_a_probe_inside_a_container_is_no_news(fake: FakeEngine, reader: StackReader) -> None:
    fake.add(inspected("c1", "app"))
    await reader.read()
    await reader.read()
    await until(lambda: fake.listening == 1, "listening to events")
    await until_true(lambda: _settled(fake, reader), "a reading without a question")
    fake.happen("exec_create: sh -c true", "c1")
    fake.happen("exec_die", "c1")
    assert await _settled(fake, reader)


async def test_an_engine_that_vanishes_is_said_although_much_is_known(fake: FakeEngine, reader: StackReader) -> None:
    fake.add(inspected("c1", "app"))
    await reader.read()
    await reader.read()
    await until(lambda: fake.listening == 1, "listening to events")
    fake.stop()

    async def gone() -> bool:
        try:
            await reader.read()
        except UnreachableError:
            return True
        return False

    await until_true(gone, "the engine's absence")
    fake.start()
    assert (await reader.read()).service(Role.APP) is not None


async def test_statistics_come_with_the_second_look(fake: FakeEngine, reader: StackReader) -> None:
    fake.samples = [sample(1, 1000, 0, 0) + b"\n", sample(101, 2000) + b"\n"]
    fake.add(inspected("c1", "app"))
    assert (await reader.read()).services[0].replicas[0].memory_bytes is None

    async def known() -> bool:
        replica = (await reader.read()).services[0].replicas[0]
        return (replica.cpu_percent, replica.memory_bytes) == (20.0, 700)

    await until_true(known, "the statistics")


def test_usage_is_what_docker_stats_shows() -> None:
    assert usage(sample(101, 2000)) == Usage(20.0, 700)
    assert usage(sample(101, 2000, before_system=0)) == Usage(None, 700)
    old = {"memory_stats": {"usage": 1000, "stats": {"inactive_file": 1, "total_inactive_file": 400}}}
    assert usage(json.dumps(old).encode()) == Usage(None, 600)
    assert usage(b"{}") == Usage(None, None)
    assert usage(b"nonsense") is None
    assert usage(b"\xff") is None


async def test_volumes_of_the_project(fake: FakeEngine, engine: Engine) -> None:
    fake.volumes = [
        {"Name": "leads_b", "Driver": "local", "Labels": None, "Mountpoint": "/v/b"},
        {"Name": "leads_a", "Driver": "local", "Labels": {"com.docker.compose.volume": "a"}, "Mountpoint": "/v/a"},
    ]
    fake.sizes = {"leads_a": 5, "leads_b": -1, "else": 9}
    fake.add(inspected("c1", "db", Mounts=[{"Name": "leads_a", "Destination": "/data"}]))
    reader = VolumeReader(engine, "leads")
    found = await reader.read()
    assert [(one.name, one.mount, one.used_by, one.size_bytes, one.path) for one in found.volumes] == [
        ("a", "/data", ("db",), 5, "/v/a"),
        ("leads_b", "", (), None, "/v/b"),
    ]
    assert found.disk_total >= found.disk_free > 0
    await reader.read()
    assert sum("/system/df" in one for one in fake.requests) == 1


def test_what_df_prints() -> None:
    head = "Filesystem     1024-blocks     Used Available Capacity Mounted on\n"
    assert read_df(f"{head}/dev/vda         264212084 56620328  50331648      53% /data\n") == (
        270553174016,
        51539607552,
    )
    assert read_df(f"{head}overlay 10 5 - 53% /data\n") == (0, 0)
    assert read_df("df: /data: No such file or directory\n") == (0, 0)
    assert read_df("") == (0, 0)
