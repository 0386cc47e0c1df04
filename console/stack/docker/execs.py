"""Owns programs run in a container through the engine: begun with their streams open, and what they write.

Source: https://docs.docker.com/reference/api/engine/ (exec).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from console.errors import StackError
from console.stack.docker import wire
from console.stack.docker.address import Address, describe
from console.stack.docker.frames import HEADER

SAID_BYTES = 64 * 1024


async def begin(address: Address, container: str, command: Sequence[str]) -> wire.Stream:
    """Run a program; what is written to the stream goes to its standard input.

    Raises:
        UnreachableError: the engine went away. NoSuchThingError, ConflictError, StackError: it refused.
    """
    made = await wire.post(
        address,
        f"/containers/{wire.part(container)}/exec",
        {"AttachStdin": True, "AttachStdout": True, "AttachStderr": True, "Tty": False, "Cmd": list(command)},
    )
    return await wire.upgrade(
        address, f"/exec/{wire.part(str(made.get('Id', '')))}/start", {"Detach": False, "Tty": False}
    )


async def said(address: Address, container: str, command: Sequence[str], limit_s: float) -> str:
    """What a program writes to its standard output, at most SAID_BYTES of it; "" where it is not in the container.

    Raises:
        UnreachableError: the engine went away. StackError: it refused, or the program did not end in time.
    """
    stream = await begin(address, container, command)
    found = b""
    try:
        async with asyncio.timeout(limit_s):
            async for data in output(stream):
                found += data
                if len(found) >= SAID_BYTES:
                    break
    except (OSError, ValueError, TimeoutError) as error:
        raise StackError(f"{command[0]} in {container[:12]} told nothing: {describe(error)}") from None
    finally:
        stream.close()
    return found[:SAID_BYTES].decode("utf-8", "replace")


async def output(stream: wire.Stream) -> AsyncIterator[bytes]:
    """What the program wrote to its standard output, out of the engine's frames (see `frames`)."""
    rest = b""
    async for piece in stream.body():
        rest = rest + piece if rest else piece
        at, taken = 0, []
        while len(rest) - at >= HEADER:
            stop = at + HEADER + int.from_bytes(rest[at + 4 : at + HEADER], "big")
            if stop > len(rest):
                break
            if rest[at] == 1:
                taken.append(rest[at + HEADER : stop])
            at = stop
        rest = rest[at:]
        if taken:
            yield b"".join(taken)
