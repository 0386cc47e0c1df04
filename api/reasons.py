"""Says in a few fixed words why Redis or Postgres does not do its part: fit for anybody, without address or secret."""

from __future__ import annotations

import re
import socket

OTHERWISE = "not available"

_WORDS = (
    ("connection refused", r"connection refused|error 111\b"),
    (
        "its name cannot be resolved",
        r"resol|name or service not known|getaddrinfo|nodename nor servname",
    ),
    ("no way to it", r"no route|unreachable|network is down"),
    ("the login is refused", r"noauth|wrongpass|authentication|invalid password|invalid username"),
    ("there is no such database", r'database "[^"]*" does not exist|invalid catalog name'),
    ("the schema is not migrated: run python -m api migrate", r"python -m api migrate"),
    ("it is starting", r"starting up|cannot connect now|\bloading\b|recovery"),
    ("it is shutting down", r"shutting down|shutdown"),
    ("it has no connection left", r"too many (clients|connections)|max number of clients|remaining connection slots"),
    ("its disk is full", r"disk full|no space left"),
    ("out of memory", r"\boom\b|out of memory"),
    ("it cannot write to its disk", r"misconf"),
    ("it is read-only", r"readonly|read.only"),
    ("the connection was lost", r"connection (was )?(lost|closed|reset)|closed by|server closed|broken pipe|terminat"),
    ("does not answer in time", r"within [0-9.]+ s|timed? ?out|timeout|in time|too long"),
)
_PATTERNS = tuple((words, re.compile(pattern)) for words, pattern in _WORDS)

_TYPES: tuple[tuple[type[BaseException], str], ...] = (
    (ConnectionRefusedError, "connection refused"),
    (socket.gaierror, "its name cannot be resolved"),
    (ConnectionError, "the connection was lost"),
    (TimeoutError, "does not answer in time"),
)
_DEPTH = 8

REASONS = (*(words for words, _ in _WORDS), OTHERWISE)
"""All there are."""


def reason_of(error: BaseException) -> str:
    """One of REASONS: by the words of the error, or by what it came from."""
    text = str(error).lower()
    found = next((words for words, pattern in _PATTERNS if pattern.search(text)), "")
    if found:
        return found
    for each in _chain(error):
        for kind, words in _TYPES:
            if isinstance(each, kind):
                return words
    return OTHERWISE


def _chain(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    each: BaseException | None = error
    while each is not None and len(found) < _DEPTH:
        found.append(each)
        each = each.__cause__ or each.__context__
    return found
