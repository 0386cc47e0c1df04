"""A bare client of the Graph API's stand-in: what it allows, with nothing done with its answers."""

from __future__ import annotations

import asyncio
import re
import time
from urllib.parse import urlsplit

from api.graph.client import FIELDS, MAX_IDS

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


def leads_per_second(url: str, leads: int, at_once: int) -> float:
    """Ask for so many leads, 50 a call, over `at_once` connections that each ask again as soon as they are answered."""
    return asyncio.run(_leads_per_second(url, leads, at_once))


async def _leads_per_second(url: str, leads: int, at_once: int) -> float:
    parts = urlsplit(url)
    streams = [await asyncio.open_connection(parts.hostname, parts.port) for _ in range(at_once)]
    left = list(range(0, leads, MAX_IDS))

    async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while left:
            first = left.pop()
            ids = ",".join(str(800_000_000_000_000 + n) for n in range(first, min(first + MAX_IDS, leads)))
            writer.write(f"GET /v25.0/?ids={ids}&fields={FIELDS} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
            found = _LENGTH.search(await reader.readuntil(b"\r\n\r\n"))
            assert found
            await reader.readexactly(int(found.group(1)))

    try:
        began = time.perf_counter()
        await asyncio.gather(*(ask(*stream) for stream in streams))
        return leads / (time.perf_counter() - began)
    finally:
        for _, writer in streams:
            writer.close()
