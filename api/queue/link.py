"""Owns the connection of Consumer, Inspector and Operator to Redis: redis-py, with one kind of error and a deadline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError, ResponseError

from api.errors import QueueUnavailableError
from api.queue import lua
from api.queue.codec import clip
from api.queue.keys import Keys

Word = str | bytes | int | float


class NoGroupError(QueueUnavailableError):
    """The stream or its group is not there (yet, or any more)."""


class Link:
    """Commands and scripts on one namespace. Everything raises QueueUnavailableError when Redis does not do its part.

    No command is repeated by itself, because a lost answer does not mean that nothing was done; `attempts` above 1 is
    for those who only read.
    """

    def __init__(self, redis_url: str, namespace: str, *, timeout_s: float = 2.0, attempts: int = 1) -> None:
        self.keys = Keys(namespace)
        self._timeout_s = timeout_s
        self._client: Any = Redis.from_url(
            redis_url,
            protocol=2,
            encoding_errors="replace",
            socket_timeout=None,
            socket_connect_timeout=timeout_s,
            max_connections=1_000,
            retry=Retry(NoBackoff(), attempts - 1),
        )
        # Answers as Redis gives them, whatever this version of redis-py makes of each command's.
        self._client.response_callbacks.clear()

    async def call(self, *words: Word, wait_s: float = 0.0) -> Any:
        """One command. `wait_s` is how long it may block by itself, on top of the time any answer may take."""
        async with self._guarded(wait_s):
            return await self._client.execute_command(*words)

    async def run(self, name: str, *args: Word) -> Any:
        """One script with its keys.

        Raises:
            NoGroupError: it needs the group, and that is not there.
        """
        script = lua.load(name)
        keys = self.keys.all_of(script.keys)
        async with self._guarded():
            try:
                return await self._client.execute_command("EVALSHA", script.sha, len(keys), *keys, *args)
            except NoScriptError:
                return await self._client.execute_command("EVAL", script.text, len(keys), *keys, *args)

    async def run_with(self, name: str, args: Sequence[Word], commands: Sequence[tuple[Word, ...]]) -> list[Any]:
        """A script and plain commands in one round trip: the script's answer first, then the commands' answers.

        A command that Redis refuses (managed servers do) has the exception as its answer.
        """
        script = lua.load(name)
        keys = self.keys.all_of(script.keys)
        async with self._guarded():
            answers = await self._pipelined([("EVALSHA", script.sha, len(keys), *keys, *args), *commands])
            if isinstance(answers[0], NoScriptError):
                answers = await self._pipelined([("EVAL", script.text, len(keys), *keys, *args), *commands])
            if isinstance(answers[0], Exception):
                raise answers[0]
            return answers

    async def close(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def _pipelined(self, commands: Sequence[tuple[Word, ...]]) -> list[Any]:
        async with self._client.pipeline(transaction=False) as pipe:
            for words in commands:
                pipe.execute_command(*words)
            answers: list[Any] = await pipe.execute(raise_on_error=False)
            return answers

    @asynccontextmanager
    async def _guarded(self, wait_s: float = 0.0) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout_s + wait_s):
                yield
        except TimeoutError as error:
            raise QueueUnavailableError(f"Redis has not answered within {self._timeout_s:g} s") from error
        except ResponseError as error:
            if "NOGROUP" in str(error):
                raise NoGroupError(str(error)) from error
            raise QueueUnavailableError(f"Redis refused: {clip(str(error), 200)}") from error
        except (RedisError, OSError) as error:
            raise QueueUnavailableError(f"Redis does not answer: {clip(str(error), 200)}") from error


class Linked:
    """A part of the queue that owns one link: an async context manager that closes it."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def close(self) -> None:
        """Close the connections."""
        await self._link.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
