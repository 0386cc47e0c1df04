"""Owns the web process: puts the parts together, listens, drains on SIGTERM. It is one process, with no children."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import resource
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from api import logs
from api.errors import SettingsError
from api.metrics import Metrics
from api.queue import Consumer, Inspector, Publisher
from api.settings import Settings
from api.sources import SOURCES
from api.store import Reader
from api.web import rsgi
from api.web.app import App
from api.web.figures import Figures
from api.web.notices import Notices
from api.web.webhooks import Webhooks

log = logs.get_logger()

BACKLOG = 2_048
MAX_CONNECTIONS = 8_192
HEAD_TIMEOUT_MS = 15_000
"""For a request's head, and for how long a connection may wait for its next request."""


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


async def serve(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT, answer what was begun, and return the exit code.

    Raises:
        SettingsError: HOST or PORT cannot be listened on.
    """
    address = listenable(settings.host, settings.port)
    _raise_file_limit()
    parts = build(settings)
    server = Server(
        rsgi.adapt(parts.app),
        address=address,
        port=settings.port,
        interface=Interfaces.RSGI,
        http=HTTPModes.http1,
        websockets=False,
        backlog=BACKLOG,
        backpressure=MAX_CONNECTIONS,
        http1_settings=HTTP1Settings(header_read_timeout=HEAD_TIMEOUT_MS),
        log_enabled=False,
    )
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    serving = asyncio.create_task(server.serve())
    # What exists now lives as long as the process: the collector need not look at it again and again. And what a
    # request makes holds no cycles, so that looking for some every 700 objects is wasted.
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)
    log.info("web.started", host=settings.host, port=settings.port, pid=os.getpid())
    stopped = asyncio.create_task(stopping.wait())
    await asyncio.wait((serving, stopped), return_when=asyncio.FIRST_COMPLETED)
    code = 0 if stopping.is_set() else 1
    server.stop()  # type: ignore[no-untyped-call]
    _, late = await asyncio.wait((serving,), timeout=settings.drain_timeout)
    await parts.close()
    stopped.cancel()
    if late:
        # What is cut off now would complain in the log, each in its own way.
        loop.set_exception_handler(lambda _loop, _context: None)
    elif serving.exception() is not None:
        code = 1
        log.error("web.failed", exc_info=serving.exception())
    log.info("web.stopped", drained=not late, code=code)
    return code


def listenable(host: str, port: int) -> str:
    """The address to listen on. Granian listens with SO_REUSEPORT, with which a port in use would go unnoticed.

    Raises:
        SettingsError: naming HOST or PORT.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError):
        raise SettingsError("HOST is not valid: expected an address of this machine") from None
    with contextlib.closing(socket.socket(family, kind, protocol)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            name = "PORT" if error.errno != 99 else "HOST"
            raise SettingsError(f"{name} cannot be used: {host}:{port}: {os.strerror(error.errno or 0)}") from None
    return str(address[0])


def _raise_file_limit() -> None:
    """Every connection is an open file, and many systems start a process with room for 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_CONNECTIONS + 256
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(
                resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard)
            )
