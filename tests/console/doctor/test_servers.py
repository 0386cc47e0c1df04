"""Redis and Postgres on real servers, and clocks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import psycopg
import pytest

from api.store import migrate
from api.store.migrate import known_schema
from console.doctor import servers
from console.doctor.diagnosis import TIMEOUT_S, examine
from console.session import Session
from console.settings import Settings
from tests.console.doctor.said import texts, verdicts
from tests.console.test_verbs import Local


@pytest.fixture
async def session(redis_url: str, database_url: str) -> AsyncIterator[Session]:
    async with Session(Settings(), Local(redis_url, database_url)) as session:
        yield session


async def test_servers_that_are_well(session: Session, database_url: str) -> None:
    await migrate(database_url)
    assert verdicts(await servers.redis(session.links)) == [("redis", "ok"), ("clock", "ok")]
    assert verdicts(await servers.postgres(session.links)) == [("postgres", "ok"), ("clock", "ok"), ("schema", "ok")]


async def test_a_schema_that_is_not_there_behind_or_newer(session: Session, database_url: str) -> None:
    said = await servers.postgres(session.links)
    assert verdicts(said) == [("postgres", "ok"), ("clock", "ok"), ("schema", "fail")]
    await migrate(database_url)
    known = known_schema()
    for change, verdict in (
        (f"DELETE FROM schema_migrations WHERE version = {known}", "fail"),
        (f"INSERT INTO schema_migrations (version, name) VALUES ({known + 1}, 'later')", "warn"),
    ):
        with psycopg.connect(database_url) as connection:
            connection.execute(change.encode())
        assert verdicts(await servers.postgres(session.links))[2] == ("schema", verdict)


async def test_servers_that_are_away_are_told_and_stop_no_other_check(
    free_port: Callable[[], int], database_url: str
) -> None:
    await migrate(database_url)
    async with Session(Settings(), Local(f"redis://:hunter2@127.0.0.1:{free_port()}/0", database_url)) as session:
        found = await examine([
            ("redis", lambda: servers.redis(session.links)), ("postgres", lambda: servers.postgres(session.links)),
        ])  # fmt: skip
    assert verdicts(found.diagnoses)[0] == ("redis", "fail")
    assert verdicts(found.diagnoses)[1:] == [("postgres", "ok"), ("clock", "ok"), ("schema", "ok")]
    assert not found.ok
    assert "hunter2" not in texts(found.diagnoses)


async def test_a_check_that_hangs_or_breaks_is_told() -> None:
    import asyncio

    async def hang() -> tuple[()]:
        await asyncio.Event().wait()
        return ()

    async def broken() -> tuple[()]:
        raise RuntimeError("token=hunter2")

    found = await examine([("a", hang), ("b", broken)], timeout_s=0.05)
    assert TIMEOUT_S < 60
    assert verdicts(found.diagnoses) == [("a", "fail"), ("b", "fail")]
    assert "hunter2" not in texts(found.diagnoses)


@pytest.mark.parametrize(
    ("server", "verdict"), [("Redis 6.2.0", "ok"), ("Redis 6.0.16", "fail"), ("Valkey 8.1.4", "ok"), ("", "ok")]
)
def test_versions_of_redis(server: str, verdict: str) -> None:
    assert servers.redis_version(server).verdict == verdict


@pytest.mark.parametrize(("version", "verdict"), [("13.0", "ok"), ("12.22", "fail"), ("18.6", "ok"), ("", "fail")])
def test_versions_of_postgres(version: str, verdict: str) -> None:
    assert servers.postgres_version(version).verdict == verdict


@pytest.mark.parametrize(
    ("theirs", "grain", "verdict", "text"),
    [
        (100.0, 0.0, "ok", "agrees"),
        (101.5, 0.0, "ok", "agrees"),
        (104.0, 0.0, "warn", "behind that of X"),
        (96.0, 0.0, "warn", "ahead of that of X"),
        (30.0, 0.0, "fail", "ahead of"),
        (200.0, 0.0, "fail", "behind"),
        (97.5, 1.0, "ok", "agrees"),
    ],
)
def test_clocks(theirs: float, grain: float, verdict: str, text: str) -> None:
    found = servers.clock("X", theirs, 99.5, 100.5, grain_s=grain)
    assert (found.verdict, text in found.text) == (verdict, True), found
