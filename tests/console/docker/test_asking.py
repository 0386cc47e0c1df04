"""Questions to the engine over one connection that is kept: used again, made anew, never trusted to answer well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from console.errors import StackError, UnreachableError
from console.stack.docker import asking
from console.stack.docker.address import Address, parse
from console.stack.docker.asking import Asker
from console.stack.docker.wire import NoSuchThingError
from tests.console.docker.fake_engine import FakeEngine, inspected


@pytest.fixture
async def asker(fake: FakeEngine) -> AsyncIterator[Asker]:
    made = Asker(parse(fake.url))
    yield made
    made.close()


async def test_one_connection_serves_question_after_question(fake: FakeEngine, asker: Asker) -> None:
    fake.add(inspected("c1", "app"))
    found = await asyncio.gather(*(asker.one("/containers/c1/json") for _ in range(5)))
    assert {one["Id"] for one in found} == {"c1"}
    assert [one["Id"] for one in await asker.several("/containers/json", all=1)] == ["c1"]
    with pytest.raises(NoSuchThingError, match="No such thing"):
        await asker.one("/containers/c2/json")
    assert await asker.one("/info") == {"DockerRootDir": "/"}
    assert len(fake._open) == 1


async def test_an_engine_that_was_away_is_asked_anew(fake: FakeEngine, asker: Asker) -> None:
    assert await asker.one("/version")
    fake.stop()
    with pytest.raises(UnreachableError, match="No Docker Engine at"):
        await asker.one("/version")
    fake.start()
    assert await asker.one("/version")
    fake.stop()
    fake.start()
    assert await asker.one("/version")


@pytest.fixture
async def answering(tmp_path: Path) -> AsyncIterator[Callable[[bytes], Asker]]:
    """An asker of an engine that gives that answer to everything, and then hangs up."""
    answer = [b""]
    ends: list[Asker] = []
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer[0])
        if answer[0]:
            writer.close()

    server = await asyncio.start_unix_server(serve, tmp_path / "e.sock")

    def make(given: bytes) -> Asker:
        answer[0] = given
        ends.append(Asker(Address("unix://e", socket=str(tmp_path / "e.sock"))))
        return ends[-1]

    yield make
    for one in ends:
        one.close()
    for each in writers:
        each.close()
    server.close()
    await asyncio.sleep(0)


@pytest.mark.parametrize(
    "answer",
    [
        b'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n{"a":1}',
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n3\r\n:1}\r\n0\r\n\r\n',
        b'HTTP/1.0 200 OK\r\n\r\n{"a":1}',
        b'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 7\r\n\r\n{"a":1}',
    ],
)
async def test_bodies_of_every_kind(answering: Callable[[bytes], Asker], answer: bytes) -> None:
    asker = answering(answer)
    assert await asker.one("/x") == {"a": 1}
    assert await asker.one("/x") == {"a": 1}
    assert await asker.several("/x") == []


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 70\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        b"HTTP/1.1 200",
    ],
)
async def test_an_answer_that_breaks_off_is_an_engine_that_went_away(
    answering: Callable[[bytes], Asker], answer: bytes
) -> None:
    with pytest.raises(UnreachableError):
        await answering(answer).one("/x")


async def test_what_is_no_answer_is_an_error_of_ours(answering: Callable[[bytes], Asker]) -> None:
    with pytest.raises(StackError, match="cannot be read"):
        await answering(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\noops").one("/x")
    with pytest.raises(StackError, match="refused: no"):
        await answering(b'HTTP/1.1 500 No\r\nContent-Length: 16\r\n\r\n{"message":"no"}').one("/x")


async def test_an_engine_that_never_answers_is_not_waited_for(
    answering: Callable[[bytes], Asker], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "LIMIT_S", 0.05)
    with pytest.raises(UnreachableError, match="it does not answer"):
        await answering(b"").one("/x")
