"""Brings the schema up to date: numbered SQL files, run in order, once each, under an advisory lock."""

from __future__ import annotations


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
    raise NotImplementedError
