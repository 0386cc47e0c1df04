"""Owns moving bytes between two pairs of streams, and listeners whose connections all end with them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

READ_BYTES = 64 * 1024

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Listener:
    """Runs a handler for each connection; closing ends the handlers and the connections, begun or not.

    Args:
        handler: returns when its connection is over, which is then closed.
    """

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, port: int = 0) -> int:
        """Listen on loopback; the port, a free one for 0."""
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", port)
        found: int = self._server.sockets[0].getsockname()[1]
        return found

    async def listen_at(self, path: str) -> None:
        """Listen on a Unix socket."""
        self._server = await asyncio.start_unix_server(self._accepted, path)

    async def close(self) -> None:
        """No more connections, and none of those there are."""
        server, self._server = self._server, None
        if server is not None:
            # A connection accepted in this turn of the loop gets its transport in the next; if the server has gone by
            # then, it is dropped without being closed.
            for listening in server.sockets:
                asyncio.get_running_loop().remove_reader(listening.fileno())
            for _ in range(3):
                await asyncio.sleep(0)
            server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:
            writer.transport.abort()
            return
        task: asyncio.Task[None] = asyncio.ensure_future(self._handle(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # A task that is cancelled before its first step runs none of its own clean-up.
        task.add_done_callback(lambda _: writer.close())

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._handler(reader, writer)


async def copy(
    near_in: asyncio.StreamReader,
    near_out: asyncio.StreamWriter,
    far_in: asyncio.StreamReader,
    far_out: asyncio.StreamWriter,
) -> None:
    """Near to far and far to near, until the far side has ended. The caller closes both."""
    forward = asyncio.ensure_future(one_way(near_in, far_out))
    try:
        await one_way(far_in, near_out)
    finally:
        forward.cancel()
        await asyncio.gather(forward, return_exceptions=True)


async def one_way(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Until the source ends or either side breaks; then the sink is told that no more comes."""
    with contextlib.suppress(OSError):
        while piece := await source.read(READ_BYTES):
            sink.write(piece)
            await sink.drain()
    with contextlib.suppress(OSError, NotImplementedError, RuntimeError):
        if sink.can_write_eof():
            sink.write_eof()
