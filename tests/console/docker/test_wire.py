"""Raw HTTP to the engine: heads, chunks, refusals, and an engine that is not there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from console.errors import StackError, UnreachableError
from console.stack.docker import wire
from console.stack.docker.address import parse
from console.stack.docker.engine import Engine
from tests.console.docker.fake_engine import FakeEngine, inspected


@pytest.mark.parametrize("cut", [1, 2, 3, 5, 1000])
def test_chunks_come_apart_however_they_are_cut(cut: int) -> None:
    data = b"5\r\nhello\r\n1;x=y\r\n \r\nA\r\n0123456789\r\n0\r\n\r\n"
    decoder = wire.ChunkDecoder()
    got = b"".join(decoder.feed(data[at : at + cut]) for at in range(0, len(data), cut))
    assert got == b"hello 0123456789"
    assert decoder.ended


def test_chunks_that_are_none() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        wire.ChunkDecoder().feed(b"zz\r\nhello")


def test_heads() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX:y\r\n\r\n"
    assert wire.parse_head(head) == (200, {b"transfer-encoding": b"chunked", b"x": b"y"})
    assert wire.parse_head(b"hello\r\n\r\n")[0] == 0


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_stream(fake: FakeEngine, chunked: bool) -> None:
    fake.chunked = chunked
    fake.add(inspected("c1", "app")).write(b"hello\n")
    stream = await wire.get(parse(fake.url), "/containers/c1/logs", timestamps=1)
    assert stream.chunked is chunked
    assert b"hello" in b"".join([piece async for piece in stream.body()])
    stream.close()


async def test_refusals_have_the_engines_words(fake: FakeEngine) -> None:
    with pytest.raises(wire.NoSuchThingError, match="The engine refused: No such thing: /containers/nope/logs"):
        await wire.get(parse(fake.url), "/containers/nope/logs")


async def test_no_engine(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match=r"No Docker Engine at unix://.*none\.sock\.$"):
        await wire.get(parse(f"unix://{tmp_path}/none.sock"), "/events")


async def test_an_engine_that_hangs_up(tmp_path: Path) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_unix_server(hang_up, tmp_path / "s")
    async with server:
        with pytest.raises(UnreachableError, match="it closed the connection"):
            await wire.fetch(parse(f"unix://{tmp_path}/s"), "/info")


async def test_an_engine_that_talks_something_else(tmp_path: Path) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\nhello")
        writer.close()

    server = await asyncio.start_unix_server(babble, tmp_path / "s")
    async with server:
        with pytest.raises((StackError, UnreachableError)):
            await wire.fetch(parse(f"unix://{tmp_path}/s"), "/info")


async def test_the_sdk_on_an_engine_that_is_away_and_comes_back(
    fake: FakeEngine, connect: Callable[[str], Engine]
) -> None:
    engine = connect(fake.url)
    fake.stop()
    with pytest.raises(UnreachableError, match="No Docker Engine at unix://") as caught:
        await engine.ask(lambda client: client.ping())
    assert caught.value.hint == "Start it, set DOCKER_HOST, or try leadsctl demo."
    fake.start()
    assert await engine.ask(lambda client: client.ping())
    fake.stop()
    with pytest.raises(UnreachableError):
        await engine.ask(lambda client: client.ping())


@pytest.mark.parametrize("api", ["1.40", "1.41", "1.44", "1.48", "1.51"])
async def test_the_sdk_speaks_the_version_of_the_engine(fake: FakeEngine, engine: Engine, api: str) -> None:
    fake.api = api
    assert await engine.ask(lambda client: client.containers()) == []
    assert fake.requests[-1].startswith(f"GET /v{api}/containers/json")


async def test_an_engine_that_comes_back_with_another_version_is_asked_anew(fake: FakeEngine, engine: Engine) -> None:
    for _ in range(8):
        await engine.ask(lambda client: client.containers())
    fake.stop()
    for _ in range(8):
        with pytest.raises(UnreachableError):
            await engine.ask(lambda client: client.containers())
    fake.api = "1.41"
    fake.start()
    for _ in range(8):
        await engine.ask(lambda client: client.containers())
        assert fake.requests[-1].startswith("GET /v1.41/containers/json")


async def test_the_sdks_refusals_are_ours(engine: Engine) -> None:
    with pytest.raises(wire.NoSuchThingError, match="No such thing"):
        await engine.ask(lambda client: client.inspect_container("nope"))


async def test_a_mistake_of_our_own_is_not_taken_for_a_refusal(engine: Engine) -> None:
    def wrong(_: object) -> None:
        raise KeyError("oops")

    with pytest.raises(KeyError):
        await engine.ask(wrong)


async def test_nothing_is_asked_after_closing(fake: FakeEngine) -> None:
    engine = Engine(fake.url)
    await engine.ask(lambda client: client.ping())
    await engine.address()
    await engine.close()
    await engine.close()
    with pytest.raises(UnreachableError):
        await engine.ask(lambda client: client.ping())
