"""What the outside has to say to the app: one typed message a reading or a batch of log lines."""

from __future__ import annotations

from typing import Any

from textual.message import Message

from console.snapshots import LogLine, Reading
from console.tui.state import Kind


class Read(Message):
    """A poller has read something, or failed to."""

    def __init__(self, kind: Kind, reading: Reading[Any]) -> None:
        super().__init__()
        self.kind = kind
        self.reading = reading


class Logged(Message):
    """Log lines have arrived; `error` says why none do."""

    def __init__(self, lines: list[LogLine], error: str = "") -> None:
        super().__init__()
        self.lines = lines
        self.error = error
