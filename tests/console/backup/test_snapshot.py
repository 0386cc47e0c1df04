"""A snapshot of Redis over the wire: both ways in which a server sends one, and what it refuses."""

from __future__ import annotations

import asyncio
import os

import pytest
import redis.asyncio

from console.backup.snapshot import snapshot
from console.errors import UnreachableError


@pytest.mark.parametrize("diskless", ["yes", "no"])
async def test_the_whole_file_comes(redis_url: str, diskless: str) -> None:
    async with redis.asyncio.Redis.from_url(redis_url) as client:
        before = await client.config_get("repl-diskless-sync*")
        await client.config_set("repl-diskless-sync", diskless)
        await client.config_set("repl-diskless-sync-delay", "0")
        await client.set("snapshot-test", os.urandom(3_000_000))
        try:
            content = b"".join([chunk async for chunk in snapshot(redis_url)])
            replicas = (await client.info("replication"))["connected_slaves"]
        finally:
            for name, value in before.items():
                await client.config_set(str(name), str(value))
            await client.delete("snapshot-test")
    assert content.startswith((b"REDIS0", b"VALKEY0"))
    assert content[-9] == 0xFF
    assert len(content) > 3_000_000
    assert replicas in (0, 1)


async def test_nobody_there_is_said() -> None:
    with pytest.raises(UnreachableError, match="Redis cannot be read"):
        _ = [chunk async for chunk in snapshot("redis://127.0.0.1:1/0")]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (b"-NOAUTH Authentication required.\r\n", "Redis refuses a snapshot: NOAUTH"),
        (b"-ERR unknown command 'SYNC'\r\n", "unknown command"),
        (b"$1000\r\nREDIS", "broke off"),
        (b"$EOF:" + b"m" * 40 + b"\r\nREDIS0011 and no mark", "broke off"),
        (b"$EOF:short\r\n", "broke off"),
        (b"$many\r\n", "broke off"),
        (b"", "broke off"),
    ],
)
async def test_a_server_that_refuses_or_breaks_off_is_said(answer: bytes, says: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"SYNC\r\n")
        writer.write(b"\n\n" + answer if answer else b"")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(UnreachableError, match=says):
            _ = [chunk async for chunk in snapshot(f"redis://127.0.0.1:{port}/0")]


async def test_the_mark_is_found_wherever_the_pieces_end() -> None:
    mark, content = b"0123456789" * 4, b"REDIS0011" + os.urandom(1_000)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert (await reader.readuntil(b"SYNC\r\n")).endswith(b"SYNC\r\n")
        writer.write(b"\n$EOF:" + mark + b"\r\n")
        for start in range(0, len(content + mark), 7):
            writer.write((content + mark)[start : start + 7])
            await writer.drain()
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert b"".join([chunk async for chunk in snapshot(f"redis://127.0.0.1:{port}/0")]) == content
