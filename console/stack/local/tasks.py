"""Small tools of asyncio that leave nothing running behind: a thread, several at once, steps as a stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

from console.errors import ConsoleError, StackError
from console.snapshots import Progress

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """`work` in a thread. A cancelled caller waits for it to end, so that nothing goes on behind its back."""
    return await to_its_end(asyncio.to_thread(work, *args, **kwargs))


async def to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives. A cancelled caller waits for its end."""
    running = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


async def together(work: Iterable[Coroutine[Any, Any, None]]) -> None:
    """All at once; each is let end, then the first error is raised."""
    for outcome in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome


async def steps(
    work: Callable[[Callable[[Progress], None]], Awaitable[None]], what: str
) -> AsyncGenerator[Progress, None]:
    """What `work` emits, as it does so. Closing the stream cancels the work and waits for it.

    Raises:
        StackError: `work` met an OSError while doing `what`.
        ConsoleError: as `work` raised it.
    """
    queue: asyncio.Queue[Progress | None] = asyncio.Queue()

    async def whole() -> None:
        try:
            await work(queue.put_nowait)
        finally:
            queue.put_nowait(None)

    running = asyncio.ensure_future(whole())
    try:
        while (step := await queue.get()) is not None:
            yield step
        await running
    except ConsoleError:
        raise
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        raise StackError(f"{what} failed: {error.strerror or error}{where}") from error
    finally:
        if not running.done():
            running.cancel()
            with suppress(asyncio.CancelledError, ConsoleError, OSError):
                await running
