"""Follows the stack's log for as long as the app runs, and hands its lines over a few times a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from console.poller import one_line
from console.ports import StackSource
from console.snapshots import LogLine

if TYPE_CHECKING:
    from textual.message_pump import MessagePump

TAIL = 500
"""Lines a replica that are read from before the console was opened."""
FLUSH_S = 1 / 15
RETRY_S = 3.0


class LogFeed:
    """Reads without end: a log that ends or fails is opened again where it ended.

    Args:
        pump: whose timers are used.
        take: called with lines and "", at most 15 times a second; with none and "" when the log has been opened; with
            the last ones, if there are any, and the reason why no more come.
    """

    def __init__(self, pump: MessagePump, source: StackSource, take: Callable[[list[LogLine], str], None]) -> None:
        self._pump = pump
        self._source = source
        self._take = take
        self._pending: list[LogLine] = []
        self._flushing = False

    async def run(self) -> None:
        """Follow until cancelled."""
        since = 0.0
        while True:
            try:
                tail = None if since else TAIL
                async for lines in self._source.logs(since=since, tail=tail, follow=True):
                    if lines:
                        since = max(since, lines[-1].at + 0.001)
                        self._keep(lines)
                    else:
                        self._take([], "")
                error = "The log has ended"
            except Exception as raised:  # noqa: BLE001 - shown where the log is; tried again without end
                error = one_line(raised)
            lines, self._pending = self._pending, []
            self._take(lines, error)
            await asyncio.sleep(RETRY_S)

    def _keep(self, lines: list[LogLine]) -> None:
        self._pending += lines
        if not self._flushing:
            self._flushing = True
            self._pump.set_timer(FLUSH_S, self._flush)

    def _flush(self) -> None:
        self._flushing = False
        lines, self._pending = self._pending, []
        if lines:
            self._take(lines, "")
