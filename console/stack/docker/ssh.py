"""Owns the way to an engine on an ssh host: a private Unix socket here, for each connection an ssh to the engine.

`docker system dial-stdio` on the far side is what the docker command itself uses for ssh:// addresses.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from pathlib import Path

from console.stack.docker.address import Address
from console.stack.docker.pump import copy

ARGUMENTS = ("-o", "ConnectTimeout=10", "-o", "BatchMode=yes", "-T")


class SshBridge:
    """Listens on a Unix socket in a folder of its own; `address` is what to connect to instead of the ssh URL."""

    def __init__(self, address: Address) -> None:
        self._target = address
        self._folder = Path(tempfile.mkdtemp(prefix="leadsctl-ssh-"))
        self.address = Address(address.url, socket=str(self._folder / "docker.sock"), host=address.host)
        self._server: asyncio.Server | None = None
        self._links: set[asyncio.Task[None]] = set()

    async def open(self) -> Address:
        """Begin to listen."""
        self._server = await asyncio.start_unix_server(self._accepted, self.address.socket)
        return self.address

    async def close(self) -> None:
        """End every connection, and remove the socket."""
        if self._server is not None:
            self._server.close()
        for link in self._links:
            link.cancel()
        await asyncio.gather(*self._links, return_exceptions=True)
        shutil.rmtree(self._folder, ignore_errors=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        link = asyncio.ensure_future(self._link(reader, writer))
        self._links.add(link)
        link.add_done_callback(self._links.discard)

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            process = await asyncio.create_subprocess_exec(
                "ssh",
                *ssh_arguments(self._target),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError:
            writer.transport.abort()
            return
        if process.stdin is None or process.stdout is None:
            return
        try:
            await copy(reader, writer, process.stdout, process.stdin)
        finally:
            writer.transport.abort()
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


def ssh_arguments(address: Address) -> list[str]:
    """The words after `ssh` that reach the engine of an ssh:// address."""
    from urllib.parse import urlsplit

    parts = urlsplit(address.url)
    words = list(ARGUMENTS)
    if parts.username:
        words += ["-l", parts.username]
    if address.port:
        words += ["-p", str(address.port)]
    return [*words, "--", address.host, "docker", "system", "dial-stdio"]
