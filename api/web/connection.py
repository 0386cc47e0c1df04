"""Owns one client's connection: HTTP/1.1 in (llhttp through httptools) and out, within limits of size and time.

One request of a connection is answered at a time, in their order (RFC 9112, 9.3.2). Whatever is not plainly framed
(a length twice or beside chunks, a bare line feed, a folded header) is refused by llhttp and ends the connection:
there is nothing to be smuggled in behind it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import cast

import httptools

from api import logs
from api.web import heads
from api.web.app import App
from api.web.http import Exchange, Request, Response, Settled, request_id_in
from api.web.keeper import LINGER_S, WAITING_REQUESTS, Keeper

log = logs.get_logger()


class Connection(asyncio.Protocol):
    """A client. Everything happens in the callbacks of the transport, of the parser, of the app and of the keeper."""

    __slots__ = (
        "_answering", "_app", "_closing", "_connection", "_deadline", "_headers", "_in_head", "_keeper",
        "_mute_bytes", "_old", "_owes_continue", "_parser", "_pumping", "_read_on", "_reading", "_repeated",
        "_stalled", "_stopped", "_target", "_timed", "_transport", "_unread", "_waiting",
    )  # fmt: skip

    def __init__(self, app: App, keeper: Keeper) -> None:
        self._app = app
        self._keeper = keeper
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._deadline = keeper.after(keeper.head_timeout_s)
        # The head that is being received; bytes read since the parser passed something on, -1: just now.
        self._in_head = False
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._repeated = self._mute_bytes = 0
        # The request whose body is being received: may it go on once refused, has its time begun, is it HTTP/1.0.
        self._reading: Exchange | None = None
        self._read_on = self._timed = self._old = self._owes_continue = False
        # Complete requests in their order, each with the header line that says whether the connection goes on.
        self._waiting: deque[tuple[Exchange, bytes]] = deque()
        self._answering: Exchange | None = None
        self._connection = b""
        self._pumping = False
        # No more is read as HTTP; some of what the client sends may be unread; the end has begun; it reads too slowly.
        self._stopped = self._unread = self._closing = self._stalled = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol. One too many is not kept, so that nothing of it may last."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no instance of it
        if not self._keeper.add(self):
            self._refuse(503, "too many connections")
            transport.close()

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol. Much at once is parsed in parts, so that a head's limit holds there as well."""
        if self._stopped:
            return
        if len(data) > heads.MAX_HEAD_BYTES:
            for begin in range(0, len(data), heads.MAX_HEAD_BYTES):
                self.data_received(data[begin : begin + heads.MAX_HEAD_BYTES])
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            # No other protocol is spoken here: the request is answered as if it had not asked, and is the last.
            self._stop()
        except httptools.HttpParserCallbackError as error:
            log.error("web.failed", exc_info=error.__context__ or error)
            self._refuse(500, "internal error")
        except httptools.HttpParserError:
            if not self._stopped:
                self._refuse(400, "this is not valid HTTP")
        if (self._in_head or self._reading is not None) and not self._stopped:
            self._more_to_come(len(data))

    def eof_received(self) -> bool:
        """The client sends no more: it still gets what it is owed."""
        if not self._stopped and (self._reading is not None or self._in_head):
            self._refuse(400, "the connection ended within the request")
        self._unread = False
        self._stop()
        return not self._closing

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._keeper.remove(self)
        self._transport = None
        self._forget("the connection ended within the request")

    def pause_writing(self) -> None:
        """The client does not take its answers: it has the time of a head for it, and nothing more is read."""
        self._stalled = True
        self._deadline = self._keeper.after(self._keeper.head_timeout_s)
        self._regulate()

    def resume_writing(self) -> None:
        """See asyncio.Protocol."""
        self._stalled = False
        self._regulate()

    def check(self, now: float) -> None:
        """Give up a client that is too slow."""
        if now < self._deadline or (self._answering is not None and not self._stalled):
            return
        if self._closing or self._stalled:
            self.abort()
        elif self._reading is not None:
            self._refuse(408, f"the body took longer than {self._keeper.body_timeout_s:g} s")
        elif self._in_head:
            self._refuse(408, f"the head took longer than {self._keeper.head_timeout_s:g} s")
        else:
            self._end()

    def drain(self) -> None:
        """Answer what was begun, then close; at once if nothing was."""
        if self._answering is None and self._reading is None and not self._in_head and not self._closing:
            self._end()

    def abort(self) -> None:
        """Close without a word."""
        if self._transport is not None:
            self._transport.abort()

    def on_message_begin(self) -> None:
        """See httptools."""
        self._in_head = True
        self._target = b""
        self._headers = {}
        self._repeated = 0
        self._mute_bytes = -1

    def on_url(self, piece: bytes) -> None:
        """See httptools."""
        self._target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """See httptools: one header, complete. Trailers come here too, and mean nothing."""
        if self._in_head:
            key, headers = name.lower(), self._headers
            if key not in headers:
                headers[key] = value
            elif self._repeated < heads.MAX_HEADERS:
                self._repeated += 1
                headers[key] += b", " + value

    def on_headers_complete(self) -> None:
        """See httptools."""
        self._in_head = False
        if self._stopped:
            return
        headers, parser = self._headers, self._parser
        version = parser.get_http_version()
        path, query = heads.target_of(self._target)
        request = Request(parser.get_method().decode(), path, query, headers, time.time(), request_id_in(headers))
        trouble = heads.trouble_in(headers, version, len(self._target), self._repeated)
        exchange = self._reading = self._app.refuse(request, *trouble) if trouble else self._app.open(request)
        self._old = version == "1.0"
        self._timed = False
        if exchange.early is not None:
            self._read_on = not trouble and b"expect" not in headers and heads.is_short(headers)
            self._settle_early()
        elif b"expect" in headers and not self._old:
            self._owes_continue = True
            self._go_on()

    def on_body(self, piece: bytes) -> None:
        """See httptools."""
        self._mute_bytes = -1
        if self._reading is not None:
            self._reading.add(piece)
            if self._reading.early is not None:
                self._settle_early()

    def on_message_complete(self) -> None:
        """See httptools."""
        exchange, self._reading = self._reading, None
        if exchange is None or self._stopped:
            return
        self._owes_continue = False
        goes_on = self._parser.should_keep_alive()
        self._stopped = not goes_on
        self._enqueue(exchange, (heads.KEEP_ALIVE if self._old else b"") if goes_on else heads.CLOSE)

    def _more_to_come(self, size: int) -> None:
        """These bytes did not end a request. What the parser keeps of them until it can pass it on is bounded here."""
        self._mute_bytes = 0 if self._mute_bytes < 0 else self._mute_bytes + size
        if self._mute_bytes > heads.MAX_HEAD_BYTES:
            self._refuse(431, "the head is too large")
        elif self._reading is not None and not self._timed:
            self._timed = True
            self._deadline = self._keeper.after(self._keeper.body_timeout_s)

    def _settle_early(self) -> None:
        """The answer is known before the body's end: read on if little is left, else end the connection with it."""
        if self._read_on or self._reading is None:
            return
        exchange, self._reading = self._reading, None
        self._stopped = self._unread = True
        self._enqueue(exchange, heads.CLOSE)

    def _refuse(self, status: int, reason: str) -> None:
        """Answer what is being read with an error, in its turn; nothing more is read."""
        self._stopped = self._unread = True
        exchange, self._reading = self._reading, None
        if exchange is None:
            request = Request("", "", "", {}, time.time(), request_id_in({}))
            exchange = self._app.refuse(request, status, reason)
        elif exchange.early is None:
            exchange = Settled(exchange.request, exchange.abandon(status, reason))
        self._enqueue(exchange, heads.CLOSE)

    def _stop(self) -> None:
        """Read no more, and end once everything is answered."""
        self._stopped = True
        if self._answering is None and not self._waiting and not self._closing:
            self._end()

    def _enqueue(self, exchange: Exchange, connection: bytes) -> None:
        if self._answering is None and not self._waiting:
            self._answering, self._connection = exchange, connection
            exchange.finish(self._answered)
            return
        self._waiting.append((exchange, connection))
        if len(self._waiting) == WAITING_REQUESTS:
            self._regulate()

    def _answered(self, response: Response) -> None:
        exchange, transport, connection = self._answering, self._transport, self._connection
        self._answering = None
        if transport is None or exchange is None or self._closing:
            return
        keeper, request = self._keeper, exchange.request
        if (self._stopped or keeper.draining) and not self._waiting and self._reading is None:
            connection = heads.CLOSE
        bodiless = request.method == "HEAD"
        transport.write(heads.packed(response, request.request_id, keeper.date, connection, bodiless=bodiless))
        self._deadline = keeper.after(keeper.head_timeout_s)
        if connection is heads.CLOSE:
            self._end()
        elif self._waiting:
            self._pump()
        elif self._reading is not None:
            self._timed = True
            self._deadline = keeper.after(keeper.body_timeout_s)
            self._go_on()

    def _pump(self) -> None:
        """Have those answered that wait: in a loop, because many may be answered at once."""
        if self._pumping:
            return
        self._pumping = True
        while self._waiting and self._answering is None and not self._closing:
            self._answering, self._connection = self._waiting.popleft()
            self._answering.finish(self._answered)
        self._pumping = False
        self._regulate()

    def _go_on(self) -> None:
        """Tell a client that asked first to send its body, once what was sent before is answered."""
        if self._owes_continue and self._answering is None and not self._waiting and self._transport is not None:
            self._owes_continue = False
            self._transport.write(heads.CONTINUE)

    def _regulate(self) -> None:
        """Read only from a client that takes its answers and has not sent too many requests ahead."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._stalled or len(self._waiting) >= WAITING_REQUESTS:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    def _end(self) -> None:
        """Close once everything has been written, and (if it still sends) the client has had time to read it."""
        self._closing = True
        self._forget("the connection ended before its turn")
        if self._transport is not None and self._unread:
            self._deadline = self._keeper.after(LINGER_S)
            self._transport.write_eof()
        elif self._transport is not None:
            self._transport.close()

    def _forget(self, reason: str) -> None:
        """Give up what has not been begun to be answered."""
        self._stopped = True
        if self._reading is not None:
            self._reading.abandon(400, reason)
            self._reading = None
        while self._waiting:
            self._waiting.popleft()[0].abandon(400, reason)
