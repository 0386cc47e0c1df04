"""Speaks XML-RPC with supervisord over its unix socket, from asyncio and with time limits."""

from __future__ import annotations

import asyncio
import xmlrpc.client
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.parsers.expat import ExpatError

from console.errors import StackError, UnreachableError

TIMEOUT_S = 5.0
_MAX_ANSWER = 1_000_000

# http://supervisord.org/api.html and supervisor/xmlrpc.py: Faults
NOT_RUNNING = 70
ALREADY_STARTED = 60


class GoneError(UnreachableError):
    """No supervisor listens at the socket."""


class RefusedError(StackError):
    """The supervisor refused a call; `code` is its fault code."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"the supervisor refused: {text}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Process:
    """A program as the supervisor sees it. `state` is RUNNING, BACKOFF and so on; times are epoch s, 0 if never.

    `exit_status` is of the last run, -1 if a signal ended it; `error` says why the last start failed.
    """

    name: str
    state: str
    pid: int = 0
    started_at: float = 0.0
    stopped_at: float = 0.0
    exit_status: int = 0
    error: str = ""


async def call(socket: Path, method: str, *arguments: Any, timeout_s: float = TIMEOUT_S) -> Any:
    """One call of `supervisor.method`.

    Raises:
        GoneError: nobody listens.
        RefusedError: the supervisor answered with a fault.
        UnreachableError: no answer in time, or one that makes no sense.
    """
    body = xmlrpc.client.dumps(arguments, f"supervisor.{method}").encode()
    head = f"POST /RPC2 HTTP/1.0\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    try:
        async with asyncio.timeout(timeout_s):
            answer = await _exchange(socket, head + body)
    except TimeoutError as error:
        raise UnreachableError("the supervisor does not answer") from error
    except (FileNotFoundError, NotADirectoryError, ConnectionError) as error:
        raise GoneError("the supervisor does not run") from error
    except OSError as error:
        raise UnreachableError(f"the supervisor cannot be reached: {error.strerror}") from error
    try:
        values, _ = xmlrpc.client.loads(answer.partition(b"\r\n\r\n")[2])
    except xmlrpc.client.Fault as fault:
        raise RefusedError(int(fault.faultCode), str(fault.faultString)) from fault
    except (ExpatError, xmlrpc.client.Error, ValueError, LookupError) as error:
        raise UnreachableError("the supervisor's answer makes no sense") from error
    return values[0]


async def processes(socket: Path) -> dict[str, Process]:
    """All programs by name. Raises as `call`."""
    found = {}
    for info in await call(socket, "getAllProcessInfo"):
        found[info["name"]] = Process(
            name=info["name"],
            state=info["statename"],
            pid=info["pid"],
            started_at=float(info["start"]),
            stopped_at=float(info["stop"]),
            exit_status=info["exitstatus"],
            error=info["spawnerr"],
        )
    return found


async def _exchange(socket: Path, request: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(str(socket), limit=_MAX_ANSWER)
    try:
        writer.write(request)
        await writer.drain()
        chunks = []
        size = 0
        while chunk := await reader.read(65_536):
            size += len(chunk)
            if size > _MAX_ANSWER:
                break
            chunks.append(chunk)
        return b"".join(chunks)
    finally:
        writer.close()
