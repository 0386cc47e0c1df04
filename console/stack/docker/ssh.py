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
KEPT = 4_096
LINE = 200
ARGUMENTS = ("-o", "ConnectTimeout=10", "-o", "BatchMode=yes", "-T")


class SshBridge:
    """Listens on a Unix socket in a folder of its own; `address` is what to connect to instead of the ssh URL."""

    def __init__(self, address: Address) -> None:
        self._target = address
        self._folder = Path(tempfile.mkdtemp(prefix="leadsctl-ssh-"))
        self.address = Address(address.url, socket=str(self._folder / "docker.sock"), host=address.host)
        self._listener = Listener(self._link)
        self._complaint = ""

    async def open(self) -> Address:
        """Begin to listen."""
        await self._listener.listen_at(self.address.socket)
        return self.address

    async def close(self) -> None:
        """End every connection, and remove the socket."""
        await self._listener.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def reason(self) -> str:
        """What the last ssh that failed said, "" if nothing. Its stream ends before the program does: wait a moment."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_S):
                while not self._complaint:  # noqa: ASYNC110 - a link may end without having said anything
                    await asyncio.sleep(0.02)
        said, self._complaint = self._complaint, ""
        return said.rstrip(".")

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            process = await asyncio.create_subprocess_exec(
                "ssh",
                *ssh_arguments(self._target),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
            )
        except OSError:
            return
        if process.stdin is None or process.stdout is None:
            return
        complaining = asyncio.ensure_future(last_line(process.stderr))
        try:
            await copy(reader, writer, process.stdout, process.stdin)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), END_S)
            self._complaint = await complaining if process.returncode else ""
        finally:
            complaining.cancel()
            await _end(process)


async def last_line(stream: asyncio.StreamReader | None) -> str:
    """The last line that says something, bounded, once the stream has ended."""
    kept = b""
    while stream is not None and (piece := await stream.read(KEPT)):
        kept = (kept + piece)[-KEPT:]
    lines = [line.strip() for line in kept.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1][:LINE] if lines else ""


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
