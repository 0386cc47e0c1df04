"""A few Postgres connections that are opened when needed and replaced when lost, and Postgres' errors in our words.

psycopg_pool is not used on purpose: it reconnects on its own schedule, growing to minutes, and hands out connections
that died in its hands. Here the caller's next try is the reconnect, and a connection found dead is replaced at once.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, LiteralString, TypeVar

import psycopg
from psycopg import sql

from api.errors import PayloadError, ServiceError, StoreUnavailableError

T = TypeVar("T")
Connection = psycopg.AsyncConnection[Any]

DATA_CLASSES = ("22", "23", "54")
"""SQLSTATE classes that mean the values are at fault (data exception, integrity, a limit of the program)."""

_CANCEL_GRACE_S = 2.0
_UNREADABLE_URL = "the database's URL is not valid: % and blanks in its parts are to be written as %25 and %20"


class Connections:
    """At most `size` connections in autocommit mode. Bound to one event loop."""

    def __init__(self, url: str, *, size: int, timeout_s: float, application: str) -> None:
        """Args:
        url: postgresql:// URL; it carries a password and is never shown.
        size: how many may be open at once; more callers wait.
        timeout_s: limit of connecting, and of one statement on the server.
        application: shown in pg_stat_activity.
        """
        self._url = url
        self._timeout_s = timeout_s
        self._application = application
        self._slots = asyncio.Semaphore(size)
        self._idle: list[Connection] = []
        self._closed = False

    async def run(self, work: Callable[[Connection], Awaitable[T]], *, timeout_s: float | None = None) -> T:
        """Run `work` on a connection. It must bear to be run twice: once more if an idle connection turns out dead.

        Args:
            work: what to do; several statements that belong together open a transaction themselves.
            timeout_s: limit of a statement where it differs from the usual one.

        Raises:
            StoreUnavailableError: no connection, or it was lost, or Postgres refused or took too long.
            PayloadError: Postgres refused the values.
        """
        limit = timeout_s or self._timeout_s
        async with self._slots:
            while True:
                connection, fresh = await self._take()
                try:
                    async with asyncio.timeout(limit + _CANCEL_GRACE_S):
                        result = await self._work(connection, work, timeout_s)
                except psycopg.Error as error:
                    lost = connection.broken or connection.closed
                    await self._give(connection, keep=not lost)
                    if lost and not fresh:
                        await self._drop_idle()
                        continue
                    raise translate(error) from error
                except TimeoutError as error:
                    await self._give(connection, keep=False)
                    raise StoreUnavailableError(f"Postgres did not answer within {limit:g} s") from error
                except BaseException:
                    await self._give(connection, keep=False)
                    raise
                await self._give(connection, keep=True)
                return result

    async def open(self) -> Connection:
        """A new connection that belongs to the caller. StoreUnavailableError if there is none to be had."""
        try:
            async with asyncio.timeout(self._timeout_s + _CANCEL_GRACE_S):
                connection = await psycopg.AsyncConnection.connect(
                    self._url,
                    autocommit=True,
                    connect_timeout=max(2, int(self._timeout_s)),
                    application_name=self._application,
                    keepalives_idle=20,
                    keepalives_interval=5,
                    keepalives_count=3,
                    tcp_user_timeout=20_000,
                )
                await connection.execute(_set_limit(self._timeout_s))
        except psycopg.ProgrammingError as error:
            if error.sqlstate:
                raise translate(error) from error
            # Its text quotes what could not be read: the password, most often.
            raise StoreUnavailableError(_UNREADABLE_URL) from None
        except psycopg.Error as error:
            raise translate(error) from error
        except TimeoutError as error:
            raise StoreUnavailableError("Postgres did not answer in time to connect") from error
        return connection

    async def close(self) -> None:
        """Close what is idle now, and what is in use when it is given back."""
        self._closed = True
        await self._drop_idle()

    async def _work(
        self, connection: Connection, work: Callable[[Connection], Awaitable[T]], timeout_s: float | None
    ) -> T:
        if timeout_s is None:
            return await work(connection)
        await connection.execute(_set_limit(timeout_s))
        try:
            return await work(connection)
        finally:
            with contextlib.suppress(psycopg.Error):
                await connection.execute(_set_limit(self._timeout_s))

    async def _take(self) -> tuple[Connection, bool]:
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed:
                return connection, False
        return await self.open(), True

    async def _give(self, connection: Connection, *, keep: bool) -> None:
        idle = psycopg.pq.TransactionStatus.IDLE
        if keep and not self._closed and not connection.closed and connection.info.transaction_status == idle:
            self._idle.append(connection)
            return
        with contextlib.suppress(psycopg.Error):
            await connection.close()

    async def _drop_idle(self) -> None:
        idle, self._idle = self._idle, []
        for connection in idle:
            with contextlib.suppress(psycopg.Error):
                await connection.close()


def translate(error: psycopg.Error) -> ServiceError:
    """The service's error for one of psycopg's. Its text never quotes a row: Postgres' own may hold personal data."""
    state = error.sqlstate or ""
    if state[:2] in DATA_CLASSES:
        return PayloadError(f"Postgres refuses the values: {_reason(error)} ({state})")
    if state == "57014":
        return StoreUnavailableError("Postgres took too long and the statement was cancelled")
    if state in ("42P01", "42703"):
        return StoreUnavailableError(
            "the database lacks tables or columns this version needs: run python -m api migrate"
        )
    if state:
        return StoreUnavailableError(f"Postgres refuses: {_reason(error)} ({state})")
    return StoreUnavailableError(f"Postgres does not answer: {_first_line(error)}")


def _reason(error: psycopg.Error) -> str:
    """The condition's name ("UniqueViolation" → "unique violation"): the message itself may quote values."""
    name = type(error).__name__
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name).strip()
    constraint = error.diag.constraint_name
    return f"{words} of {constraint}" if constraint else words


def _first_line(error: psycopg.Error) -> str:
    """Where there is no SQLSTATE the text is libpq's: addresses and reasons, no password, no row."""
    lines = [part.strip() for part in str(error).splitlines() if part.strip()]
    return (lines[0] if lines else type(error).__name__)[:200]


def _set_limit(seconds: float) -> sql.Composed:
    return sql.SQL("SET statement_timeout = {}").format(sql.Literal(int(seconds * 1000)))


async def rows(connection: Connection, query: LiteralString, parameters: Any = None) -> list[tuple[Any, ...]]:
    """All rows of a query."""
    return await (await connection.execute(query, parameters)).fetchall()
