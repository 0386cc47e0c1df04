"""The console's exception tree.

ConsoleError                 `str()`: one line saying what happened; `.hint`: one line saying what to do; `.exit_code`
├── UsageError               the command's words are off (exit 2)
├── UnreachableError         no engine, no Redis, no Postgres, no Graph (exit 3)
├── StackError               the runtime refused or failed a verb (exit 1)
├── HaltedError              the operator had long work end (exit 130)
└── ReadOnlyError            a changing verb under --read-only (exit 2)
"""

from __future__ import annotations


class ConsoleError(Exception):
    """Base of everything the console raises on purpose."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(ConsoleError):
    """The words of a command are off."""

    exit_code = 2


class UnreachableError(ConsoleError):
    """Something the console needs does not answer."""

    exit_code = 3


class StackError(ConsoleError):
    """The runtime refused or failed a verb."""


class HaltedError(ConsoleError):
    """The operator had long work end at a safe place."""

    exit_code = 130


class ReadOnlyError(UsageError):
    """A changing verb was asked for while the console is read-only."""
