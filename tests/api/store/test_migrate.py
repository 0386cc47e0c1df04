"""The schema: made once, by whoever is first, with or without the search index."""

from __future__ import annotations

import asyncio
import secrets
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg import sql

from api.errors import StoreUnavailableError
from api.models import LeadFilter
from api.store import Reader, Writer, migrate
from tests.api.store import making
from tests.servers import PostgresServer, free_port

FILES = ["0001_tables.sql", "0002_tallies.sql", "0003_names.sql", "0004_form_days.sql"]


async def test_runs_each_file_once(database_url: str) -> None:
    assert await migrate(database_url) == FILES
    assert await migrate(database_url) == []


async def test_many_at_once_do_it_once(database_url: str) -> None:
    done = await asyncio.gather(*(migrate(database_url) for _ in range(6)))
    assert sorted(done) == [[], [], [], [], [], FILES]


async def test_leaves_a_newer_database_alone(database_url: str) -> None:
    await migrate(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("INSERT INTO schema_migrations (version, name) VALUES (9999, 'later.sql')")
    assert await migrate(database_url) == []


async def test_rebuilds_an_index_whose_build_was_interrupted(database_url: str) -> None:
    await migrate(database_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'leads_search'::regclass")
    await migrate(database_url)
    with psycopg.connect(database_url) as connection:
        found = connection.execute(
            "SELECT indisvalid FROM pg_index WHERE indexrelid = 'leads_search'::regclass"
        ).fetchall()
    assert found == [(True,)]


async def test_without_the_right_to_create_the_extension_a_search_scans_and_says_so(
    postgres_server: PostgresServer, database_url: str
) -> None:
    name = f"plain_{secrets.token_hex(4)}"
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'x'").format(sql.Identifier(name)))
        connection.execute(sql.SQL("GRANT ALL ON SCHEMA public TO {}").format(sql.Identifier(name)))
    try:
        url = f"postgresql://{name}:x@127.0.0.1:{postgres_server.port}{urlsplit(database_url).path}"
        assert await migrate(url) == FILES
        writer, reader = Writer(url), Reader(url)
        await writer.write([making.write(full_name="Ana Souza")])
        page = await reader.page(LeadFilter(text="souz"))
        assert [lead.full_name for lead in page.leads] == ["Ana Souza"]
        assert "pg_trgm" in page.notice
        await writer.close()
        await reader.close()
    finally:
        with psycopg.connect(database_url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(name)))
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))


async def test_says_who_does_not_answer_without_the_password() -> None:
    with pytest.raises(StoreUnavailableError) as caught:
        await migrate(f"postgresql://leads:topsecret@127.0.0.1:{free_port()}/leads", wait_s=0.3)
    assert "does not answer" in str(caught.value)
    assert "topsecret" not in str(caught.value)
