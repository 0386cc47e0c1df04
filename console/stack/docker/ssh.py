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
from console.stack.docker.pump import Listener, copy

END_S = 1.0
ARGUMENTS = ("-o", "ConnectTimeout=10", "-o", "BatchMode=yes", "-T")


class SshBridge:
    """Listens on a Unix socket in a folder of its own; `address` is what to connect to instead of the ssh URL."""

    def __init__(self, address: Address) -> None:
        self._target = address
        self._folder = Path(tempfile.mkdtemp(prefix="leadsctl-ssh-"))
        self.address = Address(address.url, socket=str(self._folder / "docker.sock"), host=address.host)
        self._listener = Listener(self._link)

    async def open(self) -> Address:
        """Begin to listen."""
        await self._listener.listen_at(self.address.socket)
        return self.address

    async def close(self) -> None:
        """End every connection, and remove the socket."""
        await self._listener.close()
        shutil.rmtree(self._folder, ignore_errors=True)

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
            return
        if process.stdin is None or process.stdout is None:
            return
        try:
            await copy(reader, writer, process.stdout, process.stdin)
        finally:
            await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask it to end, and end it if it does not."""
    for stop in (process.terminate, process.kill):
        with contextlib.suppress(ProcessLookupError):
            stop()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), END_S)
            return


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
