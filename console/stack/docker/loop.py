"""Owns the one thread on which everything that streams from the engine runs: logs, statistics, events, relays.

It has an event loop of its own, so a busy screen never holds up a stream and a flood of lines never holds up a key.
Other loops reach it by `call`; blocking calls of the Docker SDK go to `blocking`, one client a thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from console.errors import UnreachableError

T = TypeVar("T")

CLOSE_S = 5.0


class StreamLoop:
    """An event loop on a daemon thread, started by the first use and ended by `close`."""

    def __init__(self, name: str = "docker", workers: int = 4) -> None:
        self._name = name
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=name)
        self._guard = threading.Lock()
        self._closed = False
        self._thread: threading.Thread | None = None
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    async def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the stream loop and wait for it here; cancelling the wait cancels the work.

        Raises:
            UnreachableError: after `close`.
        """
        try:
            loop = self._started()
        except UnreachableError:
            work.close()
            raise
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))

    async def blocking(self, function: Callable[..., T], *args: Any) -> T:
        """Run a blocking call on a worker thread. It cannot be cancelled: it needs a time limit of its own.

        Raises:
            UnreachableError: after `close`.
        """
        if self._closed:
            raise _let_go()
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *args)

    async def close(self) -> None:
        """Cancel everything that runs there and end the threads. Safe to call twice."""
        with self._guard:
            self._closed = True
            running, thread = self._running, self._thread
            self._running = self._thread = None
        self._pool.shutdown(wait=False, cancel_futures=True)
        if running is None or thread is None:
            return
        loop, stop = running
        loop.call_soon_threadsafe(stop.set)
        await asyncio.get_running_loop().run_in_executor(None, thread.join, CLOSE_S)

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._guard:
            if self._closed:
                raise _let_go()
            if self._running is None:
                ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
                self._thread = threading.Thread(
                    target=lambda: asyncio.run(_serve(ready)), name=f"{self._name}-streams", daemon=True
                )
                self._thread.start()
                self._running = ready.result(CLOSE_S)
            return self._running[0]


async def _serve(ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    """Keep the loop going until told to stop; asyncio.run then cancels what is left."""
    stop = asyncio.Event()
    ready.set_result((asyncio.get_running_loop(), stop))
    await stop.wait()


def _let_go() -> UnreachableError:
    return UnreachableError("The console has let go of the engine.", "Start it again.")
