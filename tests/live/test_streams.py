"""What is live on a real engine: logs over restarts, the relay, an engine that comes and goes, an ssh host."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
import redis.asyncio

from console.errors import UnreachableError
from console.snapshots import LogLine, State
from console.stack.docker import DockerRuntime
from console.stack.docker.events import EngineEvent
from console.stack.docker.frames import MAX_LINE
from console.stack.docker.relay import POSTGRES, REDIS, Goal, Relay
from tests.console.docker.waiting import until, until_true
from tests.live.proxies import Proxy
from tests.live.stacks import LiveStack, steps

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

SCRIBE = """
services:
  scribe: &scribe
    image: python:3.13-slim
    stop_grace_period: 1s
    command:
      - sh
      - -c
      - 'i=0; while [ $$i -lt 4000 ]; do i=$$((i+1)); echo "$$HOSTNAME $$i"; echo "err $$i" >&2; done; exec sleep 3600'
  terminal:
    <<: *scribe
    tty: true
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    """db and redis with nothing published, and two services that write a lot at their start."""
    folder = tmp_path_factory.mktemp("stack")
    scribe = folder / "scribe.yml"
    scribe.write_text(SCRIBE)
    odd = folder / "odd.yml"
    odd.write_text(ODD)
    made = LiveStack(folder, overlays=(scribe, odd))
    try:
        made.up("db", "redis")
        yield made
    finally:
        made.remove()


ODD = r"""
services:
  odd: &odd
    image: python:3.13-slim
    stop_grace_period: 0s
    command:
      - python3
      - -uc
      - |
        import os, time
        os.write(1, b"half "); time.sleep(0.3); os.write(1, b"whole\n")
        os.write(1, b"caf\xe9 \xff\xfe\n" + "größe ✔\n".encode() + b"\n")
        os.write(1, b"x" * 1_048_576 + b"\n" + b"after\n")
        os.write(2, b"to stderr\n")
        os.write(1, b"no end")
  oddtty:
    <<: *odd
    tty: true
"""


@asynccontextmanager
async def following(runtime: DockerRuntime, *services: str) -> AsyncIterator[list[LogLine]]:
    """A list that grows as lines come in."""
    found: list[LogLine] = []

    async def take() -> None:
        async for batch in runtime.logs(services, follow=True):
            found.extend(batch)

    taking = asyncio.ensure_future(take())
    try:
        yield found
    finally:
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)


def written(stack: LiveStack, service: str, since: str = "") -> list[str]:
    """What the docker command itself has to show of a service's standard output, line by line."""
    words = ["logs", *(["--since", since] if since else []), stack.container(service)]
    return [line.rstrip("\r") for line in stack.docker(*words).splitlines()]


@pytest.mark.parametrize("service", ["scribe", "terminal"])
async def test_a_followed_log_over_restarts_is_whole_and_without_doubles(
    runtime: DockerRuntime, stack: LiveStack, service: str
) -> None:
    await steps(runtime.up([service]))
    lines_a_run = 8000
    async with following(runtime, service) as found:
        for run in range(1, 4):
            await until(lambda run=run: len(found) >= run * lines_a_run, f"the lines of run {run}", 90)  # type: ignore[misc]
            if run < 3:
                await steps(runtime.restart([service]))
    shown = [line.text for line in found if line.stream == "stdout"]
    assert shown == written(stack, service)
    assert len(found) == 3 * lines_a_run
    assert all(line.at > 0 for line in found)
    await steps(runtime.stop([service]))


async def test_history_of_several_services_comes_in_order(runtime: DockerRuntime, stack: LiveStack) -> None:
    await steps(runtime.up(["scribe", "terminal"]))
    for service in ("scribe", "terminal"):
        await until(lambda service=service: bool(written(stack, service)), f"the first line of {service}")  # type: ignore[misc]
    found = [line async for batch in runtime.logs(["db", "scribe", "terminal"]) for line in batch]
    newest = dict.fromkeys(("db", "scribe", "terminal"), 0.0)
    assert {line.service for line in found} == newest.keys()
    for service in ("scribe", "terminal"):
        shown = [line.text for line in found if line.service == service and line.stream == "stdout"]
        assert shown == written(stack, service)[: len(shown)]
    # Within a container the engine itself stamps its two streams out of order: by how much is up to who had a turn.
    by = 0.0
    for line in found:
        by = max(by, newest[line.service] - line.at)
        newest[line.service] = max(newest[line.service], line.at)
    reached = 0.0
    for line in found:
        assert line.at >= reached - 2 * by
        reached = max(reached, line.at)
    await steps(runtime.stop(["scribe", "terminal"]))


@pytest.mark.parametrize("service", ["odd", "oddtty"])
async def test_lines_of_every_kind(runtime: DockerRuntime, stack: LiveStack, service: str) -> None:
    await asyncio.to_thread(stack.compose, "up", "--detach", service)
    container = stack.container(service)
    await until(lambda: "exited" in stack.docker("inspect", "--format", "{{.State.Status}}", container), "its end", 60)
    found = [line async for batch in runtime.logs([service]) for line in batch]
    out = [line for line in found if line.stream == "stdout" and line.text != "to stderr"]
    assert [line.text for line in out if not line.cut] == ["half whole", "caf� ��", "größe ✔", "", "after", "no end"]
    [long] = [line for line in out if line.cut]
    assert set(long.text) == {"x"}
    assert len(long.text) == MAX_LINE
    assert [line.text for line in found if line.text == "to stderr"] == ["to stderr"]


@asynccontextmanager
async def relayed(runtime: DockerRuntime, goal: Goal) -> AsyncIterator[tuple[Relay, int]]:
    """A relay to a goal, whatever shorter way there may be."""
    relay = Relay(runtime._engine, goal, lambda: runtime._endpoints._near(goal))
    port = await runtime._engine.loop.call(relay.open())
    try:
        yield relay, port
    finally:
        await runtime._engine.loop.call(relay.close())


def at(url: str, port: int) -> str:
    """The URL with another place in it."""
    head, _, tail = url.partition("@")
    return f"{head}@127.0.0.1:{port}/{tail.split('/', 1)[1]}"


async def test_the_relay_carries_postgres_and_survives_a_restart(runtime: DockerRuntime, stack: LiveStack) -> None:
    url = (await runtime.endpoints()).database_url
    async with relayed(runtime, POSTGRES) as (_, port):
        connections = [await psycopg.AsyncConnection.connect(at(url, port), autocommit=True) for _ in range(3)]
        for n, connection in enumerate(connections):
            found = await connection.execute("SELECT %s::int, repeat('x', 3000000)", (n,))
            assert await found.fetchone() == (n, "x" * 3_000_000)
        await connections.pop().close()
        await steps(runtime.restart(["db"]))
        with pytest.raises(psycopg.OperationalError):
            await connections[0].execute("SELECT 1")
        await steps(runtime.up(["db"]))
        async with await psycopg.AsyncConnection.connect(at(url, port)) as connection:
            assert await (await connection.execute("SELECT 1")).fetchone() == (1,)
        for connection in connections:
            await connection.close()
    with pytest.raises(psycopg.OperationalError):
        await psycopg.AsyncConnection.connect(at(url, port))
    await until(lambda: "nc" not in stack.docker("top", stack.container("db"), "-eo", "pid,comm"), "no relay left")


async def test_the_relay_carries_redis_both_ways(runtime: DockerRuntime) -> None:
    url = (await runtime.endpoints()).redis_url
    async with relayed(runtime, REDIS) as (relay, port):
        await runtime._engine.loop.call(relay.probe())
        async with redis.asyncio.Redis.from_url(at(url, port)) as client:
            value = os.urandom(3_000_000)
            await client.set("relay", value)
            assert await client.get("relay") == value
            await client.delete("relay")


async def test_the_relay_demands_the_password(runtime: DockerRuntime) -> None:
    url = (await runtime.endpoints()).database_url
    async with relayed(runtime, POSTGRES) as (_, port):
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            await psycopg.AsyncConnection.connect(at(url, port), password="wrong")


async def test_python_relays_where_there_is_no_netcat(
    runtime: DockerRuntime, stack: LiveStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    from console.stack.docker import relay as module

    both = module.programs
    monkeypatch.setattr(module, "programs", lambda goal: tuple(p for p in both(goal) if p[0] == "python3"))
    await steps(runtime.up(["app"]))
    url = (await runtime.endpoints()).database_url
    async with (
        relayed(runtime, POSTGRES) as (_, port),
        await psycopg.AsyncConnection.connect(at(url, port)) as connection,
    ):
        assert await (await connection.execute("SELECT 1")).fetchone() == (1,)
    await steps(runtime.stop(["app"]))


async def test_what_happens_is_told(runtime: DockerRuntime) -> None:
    seen: list[EngineEvent] = []

    async def take() -> None:
        async for event in runtime.events():
            seen.append(event)  # noqa: PERF401 - it never ends

    taking = asyncio.ensure_future(take())
    while not any(event.what == "restart" for event in seen):
        await steps(runtime.restart(["redis"]))
    taking.cancel()
    await asyncio.gather(taking, return_exceptions=True)
    [last] = [event for event in seen if event.what == "die"][-1:]
    assert (last.service, last.detail) == ("redis", "0")
    assert last.replica.endswith("_redis")
    await steps(runtime.up(["redis"]))


async def gone(runtime: DockerRuntime) -> bool:
    """Whether the engine is away, as a snapshot says it."""
    try:
        await runtime.snapshot()
    except UnreachableError as error:
        return str(error).startswith("No Docker Engine at unix://")
    return False


async def test_an_engine_that_goes_away_and_comes_back(stack: LiveStack, tmp_path: Path) -> None:
    proxy = Proxy(tmp_path / "e.sock")
    await proxy.open()
    direct, runtime = stack.runtime(), stack.runtime(proxy.url)
    try:
        await steps(direct.up(["scribe"]))
        async with following(runtime, "scribe") as found:
            await until(lambda: len(found) > 0, "the first lines")
            for _ in range(2):
                await runtime.snapshot()
            await proxy.cut()
            await until_true(lambda: gone(runtime), "the engine's absence")
            with pytest.raises(UnreachableError, match="No Docker Engine at"):
                await steps(runtime.up())
            await steps(direct.restart(["scribe"]))
            await proxy.open()
            # The run before ended in such a line too: this one's is written since the container was started again.
            began = stack.docker("inspect", "-f", "{{.State.StartedAt}}", stack.container("scribe")).strip()
            await until(lambda: " 4000" in "".join(written(stack, "scribe", began)[-1:]), "the last line's writing", 60)
            wanted = len(written(stack, "scribe"))
            await until(
                lambda: sum(line.stream == "stdout" for line in found) >= wanted, "the lines written meanwhile", 60
            )
            found_again = await runtime.snapshot()
            scribe = next(one for one in found_again.services if one.name == "scribe")
            assert scribe.state is State.RUNNING
        assert [line.text for line in found if line.stream == "stdout"] == written(stack, "scribe")
    finally:
        await direct.close()
        await runtime.close()
        await proxy.cut()


async def test_an_engine_on_an_ssh_host(
    stack: LiveStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_ssh: Callable[[Path], None]
) -> None:
    make_ssh(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    runtime = stack.runtime("ssh://ops@far.example:2222")
    try:
        found = await runtime.snapshot()
        assert found.where == "ssh://ops@far.example:2222"
        assert "db" in [one.name for one in found.services if one.up]
        assert [line async for batch in runtime.logs(["db"]) for line in batch]
        where = await runtime.endpoints()
        async with await psycopg.AsyncConnection.connect(where.database_url) as connection:
            assert await (await connection.execute("SELECT 1")).fetchone() == (1,)
        words = (tmp_path / "words").read_text().split("\n")[0]
        assert words.endswith("-T -l ops -p 2222 -- far.example docker system dial-stdio")
    finally:
        await runtime.close()


@pytest.fixture
def make_ssh() -> Callable[[Path], None]:
    """Makes a program `ssh` that notes its words and runs the last ones here."""

    def make(folder: Path) -> None:
        path = folder / "ssh"
        path.write_text(
            "#!/bin/sh\n"
            f'echo "$@" >>{folder}/words\n'
            "unset DOCKER_HOST\n"
            "exec docker --host unix:///var/run/docker.sock system dial-stdio\n"
        )
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    return make
