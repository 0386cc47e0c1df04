"""Owns standard output: JSON documents as bytes, plain lines, tables. What is written as text must be safe already."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

import msgspec

from console.cli import terminal
from console.cli.table import Column, layout
from console.format import Cell, Line, Tone, wrap

VERSION = 1
"""The shapes' version, in every document: it grows when a field goes or changes its meaning, not when one is added."""

_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class Output:
    """Standard output."""

    def __init__(self, stream: IO[str], *, json: bool = False) -> None:
        self.stream = stream
        self.json = json
        self._coloured = terminal.coloured(stream)

    def document(self, value: Any) -> None:
        """One JSON document on one line, `version` first. `value` is a dataclass or a mapping of field to value."""
        self.documents([value])

    def documents(self, values: Iterable[Any]) -> None:
        """One document a line."""
        self.stream.flush()
        self.stream.buffer.write(b"".join(encode(value) for value in values))  # type: ignore[attr-defined]
        self.stream.buffer.flush()  # type: ignore[attr-defined]  # a TextIOWrapper, which IO[str] does not say

    def line(self, *cells: str | Cell) -> None:
        """One line of safe pieces."""
        self.stream.write("".join(self.paint(c) if isinstance(c, Cell) else c for c in cells) + "\n")

    def lines(self, lines: Iterable[Line]) -> None:
        """Several lines."""
        for line in lines:
            self.line(*line)

    def paint(self, cell: Cell) -> str:
        """The cell's text in its tone, or as it is where there is no colour."""
        return terminal.paint(cell.text, cell.tone.value) if self._coloured else cell.text

    def table(self, columns: Sequence[Column], rows: Sequence[Sequence[str | Cell]]) -> None:
        """A table fitted to the terminal; cut nowhere when there is none."""
        for line in layout(columns, rows, terminal.width(self.stream)):
            self.line(*line)

    def note(self, mark: Cell, text: str) -> None:
        """A mark and a sentence (safe), broken at words on a terminal, in the mark's tone."""
        width = terminal.width(self.stream)
        parts = wrap(text, width - 2) if width else [text]
        for n, part in enumerate(parts):
            self.line(Cell(f"{' ' if n else mark.text} {part}", mark.tone))

    def heading(self, text: str) -> None:
        """A line that names what follows."""
        self.line(Cell(text, Tone.STRONG))

    def flush(self) -> None:
        """Hand everything to the reader; BrokenPipeError when there is none."""
        self.stream.flush()


def encode(value: Any) -> bytes:
    """JSON and a line end. C1 and bidi controls are escaped, so that the text is harmless on a terminal too."""
    fields: Mapping[str, Any] = value if isinstance(value, Mapping) else msgspec.to_builtins(value)
    text = msgspec.json.encode({"version": VERSION, **fields})
    if not text.isascii():
        text = _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text.decode()).encode()
    return text + b"\n"
