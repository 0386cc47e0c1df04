"""Tells what went wrong: what happened, what to do, an exit code. A traceback goes to a file at most."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import typer

from console.errors import ConsoleError
from console.settings import debugging, state_dir

FAILED, USAGE = 1, 2
NAGIOS_UNKNOWN = 3
"""https://nagios-plugins.org/doc/guidelines.html"""
VALUED = frozenset(
    {"--dir", "--project", "-p", "--file", "-f", "--profile", "--env-file", "--redis-url", "--database-url"}
)
"""The options before a command that have a value."""


def tell(error: BaseException, arguments: Sequence[str] = ()) -> int:
    """Say it on standard error; the exit code.

    A check that is called wrongly ends with 3: by 2 a monitoring system is told that the stack is in a bad way. As a
    Nagios plugin it always does, and says why on standard output.
    """
    from console.cli.narrate import Narrator

    text, hint, code = explain(error)
    if debugging():
        details = _reported(error)
        hint = f"{hint}; {details}" if hint else details
    words = _check(arguments)
    if words is not None and code == USAGE:
        code = NAGIOS_UNKNOWN
    if words is not None and _as_plugin(words):
        from console.cli.monitoring import nagios_unknown

        code = NAGIOS_UNKNOWN
        try:
            sys.stdout.write(nagios_unknown(text))
            sys.stdout.flush()
        except OSError:
            pass  # it may be standard output that failed: then it is told as by any other command
        else:
            return code
    Narrator(sys.stderr).error(text, hint)
    return code


def _check(arguments: Sequence[str]) -> Sequence[str] | None:
    """The words after the command check, None if another was called; also of words that cannot be read as a whole."""
    words = list(arguments)
    while words and words[0].startswith("-"):
        words = words[2:] if words[0] in VALUED else words[1:]
    return words[1:] if words[:1] == ["check"] else None


def _as_plugin(words: Sequence[str]) -> bool:
    """Whether a check for Nagios was asked for, or one in a form that is none: who misspelt it is not known."""
    given = [word.removeprefix("--format=") for word in words if word.startswith("--format=")]
    given += [after for before, after in pairwise(words) if before == "--format"]
    return not frozenset(given) <= {"text", "json", "prometheus"}


def explain(error: BaseException) -> tuple[str, str, int]:
    """What happened, what to do about it, the exit code."""
    if isinstance(error, ConsoleError):
        return str(error), error.hint, error.exit_code
    if isinstance(error, typer.Abort):
        return "nothing was done", "", FAILED
    if isinstance(error, typer.TyperException):
        return _usage(error)
    from api.errors import ServiceError, UnavailableError

    if isinstance(error, UnavailableError):
        return str(error), "", 3
    if isinstance(error, ServiceError):
        return str(error), "", FAILED
    if isinstance(error, OSError) and error.filename is None and error.errno is not None:
        return f"cannot write: {error.strerror}", "", FAILED
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}", "", FAILED
    hint = "" if debugging() else "this is a defect; LEADSCTL_DEBUG=1 writes the details to a file"
    return f"unexpected {type(error).__name__}: {error}", hint, FAILED


def _usage(error: typer.TyperException) -> tuple[str, str, int]:
    """Typer's own complaints about the words of a command."""
    message = getattr(error, "format_message", error.__str__)()
    context = getattr(error, "ctx", None)
    hint = f"{context.command_path} --help shows what it takes" if context else ""
    return " ".join(message.split()).rstrip("."), hint, getattr(error, "exit_code", FAILED)


def _reported(error: BaseException) -> str:
    """Where the traceback is now, or why it is nowhere."""
    try:
        return f"details are in {_report(error)}"
    except ConsoleError as trouble:
        return f"the details cannot be written: {trouble}"
    except OSError as trouble:
        return f"the details cannot be written: {trouble.filename}: {trouble.strerror}"


def _report(error: BaseException) -> Path:
    """Write the traceback to a file that only the operator can read; its path."""
    folder = state_dir()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = folder / f"debug-{time.strftime('%Y%m%d-%H%M%S')}.log"
    path.touch(mode=0o600)
    path.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    return path
