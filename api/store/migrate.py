"""Brings the schema up to date: numbered SQL files, run in order, once each, under an advisory lock."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator
from importlib import resources

import psycopg

from api.errors import StoreUnavailableError
from api.store.connections import Connection, Connections, rows, translate
from api.store.search_index import CREATE

LOCK = 0x6C656164
"""The advisory lock's key ("lead"): one migration at a time in a database."""

_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_POLL_S = 0.2


async def migrate(database_url: str, *, wait_s: float = 30.0) -> list[str]:
    """Run the migrations that are missing and return their names, then build the search index where that is possible.

    Safe to run on every start and from several processes at once: an advisory lock lets one work and the others wait.
    A database that is newer than this code is left alone.

    Args:
        database_url: postgresql:// URL of a role that may create tables.
        wait_s: how long to keep trying while Postgres does not answer.

    Raises:
        StoreUnavailableError: Postgres did not answer within `wait_s`, or refused.
    """
    connection = await _connect(database_url, wait_s)
    try:
        # Building an index on a large table takes as long as it takes.
        await connection.execute("SET statement_timeout = 0")
        async with _locked(connection):
            done = await _run_missing(connection)
            await _index_search(connection)
    except psycopg.Error as error:
        raise translate(error) from error
    finally:
        with contextlib.suppress(psycopg.Error):
            await connection.close()
    return done


async def _connect(database_url: str, wait_s: float) -> Connection:
    connections = Connections(database_url, size=1, timeout_s=5.0, application="leads-migrate")
    deadline = time.monotonic() + wait_s
    while True:
        try:
            return await connections.open()
        except StoreUnavailableError:
            if time.monotonic() + _POLL_S > deadline:
                raise
        await asyncio.sleep(_POLL_S)


@contextlib.asynccontextmanager
async def _locked(connection: Connection) -> AsyncIterator[None]:
    """Hold the lock. Asked for again and again: a session that waits in Postgres would block CREATE INDEX CONCURRENTLY
    in the one that works, for which it waits itself.
    """
    while not (await rows(connection, "SELECT pg_try_advisory_lock(%s)", [LOCK]))[0][0]:  # noqa: ASYNC110
        await asyncio.sleep(_POLL_S)
    try:
        yield
    finally:
        with contextlib.suppress(psycopg.Error):
            await connection.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


async def _run_missing(connection: Connection) -> list[str]:
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations ("
        "version integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
    )
    applied = {version for (version,) in await rows(connection, "SELECT version FROM schema_migrations")}
    done = []
    for version, name, statements in _files():
        if version in applied:
            continue
        async with connection.transaction():
            await connection.execute(statements)
            await connection.execute("INSERT INTO schema_migrations (version, name) VALUES (%s, %s)", [version, name])
        done.append(name)
    return done


def known_schema() -> int:
    """The number of the last migration that this version brings."""
    return _files()[-1][0]


def _files() -> list[tuple[int, str, bytes]]:
    """(version, file name, SQL), in order."""
    found = []
    for entry in resources.files("api.store").joinpath("migrations").iterdir():
        match = _NAME.fullmatch(entry.name)
        if match:
            found.append((int(match[1]), entry.name, entry.read_bytes()))
    return sorted(found)


async def _index_search(connection: Connection) -> None:
    """The trigram index over `leads.search_parts`, where the server has pg_trgm and the role may create it.

    Without it a search reads every row, which Reader.page says in its notice; the next start tries again.
    """
    try:
        await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    except psycopg.Error:
        if connection.closed:
            raise
        return
    state = await rows(connection, "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('leads_search')")
    if state == [(True,)]:
        return
    # One that is not valid is what an interrupted build left behind.
    await connection.execute("DROP INDEX IF EXISTS leads_search")
    await connection.execute(CREATE)
