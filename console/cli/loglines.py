"""Filters and prints log lines: a colour a service, JSON lines as event and fields. Fast enough for a flood."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from console import loglines
from console.cli.output import Output
from console.format import Cell, Tone, clock, clock_ms, safe
from console.snapshots import LogLine

MAX_LINE = 20_000
"""Characters of one line that are shown; --json has it whole."""
HUES = (Tone.HUE1, Tone.HUE2, Tone.HUE3, Tone.HUE4, Tone.HUE5)
LEVEL_TONES = {loglines.DEBUG: Tone.DIM, loglines.INFO: Tone.PLAIN, loglines.WARN: Tone.WARN, loglines.ERROR: Tone.BAD}
LEVELS = {name: level for level, name in loglines.LEVELS.items()}


@dataclass(frozen=True, slots=True)
class LogDocument:
    """A log line as it was written. `cut`: it was longer than the reader's bound."""

    at: float
    service: str
    replica: str
    stream: str
    text: str
    cut: bool


@dataclass(frozen=True, slots=True)
class Filter:
    """What is shown: lines that match `pattern` (or do not, with `invert`) and are of `level` ("" any) or above.

    `replica` is the name of the only one that is shown, "" for all.
    """

    pattern: re.Pattern[str] | None = None
    invert: bool = False
    level: str = ""
    replica: str = ""

    def takes(self, line: LogLine) -> bool:
        """Whether the line is shown."""
        if self.replica and line.replica != self.replica:
            return False
        if self.level and loglines.level_of(line.text) < LEVELS[self.level]:
            return False
        return self.pattern is None or (self.pattern.search(line.text) is not None) is not self.invert


class LogPrinter:
    """Prints batches of lines; services get their colours in the order they come up."""

    def __init__(self, output: Output, *, dated: bool = False, raw: bool = False) -> None:
        self._output = output
        self._dated = dated
        self._raw = raw
        self._hues: dict[str, Tone] = {}
        self._room = 0

    def show(self, lines: Sequence[LogLine]) -> None:
        """Print the lines and hand them over at once."""
        if not lines:
            return
        if self._output.json:
            self._output.documents(log_document(line) for line in lines)
            return
        paint = self._output.paint
        self._output.stream.write("".join(self._text(line, paint) for line in lines))
        self._output.flush()

    def _text(self, line: LogLine, paint: Any) -> str:
        name = safe(line.replica or line.service, 40)
        self._room = max(self._room, len(name))
        hue = self._hues.setdefault(line.service, HUES[len(self._hues) % len(HUES)])
        when = self._when(line.at)
        mark = f" {paint(Cell('…cut', Tone.DIM))}" if line.cut else ""
        head = f"{paint(Cell(when, Tone.DIM))} {paint(Cell(name.ljust(self._room), hue))}"
        return f"{head} {self._message(line, paint)}{mark}\n"

    def _when(self, at: float) -> str:
        return f"{time.strftime('%Y-%m-%d', time.localtime(at))} {clock_ms(at)}" if self._dated else clock(at)

    def _message(self, line: LogLine, paint: Any) -> str:
        if self._raw or not line.text.startswith("{"):
            tone = LEVEL_TONES[loglines.level_of(line.text)]
            return str(paint(Cell(safe(line.text, MAX_LINE), tone)))
        parsed = loglines.parse(line.text)
        if not parsed.event:
            return str(paint(Cell(safe(line.text, MAX_LINE), LEVEL_TONES[parsed.level])))
        level = paint(Cell(f"{loglines.LEVELS[parsed.level]:<5}", LEVEL_TONES[parsed.level]))
        event = paint(Cell(safe(parsed.event, 400), LEVEL_TONES[parsed.level]))
        return " ".join((level, event, *_fields(parsed.fields)))


def _fields(fields: Iterable[tuple[str, Any]]) -> Iterable[str]:
    for name, value in fields:
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        text = safe(text, 2_000)
        yield f"{safe(name, 60)}={text if text and ' ' not in text else repr(text)}"


def log_document(line: LogLine) -> LogDocument:
    """One line of logs."""
    return LogDocument(line.at, line.service, line.replica, line.stream, line.text, line.cut)
