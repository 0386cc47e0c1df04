"""Reads a `.env` as Compose does: variables in its values are replaced, but not in single quotes.

The rules are Compose's: https://docs.docker.com/compose/how-tos/environment-variables/variable-interpolation/
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import IO

_SINGLE = re.compile(r"[^=\n]*=[^\S\n]*'")
_DOUBLE = re.compile(r'[^=\n]*=[^\S\n]*"')
_NAMED = re.compile(r"\$(?:\$|([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)(:?[-+?])?)")
_MOST = 1_000_000
"""Characters a value may come to: a few lines that double one another would fill the memory."""
_DEEPEST = 20
"""Variables in what stands in for others that are read."""


def read(source: IO[str], env: Mapping[str, str] | None = None) -> dict[str, str]:
    """The values by name, empty ones left out. What a variable stands for is in `env`, else further up in the file."""
    from dotenv.parser import parse_stream

    given = os.environ if env is None else env
    found: dict[str, str] = {}
    for binding in parse_stream(source):
        if binding.key is None or binding.error or binding.value is None:
            continue
        value, original = binding.value, binding.original.string
        if not _SINGLE.match(original):
            value = value.replace("\\$", "$$") if _DOUBLE.match(original) else value
            value = _expanded(value, {**found, **given})
        found[binding.key] = value
    return {name: value for name, value in found.items() if value}


def _expanded(text: str, known: Mapping[str, str], depth: int = 0) -> str:
    """The text with what its variables stand for; what Compose would refuse stays as it is."""
    parts: list[str] = []
    at = length = 0
    while depth < _DEEPEST and length < _MOST and (found := _NAMED.search(text, at)):
        length += len(parts[-1]) if parts else 0
        parts.append(text[at : found.start()])
        plain, braced, sign = found.groups()
        at = found.end()
        if braced is None:
            parts.append(known.get(plain, "") if plain else "$")
            continue
        end = _closing(text, at)
        if end < 0 or (not sign and end != at):
            parts.append(found[0])
            continue
        parts.append(_chosen(known.get(braced), sign or "", text[at:end], known, depth + 1))
        at = end + 1
    return "".join((*parts, text[at:]))[:_MOST]


def _chosen(value: str | None, sign: str, other: str, known: Mapping[str, str], depth: int) -> str:
    """What `${NAME sign other}` stands for; with a colon, an empty value counts as none."""
    there = bool(value) if sign.startswith(":") else value is not None
    if sign.endswith("+"):
        return _expanded(other, known, depth) if there else ""
    if there or not sign.endswith("-"):
        return value or ""
    return _expanded(other, known, depth)


def _closing(text: str, at: int) -> int:
    """Where the brace that is open at `at` is closed, -1 if nowhere."""
    depth = 1
    for place in range(at, len(text)):
        if text[place] == "}":
            depth -= 1
            if not depth:
                return place
        elif text.startswith("${", place):
            depth += 1
    return -1
