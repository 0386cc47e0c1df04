"""Owns the log: one JSON object a line on stdout, the same from our own code and from libraries.

    {"ts":"2026-09-12T10:04:32.120Z","level":"info","event":"webhook.accepted","request_id":"…",…}

Lines are pure ASCII, so that a terminal shows them safely, and values are bounded. An exception is logged by its type
and its frames; its text only when it is ours, because a library's may quote personal data (Postgres quotes rows).
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import math
import sys
import time
from collections.abc import MutableMapping
from functools import lru_cache
from types import TracebackType
from typing import Any, BinaryIO, cast

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger

from api.errors import ServiceError

MAX_VALUE = 2_000
"""Characters of a text value that are kept."""

Event = MutableMapping[str, Any]

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_encode = msgspec.json.Encoder().encode


def configure(level: str = "info", out: BinaryIO | None = None) -> None:
    """Send all logging to `out` (default stdout) as JSON lines from `level` (debug, info, warning, error) up."""
    writer = _Writer(sys.stdout.buffer if out is None else out)
    _sink.level, _sink.writer = _LEVELS[level], writer
    structlog.configure(
        processors=[_add_exception, _render],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=lambda *_: writer,
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Bridge(writer)]
    # Libraries speak of their insides (httpx logs whole URLs, which may carry tokens) at info.
    root.setLevel(max(_LEVELS[level], logging.WARNING))
    logging.captureWarnings(capture=True)


def emit(level: str, event: str, fields: dict[str, Any]) -> None:
    """Write one line, as the logger does, at a fraction of its cost: for what is logged once a request.

    Within a running event loop the lines of one of its turns are written together.
    """
    if _LEVELS[level] >= _sink.level:
        _sink.writer.soon(line(level, event, fields))


def emit_struct(level: str, fields: msgspec.Struct) -> None:
    """As `emit`, of a struct whose first members are `ts` (see `timestamp`), `level` and `event`: cheaper still."""
    if _LEVELS[level] >= _sink.level:
        text = _encode(fields)
        if len(text) > MAX_VALUE or not text.isascii():
            text = _encode_safely(msgspec.to_builtins(fields))
        _sink.writer.soon(text)


def flush() -> None:
    """Write what `emit` still holds back."""
    _sink.writer.flush()


def get_logger() -> FilteringBoundLogger:
    """The logger; call it as `log.info("lead.stored", job_id=…)`. Bind before a hot loop: each call of this binds."""
    return cast(FilteringBoundLogger, structlog.get_logger())


def line(level: str, event: str, fields: Event) -> bytes:
    """One finished line, without its line end. `fields` must hold plain values; it is not changed."""
    entry = {"ts": timestamp(), "level": level, "event": event, **fields}
    try:
        text = _encode(entry)
    except (TypeError, ValueError, RecursionError):
        text = _encode_safely(entry)
    if len(text) > MAX_VALUE or not text.isascii():
        text = _encode_safely(entry)
    return text


def describe(error: BaseException) -> str:
    """An exception as one line fit for a log: ours by its text, any other by its type alone."""
    if isinstance(error, ServiceError):
        return str(error)[:MAX_VALUE]
    return type(error).__name__


class _Writer:
    """Writes whole lines at once. A log that cannot be written (its reader is gone) never fails the work."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._waiting: list[bytes] = []
        self._loop: asyncio.AbstractEventLoop | None = None

    def msg(self, text: bytes) -> None:
        """Write a line now, after those that wait."""
        self._waiting.append(text)
        self.flush()

    def soon(self, text: bytes) -> None:
        """Write a line at the end of the event loop's turn; now, where no loop runs."""
        self._waiting.append(text)
        if self._loop is not None and not self._loop.is_closed():
            return
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
        else:
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write what waits."""
        self._loop = None
        if self._waiting:
            text = b"\n".join([*self._waiting, b""])
            self._waiting.clear()
            with contextlib.suppress(OSError, ValueError):
                self._out.write(text)
                self._out.flush()

    debug = info = warning = error = critical = msg


class _Sink:
    """Where `emit` writes to; nowhere before `configure`."""

    level = logging.CRITICAL
    writer = _Writer(io.BytesIO())


_sink = _Sink()


class _Bridge(logging.Handler):
    """Turns the records of libraries into our lines. Their text is bounded, as everything from outside."""

    def __init__(self, writer: _Writer) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        level = "error" if record.levelno >= logging.ERROR else "warning"
        try:
            text = record.getMessage()
        except Exception:  # noqa: BLE001 - a library's wrong format string must not stop us
            text = str(record.msg)
        fields: dict[str, Any] = {"logger": record.name, "text": text}
        if record.exc_info and record.exc_info[1] is not None:
            # The first line says what happened; asyncio quotes the exception, and what was passed on, in the others.
            fields = {**fields, "text": text.partition("\n")[0], **_exception(record.exc_info[1])}
        self._writer.msg(line(level, "library.log", fields))


def timestamp() -> str:
    """Now, as the lines have it."""
    return _millisecond(time.time_ns() // 1_000_000)


@lru_cache(maxsize=4)
def _millisecond(epoch_ms: int) -> str:
    second, fraction = divmod(epoch_ms, 1_000)
    return f"{_second(second)}.{fraction:03d}Z"


@lru_cache(maxsize=4)
def _second(epoch_s: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(epoch_s))


def _add_exception(_logger: Any, _method: str, event: Event) -> Event:
    """Replace `exc_info` by the exception's type, text (if ours) and frames."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()[1]
    elif isinstance(info, tuple):
        info = info[1]
    if isinstance(info, BaseException):
        event.update(_exception(info))
    return event


def _exception(error: BaseException) -> dict[str, Any]:
    return {"error": describe(error), "exception": type(error).__qualname__, "frames": _frames(error.__traceback__)}


def _frames(trace: TracebackType | None) -> list[str]:
    """Where it happened, innermost last: "file:line function", at most the last 20."""
    found = []
    while trace is not None:
        code = trace.tb_frame.f_code
        found.append(f"{code.co_filename.rsplit('site-packages/', 1)[-1]}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return found[-20:]


def _render(_logger: Any, method: str, event: Event) -> bytes:
    name = str(event.pop("event", ""))
    return line({"warn": "warning", "exception": "error", "critical": "error"}.get(method, method), name, event)


def _bounded(value: Any, depth: int = 4) -> Any:
    """`value` as plain JSON values with texts cut to MAX_VALUE; what is not plain becomes its type's name."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if value.bit_length() <= 1024 else "<int>"
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        cut = value if len(value) <= MAX_VALUE else value[:MAX_VALUE] + "…"
        return cut.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict) and depth:
        return {str(k)[:100]: _bounded(v, depth - 1) for k, v in list(value.items())[:50]}
    if isinstance(value, list | tuple) and depth:
        return [_bounded(v, depth - 1) for v in value[:50]]
    return f"<{type(value).__name__}>"


def _encode_safely(entry: dict[str, Any]) -> bytes:
    """The slow way for what is long, not ASCII, a lone surrogate or not plain."""
    return json.dumps(_bounded(entry), separators=(",", ":")).encode("ascii")
