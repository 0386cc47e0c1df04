"""The test servers themselves: they answer, and keep their data over a kill."""

from __future__ import annotations

import threading
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from tests.servers import PostgresServer, RedisServer, free_port, share


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


def test_postgres_starts_again_though_a_process_of_its_is_slow_to_see_that_it_was_killed(server_folder: Path) -> None:
    """The new one found the shared memory of the old one in use, and gave up."""
    server = PostgresServer(server_folder / "slow").start()
    try:
        assert server.process is not None
        slow = psutil.Process(server.process.pid).children()[0]
        slow.suspend()
        resuming = threading.Timer(0.5, slow.resume)
        resuming.start()
        server.kill()
        server.start()
        resuming.join()
    finally:
        server.stop()


def test_a_port_is_given_once() -> None:
    ports = [free_port() for _ in range(200)]
    assert len(set(ports)) == 200
    assert all(10_000 <= port < 20_000 for port in ports)


def test_workers_of_one_run_share_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "3")
    shares = []
    for number in range(3):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", f"gw{number}")
        shares.append(set(share(10, 40)))
    assert [len(each) for each in shares] == [10] * 3
    assert len(set.union(*shares)) == 30
