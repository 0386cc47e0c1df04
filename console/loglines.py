"""Reads log lines: level, event and fields of JSON lines; level and text of Postgres', Redis' and plain ones. Pure.

What is returned is not yet safe to show.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

DEBUG, INFO, WARN, ERROR = 10, 20, 30, 40
LEVELS = {DEBUG: "debug", INFO: "info", WARN: "warn", ERROR: "error"}

_WORDS = {
    "trace": DEBUG, "debug": DEBUG, "debug1": DEBUG, "debug2": DEBUG, "verbose": DEBUG,
    "info": INFO, "log": INFO, "notice": INFO, "detail": INFO, "hint": INFO, "statement": INFO, "context": INFO,
    "warn": WARN, "warning": WARN, "warnings": WARN,
    "error": ERROR, "err": ERROR, "critical": ERROR, "crit": ERROR, "fatal": ERROR, "panic": ERROR, "exception": ERROR,
}  # fmt: skip
_JSON_LEVEL = re.compile(r'"(?:level|severity|lvl)"\s*:\s*"(\w{1,12})"')
_POSTGRES = re.compile(
    r"(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? [\w+/:-]{1,40} )?(?:\[\d+\] )?(?:\S{1,40} )?"
    r"(DEBUG[1-5]?|LOG|INFO|NOTICE|WARNING|ERROR|FATAL|PANIC|DETAIL|HINT|STATEMENT|CONTEXT):\s+"
)
_REDIS = re.compile(r"\d+:[A-Z] \d{1,2} \w{3} \d{4} \d\d:\d\d:\d\d\.\d+ ([.\-*#]) ")
_REDIS_LEVELS = {".": DEBUG, "-": DEBUG, "*": INFO, "#": WARN}
_PLAIN = re.compile(r"\b(TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|PANIC|Traceback)\b")
_HEAD = 160
"""Characters of a plain line within which a level is looked for."""

_FIRST = (
    "job_id", "external_id", "page", "page_id", "form", "status", "accepted", "duplicates", "ignored", "attempt",
    "wait", "error", "reason", "took_ms", "took_s", "worker", "count",
)  # fmt: skip
_ASIDE = frozenset({"ts", "time", "timestamp", "level", "severity", "lvl", "event", "msg", "message", "logger"})
MAX_JSON = 32_768


class Parsed(NamedTuple):
    """A line taken apart: `level` (10-40), `event` of a JSON line ("" else), the rest of a plain line as `text`,
    and the fields of a JSON line, the telling ones first."""

    level: int
    event: str
    text: str
    fields: tuple[tuple[str, Any], ...] = ()


def level_of(text: str) -> int:
    """The level of a line, quickly; INFO when it names none."""
    if text.startswith("{"):
        found = _JSON_LEVEL.search(text, 0, 2_000)
        return _WORDS.get(found[1].lower(), INFO) if found else INFO
    if found := _POSTGRES.match(text):
        return _WORDS.get(found[1].lower(), INFO)
    if found := _REDIS.match(text):
        return _REDIS_LEVELS[found[1]]
    if found := _PLAIN.search(text, 0, _HEAD):
        return ERROR if found[1] == "Traceback" else _WORDS[found[1].lower()]
    return INFO


def fields_of(text: str) -> dict[str, Any] | None:
    """The object of a JSON line, None for any other line."""
    if not text.startswith("{") or len(text) > MAX_JSON:
        return None
    try:
        value = msgspec.json.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return None
    return value if isinstance(value, dict) else None


def parse(text: str) -> Parsed:
    """A line taken apart."""
    found = fields_of(text)
    if found is None:
        match = _POSTGRES.match(text) or _REDIS.match(text)
        return Parsed(level_of(text), "", text[match.end() :] if match else text)
    level = str(found.get("level") or found.get("severity") or found.get("lvl") or "info").lower()
    event = str(found.get("event") or found.get("msg") or found.get("message") or "")
    rest = sorted(
        ((k, v) for k, v in found.items() if k not in _ASIDE),
        key=lambda item: _FIRST.index(item[0]) if item[0] in _FIRST else len(_FIRST),
    )
    return Parsed(_WORDS.get(level, INFO), event, "", tuple(rest))
