"""Knows what a stream can show: whether it is a terminal, its colours, its width. Imports nothing heavy."""

from __future__ import annotations

import os
import shutil
import sys
from typing import IO

CODES = {
    "plain": "",
    "dim": "2",
    "strong": "1",
    "accent": "36",
    "ok": "32",
    "warn": "33",
    "bad": "31",
    "key": "1",
    "match": "7",
    "hue1": "36",
    "hue2": "35",
    "hue3": "34",
    "hue4": "32",
    "hue5": "33",
}
"""console.format.Tone → SGR code."""


def is_terminal(stream: IO[str] | None) -> bool:
    """Whether a person looks at it."""
    return stream is not None and not stream.closed and stream.isatty()


def coloured(stream: IO[str]) -> bool:
    """Whether to colour: a terminal that can, and no NO_COLOR (https://no-color.org)."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def paint(text: str, tone: str) -> str:
    """The text between SGR codes."""
    code = CODES.get(tone, "")
    return f"\x1b[{code}m{text}\x1b[0m" if code and text else text


def width(stream: IO[str]) -> int | None:
    """Cells in a line, None where nothing limits it: a pipe or a file gets every column whole.

    A stream that is no terminal and knows its `columns` is a page of the terminal UI.
    """
    return shutil.get_terminal_size().columns if is_terminal(stream) else getattr(stream, "columns", None)


def interactive() -> bool:
    """Whether a question can be asked: somebody reads standard error and types on standard input."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def drawable() -> bool:
    """Whether the terminal UI can be used: the toolkit reads standard input and draws on standard error."""
    return all(is_terminal(stream) for stream in (sys.stdin, sys.stdout, sys.stderr))
