"""Owns the web process: puts the parts together, listens, drains on SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import os
import resource
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from api import logs
from api.errors import SettingsError
from api.metrics import Metrics
from api.queue import Consumer, Inspector, Publisher
from api.settings import Settings
from api.sources import SOURCES
from api.store import Reader
from api.web.app import App
from api.web.board import Board
from api.web.connection import Connection
from api.web.figures import Figures
from api.web.keeper import Keeper
from api.web.notices import Notices
from api.web.webhooks import Webhooks

log = logs.get_logger()

BACKLOG = 2_048
MAX_CONNECTIONS = 8_192
HEAD_TIMEOUT_S = 15.0
"""For a request's head, and for how long a connection may wait for its next request."""
SHARE_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Place:
    """Where a process serves; and, if it is one of several, where it leaves its counts, and what ends with its parent.

    Attributes:
        listener: bound.
        slot: its own on the board.
        parent: a file descriptor that becomes readable when the parent is gone.
    """

    listener: socket.socket
    board: Board | None = None
    slot: int = 0
    parent: int | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """The app, and how to give back what it holds."""

    app: App
    close: Callable[[], Awaitable[None]]


def build(settings: Settings, clock: Callable[[], float] | None = None) -> Parts:
    """Put the app together. Nothing connects yet, so that it starts and answers 503 while Redis is away.

    `clock` gives the epoch seconds against which a form's timestamp is checked.
    """
    namespace = settings.queue_namespace
    publisher = Publisher(settings.redis_url, namespace)
    inspector = Inspector(
        settings.redis_url, namespace, visibility_timeout=settings.visibility_timeout, sla_s=settings.sla_s
    )
    # It only warns: it never opens the group, so that it is no worker to anybody.
    messenger = Consumer(settings.redis_url, namespace, "web")
    reader = Reader(settings.database_url, size=1, timeout_s=2.0)
    notices = Notices(messenger.warn)
    metrics = Metrics()
    sources = {name: make(settings) for name, make in SOURCES.items()}
    options: dict[str, Any] = {} if clock is None else {"clock": clock}
    app = App(
        webhooks=Webhooks(settings, sources, publisher=publisher, metrics=metrics, notices=notices, **options),
        figures=Figures(inspector, reader),
        metrics=metrics,
        verify_token=settings.meta_verify_token,
    )

    async def close() -> None:
        async with AsyncExitStack() as stack:
            for part in (reader, messenger, inspector, publisher, notices):
                stack.push_async_callback(part.close)

    return Parts(app, close)


async def serve(settings: Settings, place: Place) -> int:
    """Serve until SIGTERM or SIGINT (or the parent's end), answer what was begun, and return the exit code."""
    _raise_file_limit()
    parts = build(settings)
    loop = asyncio.get_running_loop()
    keeper = Keeper(
        head_timeout_s=HEAD_TIMEOUT_S, body_timeout_s=settings.body_timeout, max_connections=MAX_CONNECTIONS
    )
    server = await loop.create_server(lambda: Connection(parts.app, keeper), sock=place.listener, backlog=BACKLOG)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if place.parent is not None:
        loop.add_reader(place.parent, stopping.set)
    leave = _share(parts.app.metrics, place)
    # What exists now lives as long as the process: the collector need not look at it again and again. And what a
    # request makes holds no cycles, so that looking for some every 700 objects is wasted.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    log.info("web.started", host=settings.host, port=settings.port, pid=os.getpid())
    await stopping.wait()
    server.close()
    drained = await keeper.drain(settings.drain_timeout)
    keeper.close()
    await parts.close()
    leave()
    log.info("web.stopped", drained=drained, code=0)
    return 0


def _share(metrics: Metrics, place: Place) -> Callable[[], None]:
    """Leave what this process counts for the others, again and again; returns what leaves it now."""
    board = place.board
    if board is None:
        return lambda: None
    loop = asyncio.get_running_loop()
    dump = metrics.share(board.read(place.slot), lambda: board.others(place.slot))

    def leave() -> None:
        board.write(place.slot, dump())

    def leave_again() -> None:
        leave()
        loop.call_later(SHARE_EVERY_S, leave_again)

    leave_again()
    return leave


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket bound to the address; `shared` with other processes of this user that listen there too.

    Raises:
        SettingsError: naming HOST or PORT.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError):
        raise SettingsError("HOST is not valid: expected an address of this machine") from None
    listener = socket.socket(family, kind, protocol)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listener.bind(address)
    except OSError as error:
        listener.close()
        name = "PORT" if error.errno != errno.EADDRNOTAVAIL else "HOST"
        raise SettingsError(f"{name} cannot be used: {host}:{port}: {os.strerror(error.errno or 0)}") from None
    return listener


def _raise_file_limit() -> None:
    """Every connection is an open file, and many systems start a process with room for 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + 256
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(
                resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
            )
