"""Owns moving bytes between two pairs of streams, with an end of input passed on in each direction."""

from __future__ import annotations

import asyncio
import contextlib

READ_BYTES = 64 * 1024


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
