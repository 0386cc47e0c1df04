"""Ways to the engine that a test can cut: a Unix socket or a TCP port that leads to the engine's own socket."""

from __future__ import annotations

import asyncio
from pathlib import Path

from console.stack.docker.pump import Listener, copy

ENGINE = "/var/run/docker.sock"


class Proxy:
    """A Unix socket that leads to the engine's until it is cut."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._listener = Listener(link)

    @property
    def url(self) -> str:
        """What DOCKER_HOST is set to."""
        return f"unix://{self.path}"

    async def open(self) -> None:
        """Lead to the engine."""
        await self._listener.listen_at(str(self.path))

    async def cut(self) -> None:
        """Vanish, in the middle of everything."""
        await self._listener.close()
        self.path.unlink(missing_ok=True)


async def link(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Carry one connection."""
    far_reader, far_writer = await asyncio.open_unix_connection(ENGINE)
    try:
        await copy(reader, writer, far_reader, far_writer)
    finally:
        far_writer.transport.abort()
