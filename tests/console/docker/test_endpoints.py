"""The way to Redis, Postgres and the web port: the order, the probes, the passwords, and the relay."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from console.errors import UnreachableError
from console.stack.docker import relay as relay_module
from console.stack.docker.address import parse
from console.stack.docker.endpoints import (
    EndpointFinder,
    Place,
    configured,
    database_url,
    direct,
    ours,
    published,
    redis_url,
    wanted,
)
from console.stack.docker.engine import Engine
from console.stack.docker.pump import Listener
from console.stack.docker.relay import POSTGRES, REDIS, Goal, Relay
from console.stack.docker.stack import StackReader
from tests.console.docker.fake_engine import FakeEngine, inspected
from tests.servers import free_port

LOCAL = parse("unix:///var/run/docker.sock")
REMOTE = parse("tcp://far.example:2375")
SECRET = 'p@ss/w:or"d'


def bound(port: int, host: str, number: str) -> dict[str, Any]:
    return {"Ports": {f"{port}/tcp": [{"HostIp": host, "HostPort": number}]}}


def test_published_ports() -> None:
    everywhere = inspected("1", "db", NetworkSettings=bound(5432, "0.0.0.0", "5433"))
    loopback = inspected("1", "db", NetworkSettings=bound(5432, "127.0.0.1", "5433"))
    assert published([everywhere], 5432, LOCAL) == [Place("127.0.0.1", 5433)]
    assert published([everywhere], 5432, REMOTE) == [Place("far.example", 5433)]
    assert published([loopback], 5432, LOCAL) == [Place("127.0.0.1", 5433)]
    assert published([loopback], 5432, REMOTE) == []
    assert published([inspected("1", "db")], 5432, LOCAL) == []


def test_a_port_that_will_be_published() -> None:
    host = {"PortBindings": {"3000/tcp": [{"HostIp": "", "HostPort": "80"}]}}
    assert configured([inspected("1", "app", status="exited", HostConfig=host)], 3000, LOCAL) == [
        Place("127.0.0.1", 80)
    ]


@pytest.mark.parametrize(
    ("setting", "place"),
    [
        ("", Place("127.0.0.1", 3000)),
        ("8080", Place("127.0.0.1", 8080)),
        ("10.0.0.5:81", Place("10.0.0.5", 81)),
        ("[::1]:82", Place("::1", 82)),
    ],
)
def test_the_web_port_by_its_setting(setting: str, place: Place) -> None:
    assert wanted(setting, LOCAL) == place
    assert str(Place("::1", 82)) == "[::1]:82"


def test_a_containers_address_counts_only_where_its_network_is_ours() -> None:
    def network(gateway: str) -> dict[str, Any]:
        return {"Networks": {"n": {"IPAddress": "127.9.9.9", "Gateway": gateway}}}

    ours_, foreign = (inspected("1", "db", NetworkSettings=network(gate)) for gate in ("127.0.0.1", "192.0.2.1"))
    assert direct([ours_], 5432, LOCAL) == [Place("127.9.9.9", 5432)]
    assert direct([ours_], 5432, REMOTE) == []
    assert direct([foreign], 5432, LOCAL) == []
    assert direct([inspected("1", "db", status="exited", NetworkSettings=network("127.0.0.1"))], 5432, LOCAL) == []
    assert ours("127.0.0.1")
    assert not ours("192.0.2.1")


def test_urls_keep_any_password() -> None:
    place = Place("127.0.0.1", 5432)
    given = {"POSTGRES_USER": "me", "POSTGRES_PASSWORD": SECRET, "POSTGRES_DB": "d b", "REDIS_PASSWORD": SECRET}
    assert database_url(given, place) == "postgresql://me:p%40ss%2Fw%3Aor%22d@127.0.0.1:5432/d%20b"
    assert database_url({}, place) == "postgresql://leads@127.0.0.1:5432/leads"
    assert redis_url(given, place) == "redis://:p%40ss%2Fw%3Aor%22d@127.0.0.1:5432/0"
    assert redis_url({}, place) == "redis://127.0.0.1:5432/0"


@asynccontextmanager
async def echo(greeting: bytes = b"") -> AsyncIterator[int]:
    """A server that answers everything with itself, after a greeting; its port."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()

    listener = Listener(answer)
    yield await listener.listen()
    await listener.close()


@asynccontextmanager
async def finder(engine: Engine, **settings: str) -> AsyncIterator[EndpointFinder]:
    made = EndpointFinder(engine, StackReader(engine, "leads"), lambda: settings)
    yield made
    await engine.loop.call(made.close())


async def test_published_ports_come_first_and_passwords_from_the_containers(fake: FakeEngine, engine: Engine) -> None:
    async with echo() as port, finder(engine) as find:
        for ident, service, inner in (("1", "app", 3000), ("2", "db", 5432), ("3", "redis", 6379)):
            fake.add(inspected(ident, service, NetworkSettings=bound(inner, "127.0.0.1", str(port))))
        fake.containers["2"]["Config"]["Env"] = ["POSTGRES_USER=u", "POSTGRES_PASSWORD=p=q", "POSTGRES_DB=d"]
        fake.containers["3"]["Config"]["Env"] = ["REDIS_PASSWORD=r"]
        found = await find.find()
    assert found.web_url == f"http://127.0.0.1:{port}"
    assert found.database_url == f"postgresql://u:p%3Dq@127.0.0.1:{port}/d"
    assert found.redis_url == f"redis://:r@127.0.0.1:{port}/0"


async def test_what_is_nowhere_to_be_reached_gets_a_relay_that_stays(fake: FakeEngine, engine: Engine) -> None:
    fake.add(inspected("3", "redis", NetworkSettings=bound(6379, "127.0.0.1", str(free_port()))))
    async with echo(b"+PONG\r\n") as port, finder(engine, POSTGRES_PASSWORD="x", PORT="81") as find:
        fake.programs = {"busybox": port}
        found = await find.find()
        again = await find.find()
        place = found.redis_url.rsplit("@", 1)[-1].removeprefix("redis://").split("/")[0]
        reader, writer = await asyncio.open_connection("127.0.0.1", int(place.split(":")[1]))
        writer.write(b"hello")
        assert await reader.readexactly(12) == b"+PONG\r\nhello"
        writer.close()
    assert found == again
    assert found.web_url == "http://127.0.0.1:81"
    assert ":x@127.0.0.1:" in found.database_url


async def test_a_stack_that_does_not_run(fake: FakeEngine, engine: Engine) -> None:
    fake.add(inspected("3", "redis", status="exited"))
    async with finder(engine) as find:
        with pytest.raises(UnreachableError, match="The stack is not running") as caught:
            await find.find()
        assert caught.value.hint == "Start it: leadsctl up"
        fake.stop()
        with pytest.raises(UnreachableError, match="No Docker Engine"):
            await find.find()


@asynccontextmanager
async def relaying(engine: Engine, goal: Goal, *containers: str) -> AsyncIterator[tuple[Relay, int]]:
    async def near() -> list[str]:
        return list(containers)

    relay = Relay(engine, goal, near)
    yield relay, await engine.loop.call(relay.open())
    await engine.loop.call(relay.close())


async def test_a_relay_finds_the_program_that_is_there(fake: FakeEngine, engine: Engine) -> None:
    fake.add(inspected("1", "redis"))
    async with echo(b"+PONG\r\n") as port, relaying(engine, REDIS, "1") as (relay, _):
        fake.programs = {"python3": port}
        await engine.loop.call(relay.probe())
        assert [words[0] for words in fake.execs] == ["busybox", "nc", "python3"]
        assert fake.execs[0] == ["busybox", "nc", "redis", "6379"]
        assert fake.execs[2][-2:] == ["redis", "6379"]


async def test_a_relay_takes_the_next_container_where_one_leads_elsewhere(fake: FakeEngine, engine: Engine) -> None:
    for ident in ("1", "2"):
        fake.add(inspected(ident, "db"))
    async with echo(b"HTTP/1.1 400\r\n") as port, relaying(engine, POSTGRES, "1", "2") as (relay, _):
        fake.programs = {"busybox": port}
        with pytest.raises(UnreachableError, match="No container of the stack reaches db"):
            await engine.loop.call(relay.probe())
        assert len(fake.execs) == 2 * len(relay_module.programs(POSTGRES))


async def test_a_relay_carries_several_connections_both_ways(fake: FakeEngine, engine: Engine) -> None:
    fake.add(inspected("1", "redis"))
    async with echo(b"+PONG\r\n") as port, relaying(engine, REDIS, "1") as (_, near):
        fake.programs = {"busybox": port}
        links = [await asyncio.open_connection("127.0.0.1", near) for _ in range(3)]
        data = bytes(range(256)) * 2000
        for reader, writer in links:
            writer.write(data)
            assert await reader.readexactly(7 + len(data)) == b"+PONG\r\n" + data
        for _, writer in links:
            writer.close()


async def test_an_end_of_input_is_passed_on_and_the_answer_still_comes(fake: FakeEngine, engine: Engine) -> None:
    fake.add(inspected("1", "redis"))
    async with echo(b"+PONG\r\n") as port, relaying(engine, REDIS, "1") as (_, near):
        fake.programs = {"busybox": port}
        reader, writer = await asyncio.open_connection("127.0.0.1", near)
        writer.write(b"bye")
        writer.write_eof()
        assert await reader.read() == b"+PONG\r\nbye"
        writer.close()


async def test_a_relay_finds_a_container_that_was_made_anew(fake: FakeEngine, engine: Engine) -> None:
    fake.add(inspected("1", "redis"))
    now = ["1"]

    async def near() -> list[str]:
        return now

    relay = Relay(engine, REDIS, near)
    async with echo(b"+PONG\r\n") as port:
        fake.programs = {"busybox": port}
        listening = await engine.loop.call(relay.open())
        await engine.loop.call(relay.probe())
        del fake.containers["1"]
        fake.add(inspected("2", "redis"))
        now[:] = ["2"]
        reader, writer = await asyncio.open_connection("127.0.0.1", listening)
        assert await reader.readexactly(7) == b"+PONG\r\n"
        writer.close()
        await engine.loop.call(relay.close())
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection("127.0.0.1", listening)


async def test_a_relay_to_nowhere_hangs_up(fake: FakeEngine, engine: Engine) -> None:
    async with relaying(engine, REDIS) as (_, near):
        reader, writer = await asyncio.open_connection("127.0.0.1", near)
        assert await reader.read() == b""
        writer.close()
