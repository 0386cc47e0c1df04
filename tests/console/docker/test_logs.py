"""Log views over a fake engine: merged, followed over restarts without loss or doubling, new containers joined."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from console.errors import UnreachableError
from console.snapshots import LogLine
from console.stack.docker.engine import Engine
from console.stack.docker.logs import LogView, Span
from tests.console.docker.fake_engine import BASE_S, FakeEngine, Log, inspected
from tests.console.docker.waiting import until

BASE_NS = BASE_S * 10**9


async def read(engine: Engine, span: Span, *services: str) -> list[LogLine]:
    view = LogView(engine, "leads", services, span)
    await engine.loop.call(view.open())
    found: list[LogLine] = []
    while (batch := await engine.loop.call(view.next())) is not None:
        found += batch
    await engine.loop.call(view.close())
    return found


@asynccontextmanager
async def following(engine: Engine, span: Span, *services: str) -> AsyncIterator[list[LogLine]]:
    """A list that grows as lines come in."""
    view = LogView(engine, "leads", services, span)
    await engine.loop.call(view.open())
    found: list[LogLine] = []

    async def take() -> None:
        while (batch := await engine.loop.call(view.next())) is not None:
            found.extend(batch)

    taking = asyncio.ensure_future(take())
    try:
        yield found
    finally:
        taking.cancel()
        await asyncio.gather(taking, return_exceptions=True)
        await engine.loop.call(view.close())


def texts(lines: list[LogLine]) -> list[str]:
    return [line.text for line in lines]


@pytest.mark.parametrize("chunked", [False, True])
async def test_history_of_several_containers_is_merged_by_time(fake: FakeEngine, engine: Engine, chunked: bool) -> None:
    fake.chunked = chunked
    app, worker = fake.add(inspected("c1", "app")), fake.add(inspected("c2", "worker"), Log(tty=True))
    for n in range(500):
        (app if n % 3 else worker).write(b"%d\n" % n, at_ns=BASE_NS + n * 1000)
    found = await read(engine, Span())
    assert texts(found) == [str(n) for n in range(500)]
    assert {(line.service, line.replica) for line in found} == {("app", "leads-app-1"), ("worker", "leads-worker-1")}


async def test_only_the_services_that_are_asked_for(fake: FakeEngine, engine: Engine) -> None:
    fake.add(inspected("c1", "app")).write(b"app\n")
    fake.add(inspected("c2", "db")).write(b"db\n")
    assert texts(await read(engine, Span(), "db")) == ["db"]


async def test_since_and_tail(fake: FakeEngine, engine: Engine) -> None:
    log = fake.add(inspected("c1", "app"))
    for n in range(10):
        log.write(b"%d\n" % n, at_ns=BASE_NS + n * 10**9)
    assert texts(await read(engine, Span(since=BASE_S + 7.0))) == ["7", "8", "9"]
    assert texts(await read(engine, Span(tail=2))) == ["8", "9"]
    assert texts(await read(engine, Span(tail=0))) == []


async def test_nothing_to_read(engine: Engine) -> None:
    assert await read(engine, Span()) == []


async def test_no_engine_is_said_at_once(fake: FakeEngine, connect: Callable[[str], Engine]) -> None:
    fake.stop()
    view = LogView(connect(fake.url), "leads", (), Span(follow=True))
    with pytest.raises(UnreachableError):
        await view.open()


@pytest.mark.parametrize("tty", [False, True])
async def test_following_over_a_restart_neither_loses_nor_doubles(fake: FakeEngine, engine: Engine, tty: bool) -> None:
    log = fake.add(inspected("c1", "app"), Log(tty=tty))
    for n in range(3):
        log.write(b"%d\n" % n, at_ns=BASE_NS)
    async with following(engine, Span(follow=True)) as found:
        await until(lambda: len(found) == 3, "the first lines")
        log.write(b"3\n")
        await until(lambda: len(found) == 4, "a line that came later")
        log.run(running=False)
        log.write(b"4\n", at_ns=log.lines[-1][0])
        log.run(running=True)
        fake.happen("start", "c1")
        log.write(b"5\n")
        await until(lambda: len(found) >= 6, "the lines after the restart")
        log.run(running=False)
        log.run(running=True)
        fake.happen("start", "c1")
        log.write(b"6\n")
        await until(lambda: len(found) >= 7, "the lines after the second restart")
    assert texts(found) == [str(n) for n in range(7)]


async def test_following_survives_an_engine_that_goes_away(fake: FakeEngine, engine: Engine) -> None:
    log = fake.add(inspected("c1", "app"))
    log.write(b"0\n")
    async with following(engine, Span(follow=True)) as found:
        await until(lambda: len(found) == 1, "the first line")
        fake.stop()
        log.write(b"1\n")
        log.write(b"2\n")
        fake.start()
        await until(lambda: len(found) >= 3, "the lines written meanwhile")
        log.write(b"3\n")
        await until(lambda: len(found) >= 4, "a line after that")
    assert texts(found) == ["0", "1", "2", "3"]


async def test_a_container_that_appears_is_joined_from_its_beginning(fake: FakeEngine, engine: Engine) -> None:
    fake.add(inspected("c1", "app")).write(b"old\n")
    async with following(engine, Span(follow=True, tail=0)) as found:
        await until(lambda: fake.listening == 1, "listening to events")
        fake.add(inspected("c2", "worker")).write(b"new\n")
        fake.happen("start", "c2")
        await until(lambda: texts(found) == ["new"], "the new container's line")


async def test_following_from_the_end_shows_only_what_is_new(fake: FakeEngine, engine: Engine) -> None:
    log = fake.add(inspected("c1", "app"))
    for n in range(5):
        log.write(b"%d\n" % n)
    async with following(engine, Span(follow=True, tail=2)) as found:
        await until(lambda: len(found) == 2, "the tail")
        log.write(b"5\n")
        await until(lambda: len(found) == 3, "the new line")
        log.run(running=False)
        log.run(running=True)
        fake.happen("start", "c1")
        log.write(b"6\n")
        await until(lambda: len(found) >= 4, "the line after a restart")
    assert texts(found) == ["3", "4", "5", "6"]


async def test_a_container_that_is_removed_ends_its_reader(fake: FakeEngine, engine: Engine) -> None:
    log = fake.add(inspected("c1", "app"))
    log.write(b"0\n")
    async with following(engine, Span(follow=True)) as found:
        await until(lambda: len(found) == 1, "the first line")
        del fake.containers["c1"]
        log.run(running=False)
        fake.happen("destroy", "c1")
        fake.add(inspected("c2", "app")).write(b"1\n")
        fake.happen("start", "c2")
        await until(lambda: len(found) == 2, "the new container's line")
    assert texts(found) == ["0", "1"]


async def test_a_flood_is_held_back_and_comes_out_whole(fake: FakeEngine, engine: Engine) -> None:
    log = fake.add(inspected("c1", "app"))
    with log.more:
        log.lines = [(BASE_NS + n, 1, b"%d\n" % n) for n in range(20_000)]
    view = LogView(engine, "leads", (), Span())
    await engine.loop.call(view.open())
    await asyncio.sleep(0.1)
    assert len(view._lanes._lanes[0].lines) < 20_000
    found: list[LogLine] = []
    while (batch := await engine.loop.call(view.next())) is not None:
        found += batch
    assert texts(found) == [str(n) for n in range(20_000)]
    await engine.loop.call(view.close())
