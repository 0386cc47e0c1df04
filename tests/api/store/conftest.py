"""A migrated database, with a writer and a reader on it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from api.store import Reader, Writer, migrate


@pytest.fixture
async def store_url(database_url: str) -> str:
    """URL of a database with the schema."""
    await migrate(database_url)
    return database_url


@pytest.fixture
async def writer(store_url: str) -> AsyncIterator[Writer]:
    """A writer on it."""
    made = Writer(store_url)
    yield made
    await made.close()


@pytest.fixture
async def reader(store_url: str) -> AsyncIterator[Reader]:
    """A reader on it."""
    made = Reader(store_url)
    yield made
    await made.close()
