"""Owns one bare connection to Redis: commands out as packed bytes, replies in order from hiredis.

A publish through redis-py's pipeline costs more than all the rest of a request, hence this protocol of its own. It
speaks RESP2 and knows no reconnecting: that is its user's.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections import deque
from collections.abc import Callable
from typing import Any, cast

import hiredis
from redis.asyncio.connection import SSLConnection, parse_url
from redis.exceptions import RedisError

from api.queue.codec import clip

CLIENT_NAME = "leads-publisher"

Target = dict[str, Any]
"""Where to connect and as whom, in redis-py's words."""

_pack: Any = hiredis.pack_command  # its stub knows tuples of one word only


class WireError(Exception):
    """The connection could not be made, or is lost."""


class Wire(asyncio.Protocol):
    """A connection that is up until `alive` is false. `on_loss` is called once when it ends, however it ends."""

    def __init__(self, on_loss: Callable[[Wire], None]) -> None:
        self._on_loss = on_loss
        self._reader = hiredis.Reader()
        self._waiting: deque[asyncio.Future[Any]] = deque()
        self._transport: asyncio.Transport | None = None
        self._socket = -1
        self.alive = False
        self.waiting_since = 0.0
        """When the oldest command without an answer was sent, or an answer came since, on the event loop's clock."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one without being an instance of it
        if transport.get_extra_info("ssl_object") is None:
            self._socket = transport.get_extra_info("socket").fileno()
        self.alive = True

    def data_received(self, data: bytes) -> None:
        """Give each complete reply to who waits for it."""
        try:
            self._reader.feed(data)
            while (reply := self._reader.gets()) is not False:
                future = self._waiting.popleft()
                if not future.done():
                    future.set_result(reply)
                self.waiting_since = asyncio.get_running_loop().time()
        except (hiredis.ProtocolError, IndexError):
            self.drop()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell everybody who still waits."""
        self.alive = False
        error = WireError(f"connection lost: {exc}" if exc else "connection closed by Redis")
        while self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_exception(error)
        self._on_loss(self)

    def send(self, packed: bytes) -> asyncio.Future[Any]:
        """Send one packed command; its reply, which may be a hiredis.ReplyError. WireError if the connection ends."""
        if self._transport is None or not self.alive:
            raise WireError("not connected")
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        if not self._waiting:
            self.waiting_since = loop.time()
        self._waiting.append(future)
        rest = packed[self._written_now(packed) :]
        if rest:
            self._transport.write(rest)
        return future

    def renewed(self, reply: asyncio.Future[Any]) -> asyncio.Future[Any] | None:
        """Another future in the place of one that was cancelled; None if its reply has come, or will not any more."""
        try:
            place = self._waiting.index(reply)
        except ValueError:
            return None
        self._waiting[place] = asyncio.get_running_loop().create_future()
        return self._waiting[place]

    def _written_now(self, packed: bytes) -> int:
        """How much the socket takes at once. uvloop writes at the end of its turn only: Redis could be at work by then.

        What goes wrong here goes wrong in the transport as well, and is told by it.
        """
        transport = self._transport
        if self._socket < 0 or transport is None or transport.is_closing() or transport.get_write_buffer_size():
            return 0
        try:
            return os.write(self._socket, packed)
        except OSError:
            return 0

    def drop(self) -> None:
        """End the connection at once, whatever is under way: its replies could not be told apart any more."""
        self.alive = False
        if self._transport is not None:
            self._transport.abort()


def pack(*words: str | bytes) -> bytes:
    """A command as it goes over the wire."""
    packed: bytes = _pack(words)
    return packed


def target_of(redis_url: str) -> Target:
    """What a redis://, rediss:// or unix:// URL says. ValueError if it is none."""
    return dict(parse_url(redis_url))


async def connect(to: Target, on_loss: Callable[[Wire], None]) -> Wire:
    """A connection on which Redis has answered PING: up, past its loading, and letting us in. WireError if not."""
    loop = asyncio.get_running_loop()
    try:
        if "path" in to:
            _, wire = await loop.create_unix_connection(lambda: Wire(on_loss), to["path"])
        else:
            host, port = to.get("host", "localhost"), int(to.get("port", 6379))
            _, wire = await loop.create_connection(lambda: Wire(on_loss), host, port, ssl=_ssl_of(to))
    except (OSError, RedisError, TypeError, ValueError) as error:
        # Not Redis alone: options of the URL, and a name that is none, are found out here.
        raise WireError(clip(str(error), 200)) from error
    try:
        await _greet(wire, to)
    except BaseException:
        wire.drop()
        raise
    return wire


async def _greet(wire: Wire, to: Target) -> None:
    commands: list[tuple[str, ...]] = []
    if to.get("password"):
        commands.append(("AUTH", *([to["username"]] if to.get("username") else []), to["password"]))
    if to.get("db"):
        commands.append(("SELECT", str(to["db"])))
    commands.append(("PING",))
    replies = [wire.send(pack(*command)) for command in commands]
    name = wire.send(pack("CLIENT", "SETNAME", CLIENT_NAME))
    for reply in await asyncio.gather(*replies, name):
        if isinstance(reply, hiredis.ReplyError) and reply is not name.result():
            raise WireError(clip(str(reply), 200))


def _ssl_of(to: Target) -> ssl.SSLContext | None:
    """What redis-py itself makes of the URL, so that all parts of the queue trust the same servers."""
    if to.get("connection_class") is not SSLConnection:
        return None
    options = {name: value for name, value in to.items() if name != "connection_class"}
    return SSLConnection(**options).ssl_context.get()
