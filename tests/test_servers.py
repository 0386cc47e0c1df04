"""The test servers themselves: they answer, and keep their data over a kill."""

from __future__ import annotations

from pathlib import Path

import psycopg
import redis

from tests.servers import PostgresServer, RedisServer


def test_redis_is_durable(server_folder: Path) -> None:
    server = RedisServer(server_folder / "durable").start()
    try:
        with redis.Redis.from_url(server.url) as client:
            client.set("k", "v")
        server.kill()
        server.start()
        with redis.Redis.from_url(server.url) as client:
            assert client.get("k") == b"v"
    finally:
        server.stop()


def test_each_test_has_an_empty_database(database_url: str, postgres_server: PostgresServer) -> None:
    with psycopg.connect(database_url) as connection:
        row = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert row == (0,)
