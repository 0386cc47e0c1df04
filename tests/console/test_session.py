"""Sessions: connected when needed, connected again when the runtime moves an endpoint, closed whatever happens."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pytest

from api.errors import QueueUnavailableError, StoreUnavailableError
from api.queue import Inspector
from api.store import Reader
from console.errors import UnreachableError, UsageError
from console.foreground import Foreground
from console.links import Links
from console.ports import Runtime as RuntimePort
from console.session import Session
from console.settings import Settings
from console.snapshots import Endpoints, LogLine, Progress, StackSnapshot, VolumesSnapshot
from console.stack import select


@dataclass
class Client:
    """A client of one URL, which answers only while its server is in `alive`."""

    url: str
    alive: set[str]
    error: type[Exception] = QueueUnavailableError
    closed: bool = False

    async def ask(self) -> str:
        if self.closed or self.url not in self.alive:
            raise self.error(f"{self.url} does not answer")
        return self.url

    async def close(self) -> None:
        self.closed = True


@dataclass
class World:
    """Where servers are, and who was made to reach them."""

    alive: set[str]
    at: Endpoints
    asked: int = 0
    made: list[Client] = field(default_factory=list)

    async def resolve(self) -> Endpoints:
        self.asked += 1
        if not self.at.redis_url:
            raise UnreachableError("the stack is down", "leadsctl up")
        return self.at

    def make(self, error: type[Exception]) -> Callable[[str], Any]:
        def one(url: str) -> Client:
            self.made.append(Client(url, self.alive, error))
            return self.made[-1]

        return one

    def links(self, *, redis_url: str = "", database_url: str = "") -> Links:
        return Links(
            self.resolve,
            redis_url=redis_url,
            database_url=database_url,
            inspector=self.make(QueueUnavailableError),
            operator=self.make(QueueUnavailableError),
            reader=self.make(StoreUnavailableError),
            backlog=self.make(QueueUnavailableError),
            publisher=self.make(QueueUnavailableError),
        )


def world(*alive: str) -> World:
    return World(set(alive or ("r1", "d1")), Endpoints("d1", "r1", "http://w1"))


async def ask(client: Inspector | Reader) -> str:
    return await cast("Client", client).ask()


async def test_nothing_is_connected_before_it_is_needed() -> None:
    w = world()
    links = w.links()
    assert (w.asked, w.made) == (0, [])
    assert await links.inspect(ask) == "r1"
    assert await links.inspect(ask) == "r1"
    assert (w.asked, len(w.made)) == (1, 1)


async def test_a_moved_endpoint_is_found_within_the_same_call() -> None:
    w = world()
    links = w.links()
    await links.inspect(ask)
    w.alive.add("r2")
    w.alive.remove("r1")
    w.at = replace(w.at, redis_url="r2")
    assert await links.inspect(ask) == "r2"
    assert [client.closed for client in w.made] == [True, False]


async def test_a_dead_server_that_has_not_moved_is_unreachable_with_a_hint() -> None:
    w = world("d1")
    links = w.links()
    with pytest.raises(UnreachableError, match="r1 does not answer") as caught:
        await links.inspect(ask)
    assert "the command ps shows whether redis runs" in caught.value.hint
    w.alive.add("r1")
    assert await links.inspect(ask) == "r1"


async def test_a_stack_that_went_down_says_so() -> None:
    w = world()
    links = w.links()
    await links.read(ask)
    w.alive.clear()
    w.at = Endpoints("", "", "")
    with pytest.raises(UnreachableError, match="the stack is down"):
        await links.read(ask)


async def test_a_given_url_needs_no_runtime() -> None:
    w = world("given-r", "given-d")
    links = w.links(redis_url="given-r", database_url="given-d")
    assert await links.inspect(ask) == "given-r"
    assert await links.read(ask) == "given-d"
    assert w.asked == 0


async def test_forgetting_asks_the_runtime_again() -> None:
    w = world("r1", "r2")
    links = w.links()
    await links.inspect(ask)
    w.at = replace(w.at, redis_url="r2")
    assert await links.inspect(ask) == "r1"
    links.forget()
    assert await links.inspect(ask) == "r2"


async def test_closing_closes_every_client() -> None:
    w = world()
    links = w.links()
    await links.inspect(ask)
    await links.read(ask)
    await links.close()
    assert [client.closed for client in w.made] == [True, True]


class Runtime(RuntimePort):
    """A runtime that has nothing and remembers being closed."""

    name = title = "fake"
    closed = False

    async def snapshot(self) -> StackSnapshot:
        return StackSnapshot("fake", "leads", "", (), 0.0)

    def execute(
        self, service: str, command: Sequence[str], source: AsyncIterator[bytes] | None = None
    ) -> AsyncGenerator[bytes, None]:
        raise AssertionError(f"nothing to run {command} in")

    async def foreground(
        self, service: str, words: Sequence[str] = (), *, tool: str = "", index: int = 0
    ) -> Foreground:
        return Foreground((*words,), {}, "/")

    async def refill_redis(self, source: AsyncIterator[bytes], *, single: bool) -> None:
        raise AssertionError("no Redis to fill")

    async def keep_redis(self, *, restored: bool) -> None:
        raise AssertionError("no Redis to keep")

    async def _steps(self) -> AsyncIterator[Progress]:
        yield Progress("done", ok=True)

    def up(self, services: Sequence[str] = (), *, build: bool | None = None) -> AsyncIterator[Progress]:
        return self._steps()

    async def compare(self) -> None:
        return None

    async def configuration(self, form: str = "yaml") -> str:
        raise AssertionError(f"no files to put together as {form}")

    def recreate(self, services: Sequence[str]) -> AsyncIterator[Progress]:
        return self._steps()

    def scale(self, service: str, count: int, *, keep: bool = False) -> AsyncIterator[Progress]:
        return self._steps()

    def build(self, services: Sequence[str] = ()) -> AsyncIterator[Progress]:
        return self._steps()

    def pull(self, services: Sequence[str] = ()) -> AsyncIterator[Progress]:
        return self._steps()

    def down(self, *, volumes: bool = False) -> AsyncIterator[Progress]:
        return self._steps()

    def start(self, services: Sequence[str]) -> AsyncIterator[Progress]:
        return self._steps()

    def stop(self, services: Sequence[str]) -> AsyncIterator[Progress]:
        return self._steps()

    def restart(self, services: Sequence[str], *, index: int = 0) -> AsyncIterator[Progress]:
        return self._steps()

    async def logs(
        self, services: Sequence[str] = (), *, since: float = 0.0, tail: int | None = None, follow: bool = False
    ) -> AsyncIterator[list[LogLine]]:
        yield [LogLine(1.0, "app", "app", "hello")]

    async def volumes(self) -> VolumesSnapshot:
        return VolumesSnapshot((), 0.0)

    async def endpoints(self) -> Endpoints:
        raise UnreachableError("the stack is down", "leadsctl up")

    async def close(self) -> None:
        self.closed = True


async def test_a_session_reads_the_runtime_and_closes_it() -> None:
    runtime = Runtime()
    async with Session(Settings(), runtime) as session:
        assert (await session.sources.stack.read()).runtime == "fake"
        assert session.sources.volumes is not None
        assert (await session.sources.volumes.read()).volumes == ()
        lines = [batch async for batch in session.sources.stack.logs()]
        with pytest.raises(UnreachableError, match="the stack is down"):
            await session.sources.queue.read()
    assert lines == [[LogLine(1.0, "app", "app", "hello")]]
    assert runtime.closed


async def test_a_session_is_closed_when_its_body_fails() -> None:
    runtime = Runtime()
    with pytest.raises(RuntimeError, match="boom"):
        async with Session(Settings(), runtime):
            raise RuntimeError("boom")
    assert runtime.closed


async def test_a_wrong_setting_of_the_stack_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("VISIBILITY_TIMEOUT=soon\n")
    async with Session(
        Settings(runtime="local", directory=tmp_path, redis_url="redis://127.0.0.1:1/0"), Runtime()
    ) as session:
        with pytest.raises(UsageError, match="VISIBILITY_TIMEOUT"):
            await session.queue.read()


def test_the_environment_wins_over_the_stacks_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("QUEUE_NAMESPACE=filed\nSLA_SECONDS=10\nEMPTY=\nMETA_APP_SECRET_FILE=/s\n")
    settings = Settings(runtime="local", directory=tmp_path)
    found = select.stack_environment(settings, {"QUEUE_NAMESPACE": "given", "SLA_SECONDS": "", "META_APP_SECRET": "x"})
    assert found == {"QUEUE_NAMESPACE": "given", "SLA_SECONDS": "10", "META_APP_SECRET": "x"}


def test_a_named_env_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not there"):
        select.stack_environment(Settings(env_file=tmp_path / "none"), {})
    assert select.stack_environment(Settings(runtime="local", directory=tmp_path), {}) == {}
