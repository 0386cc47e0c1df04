"""Owns the connections to Redis and Postgres: made when first needed, replaced when the runtime moves an endpoint."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from api.errors import QueueUnavailableError, StoreUnavailableError, UnavailableError
from console.errors import UnreachableError
from console.snapshots import Endpoints

if TYPE_CHECKING:
    from api.queue import Backlog, Inspector, Operator, Publisher
    from api.store import Reader

T = TypeVar("T")


class Closable(Protocol):
    """What a link holds."""

    async def close(self) -> None:
        """Give the connections back."""
        ...


C = TypeVar("C", bound=Closable)


class Link(Generic[C]):
    """One client of one endpoint; another URL gets another client."""

    def __init__(self, make: Callable[[str], C]) -> None:
        self._make = make
        self._url = ""
        self._client: C | None = None

    async def at(self, url: str) -> C:
        """The client for that URL. Whoever still uses one for an older URL sees it fail and asks again."""
        old, self._client = (self._client, None) if url != self._url else (None, self._client)
        if self._client is None:
            self._client, self._url = self._make(url), url
        client = self._client
        if old is not None:
            await old.close()
        return client

    async def close(self) -> None:
        """Close the client, if there is one."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()


class Links:
    """Runs functions on the queue and on the store, wherever these are now.

    Args:
        resolve: asks the runtime for its endpoints; may take a while, raises UnreachableError.
        redis_url: given by the operator; "" to go by `resolve`. `database_url` likewise.
        inspector: makes a queue reader for a URL. `operator`, `reader`, `backlog`, `publisher` likewise.
    """

    def __init__(
        self,
        resolve: Callable[[], Awaitable[Endpoints]],
        *,
        redis_url: str,
        database_url: str,
        inspector: Callable[[str], Inspector],
        operator: Callable[[str], Operator],
        reader: Callable[[str], Reader],
        backlog: Callable[[str], Backlog],
        publisher: Callable[[str], Publisher],
    ) -> None:
        self._resolve = resolve
        self._given = (redis_url, database_url)
        self._inspector = Link(inspector)
        self._operator = Link(operator)
        self._reader = Link(reader)
        self._backlog = Link(backlog)
        self._publisher = Link(publisher)
        self._known: Endpoints | None = None
        self._resolving = asyncio.Lock()

    async def inspect(self, use: Callable[[Inspector], Awaitable[T]]) -> T:
        """Run on the queue's reader. UnreachableError when Redis does not answer."""
        return await self._on(self._inspector, self._redis_url, use, QueueUnavailableError)

    async def operate(self, use: Callable[[Operator], Awaitable[T]]) -> T:
        """Run on the queue's operator verbs. UnreachableError when Redis does not answer."""
        return await self._on(self._operator, self._redis_url, use, QueueUnavailableError)

    async def backlog(self, use: Callable[[Backlog], Awaitable[T]]) -> T:
        """Run on what a backfill needs of the queue. UnreachableError when Redis does not answer."""
        return await self._on(self._backlog, self._redis_url, use, QueueUnavailableError)

    async def publish(self, use: Callable[[Publisher], Awaitable[T]]) -> T:
        """Run on the queue's entrance. UnreachableError when Redis does not answer, or takes no jobs."""
        return await self._on(self._publisher, self._redis_url, use, QueueUnavailableError)

    async def read(self, use: Callable[[Reader], Awaitable[T]]) -> T:
        """Run on the store. UnreachableError when Postgres does not answer."""
        return await self._on(self._reader, self._database_url, use, StoreUnavailableError)

    async def endpoints(self) -> Endpoints:
        """Where everything is, as far as known; asks the runtime the first time. UnreachableError from the runtime."""
        async with self._resolving:
            if self._known is None:
                self._known = await self._resolve()
            return self._known

    async def redis_url(self) -> str:
        """Where the queue is; it carries a password. UnreachableError from the runtime."""
        return await self._redis_url()

    def forget(self) -> None:
        """The stack was changed: ask the runtime again before the next use."""
        self._known = None

    async def close(self) -> None:
        """Close every connection."""
        for link in (self._inspector, self._operator, self._reader, self._backlog, self._publisher):
            await link.close()

    async def _redis_url(self) -> str:
        return self._given[0] or (await self.endpoints()).redis_url

    async def _database_url(self) -> str:
        return self._given[1] or (await self.endpoints()).database_url

    async def _on(
        self,
        link: Link[C],
        where: Callable[[], Awaitable[str]],
        use: Callable[[C], Awaitable[T]],
        gone: type[UnavailableError],
    ) -> T:
        """Use the client; if it does not answer, ask where it is now, and try again only if it has moved."""
        url = await where()
        known = self._known
        try:
            return await use(await link.at(url))
        except gone as error:
            if self._known is known:
                self.forget()
            moved = await where()
            if moved == url:
                raise _unreachable(error) from error
        try:
            return await use(await link.at(moved))
        except gone as error:
            raise _unreachable(error) from error


def _unreachable(error: UnavailableError) -> UnreachableError:
    service = "redis" if isinstance(error, QueueUnavailableError) else "db"
    return UnreachableError(str(error), f"the command ps shows whether {service} runs, logs {service} why not")
