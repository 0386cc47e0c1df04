"""Asks each service whether it really serves. Every probe returns "" when it does, else one line saying why not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

TIMEOUT_S = 3.0


async def postgres(pg_isready: Path, port: int) -> str:
    """pg_isready's verdict: it needs no password and leaves no line in the log."""
    try:
        process = await asyncio.create_subprocess_exec(
            str(pg_isready), "-q", "-t", "2", "-h", "127.0.0.1", "-p", str(port),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    except OSError as error:
        return f"pg_isready cannot be run: {error.strerror}"
    try:
        async with asyncio.timeout(TIMEOUT_S):
            code = await process.wait()
    except BaseException as error:
        process.kill()
        await process.wait()
        if isinstance(error, TimeoutError):
            return "Postgres does not answer"
        raise
    return {0: "", 1: "Postgres is starting or stopping"}.get(code, "Postgres does not answer")


async def redis(port: int, password: str) -> str:
    """PING with the password (https://redis.io/docs/latest/develop/reference/protocol-spec/)."""
    secret = password.encode()
    request = b"*2\r\n$4\r\nAUTH\r\n$%d\r\n%b\r\n*1\r\n$4\r\nPING\r\n" % (len(secret), secret)
    answer = await _ask("127.0.0.1", port, request, lambda got: got.count(b"\r\n") >= 2)
    if answer is None:
        return "Redis does not answer"
    first, _, second = answer.partition(b"\r\n")
    if second.startswith(b"+PONG"):
        return ""
    refusal = second if first.startswith(b"+OK") else first
    return "Redis: " + refusal.lstrip(b"-").strip().decode("ascii", "replace")[:100]


async def web(host: str, port: int) -> str:
    """GET /health/ready."""
    request = b"GET /health/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    answer = await _ask(host, port, request, lambda _: False)
    if answer is None:
        return "the web port does not answer"
    head, _, body = answer.partition(b"\r\n\r\n")
    status = head.split(b" ", 2)[1:2]
    if status == [b"200"]:
        return ""
    return f"not ready ({status[0].decode('ascii', 'replace')[:5] if status else '?'}): {_reason(body)}"


def _told(value: object) -> object:
    """A check's reason if it is not ok, the queue's cause; anything else as it is."""
    if isinstance(value, dict):
        return "ok" if value.get("ok") else value.get("reason") or value.get("means") or "?"
    return value


def _reason(body: bytes) -> str:
    """What the answer says, as one line of at most 200 characters."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = body.decode("utf-8", "replace")
    if isinstance(found, dict):
        found = "; ".join(f"{name}: {_told(value)}" for name, value in found.items())
    return " ".join(str(found).split())[:200] or "no reason given"


async def _ask(host: str, port: int, request: bytes, enough: Callable[[bytes], bool]) -> bytes | None:
    """Send `request` and read until `enough` or the end; None if nobody answers in time."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(request)
                await writer.drain()
                got = b""
                while not enough(got) and len(got) < 65_536 and (chunk := await reader.read(65_536)):
                    got += chunk
                return got or None
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None
