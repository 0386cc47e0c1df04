"""Postgres going away and coming back: what is under way says so, what comes next works by itself."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from api.errors import StoreUnavailableError
from api.models import LeadFilter, Outcome
from api.store import Reader, Writer, migrate
from tests.api.store import making
from tests.servers import PostgresServer, free_port


@pytest.fixture
def own_server(server_folder: Path, request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    """A Postgres that this test may kill."""
    server = PostgresServer(server_folder / f"own-{request.node.name[:40]}").start()
    yield server
    server.stop()


@pytest.fixture
async def own_store(own_server: PostgresServer) -> AsyncIterator[tuple[Writer, Reader]]:
    """A writer and a reader on it."""
    url = own_server.create("leads")
    await migrate(url)
    writer, reader = Writer(url), Reader(url)
    yield writer, reader
    await writer.close()
    await reader.close()


@pytest.mark.faults
async def test_heals_after_a_kill(own_server: PostgresServer, own_store: tuple[Writer, Reader]) -> None:
    writer, reader = own_store
    batches = reader.stored()
    assert await anext(batches) == 0
    first = making.write()
    await asyncio.gather(writer.write([first]), reader.page(LeadFilter()), reader.ping())
    assert await anext(batches) == 1
    own_server.kill()
    with pytest.raises(StoreUnavailableError):
        await writer.write([making.write()])
    with pytest.raises(StoreUnavailableError):
        await reader.ping()
    own_server.start()
    assert (await writer.write([first]))[0].redelivered
    assert len((await reader.page(LeadFilter())).leads) == 1
    assert await anext(batches) == 0
    await writer.write([making.write()])
    assert await anext(batches) == 1
    await batches.aclose()


@pytest.mark.faults
async def test_connections_that_died_idle_are_replaced_unseen(
    own_server: PostgresServer, own_store: tuple[Writer, Reader]
) -> None:
    writer, reader = own_store
    await asyncio.gather(*(writer.write([making.write()]) for _ in range(4)))
    await asyncio.gather(*(reader.ping() for _ in range(3)))
    own_server.kill()
    own_server.start()
    assert (await writer.write([making.write()]))[0].outcome is Outcome.STORED
    assert await reader.ping()


async def test_a_session_ended_by_an_administrator_is_replaced_unseen(
    writer: Writer, reader: Reader, store_url: str
) -> None:
    await writer.write([making.write()])
    await reader.ping()
    with psycopg.connect(store_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'leads-%'"
        )
    assert (await writer.write([making.write()]))[0].outcome is Outcome.STORED
    assert await reader.ping()


async def test_a_refused_connection_names_no_password() -> None:
    reader = Reader(f"postgresql://leads:topsecret@127.0.0.1:{free_port()}/leads")
    with pytest.raises(StoreUnavailableError) as caught:
        await reader.ping()
    assert "topsecret" not in str(caught.value)


@pytest.mark.parametrize("parts", ["top%secret@db", "topsecret%00@db", "top secret@db", "topsecret@[::1]x"])
async def test_a_url_that_cannot_be_read_names_no_password(parts: str) -> None:
    reader = Reader(f"postgresql://leads:{parts}/leads")
    with pytest.raises(StoreUnavailableError, match="URL is not valid") as caught:
        await reader.ping()
    assert "secret" not in str(caught.value)


async def test_a_wrong_password_is_named_as_such(store_url: str) -> None:
    head, tail = store_url.split("@")
    reader = Reader(f"{head.rsplit(':', 1)[0]}:wrong@{tail}")
    with pytest.raises(StoreUnavailableError, match="password authentication failed"):
        await reader.ping()


async def test_a_server_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        reader = Reader(f"postgresql://leads:x@127.0.0.1:{silent.getsockname()[1]}/leads", timeout_s=0.3)
        with pytest.raises(StoreUnavailableError):
            await reader.ping()


async def test_full_disk_or_no_room_is_an_outage_not_a_bad_lead(writer: Writer, store_url: str) -> None:
    with psycopg.connect(store_url, autocommit=True) as connection:
        connection.execute(
            "CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'no space left' USING ERRCODE = '53100'; END $$"
        )
        connection.execute("CREATE TRIGGER full_disk BEFORE INSERT ON leads EXECUTE FUNCTION no_room()")
    with pytest.raises(StoreUnavailableError, match="disk full"):
        await writer.write([making.write()])
