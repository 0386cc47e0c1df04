"""A Postgres of its own for a benchmark, with the tables that `python -m api migrate` makes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests import servers
from tests.bench.processes import python, run


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[servers.PostgresServer]:
    """A running server; gone afterwards."""
    server = servers.PostgresServer(folder / "postgres").start()
    try:
        yield server
    finally:
        server.stop()


def migrated(server: servers.PostgresServer, name: str) -> str:
    """URL of a new database with our tables."""
    url = server.create(name)
    run(python("-m", "api", "migrate"), {"DATABASE_URL": url}, "python -m api migrate")
    return url
