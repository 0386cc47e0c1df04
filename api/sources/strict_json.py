"""Owns the reading of JSON from outside: RFC 8259 and nothing else, whatever the bytes, in one place.

What both common parsers get wrong for us: the json module takes NaN, UTF-16 and raw lone surrogates, raises a bare
ValueError at 4,301 digits and RecursionError when nested; msgspec refuses a lone surrogate in an otherwise good lead.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

import msgspec

from api.errors import PayloadError

MAX_DEPTH = 64
"""Levels of nesting that a stored payload may have. Recursive code further down the line stays far from its limit."""

_MAX_NUMBER = 300
_TOO_DEEP = f"the body is nested deeper than {MAX_DEPTH} levels"
_BOM = b"\xef\xbb\xbf"

# Inside a text a backslash always begins an escape, and outside there is none in valid JSON: one pass over all escapes
# finds the surrogates that are not half of a pair, without being misled by an escaped backslash before a "u".
_ESCAPES = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def loads(data: bytes) -> Any:
    """Decode UTF-8 JSON (a BOM is allowed). Ints are exact at any length up to 300 digits.

    Lone surrogates become U+FFFD. A number that no int or float can hold becomes its text, so that it is not lost and
    one silly number does not take a batch with it.

    Raises:
        PayloadError: with the reason and no part of the data, when it is not JSON.
    """
    if data.startswith(_BOM):
        data = data[len(_BOM) :]
    try:
        return _decode(data)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return _loads_slowly(data)


def dumps(value: Any) -> str:
    """Encode what `loads` gave; texts, keys and numbers come out as they went in (floats in their shortest form).

    Raises:
        PayloadError: it is nested deeper than MAX_DEPTH.
    """
    try:
        text = _encode(value).decode()
    except RecursionError:
        raise PayloadError(_TOO_DEEP) from None
    if _too_deep(value, text):
        raise PayloadError(_TOO_DEEP)
    return text


def _too_deep(value: Any, text: str) -> bool:
    """Whether `value`, whose JSON is `text`, is nested deeper than MAX_DEPTH, without recursion."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return False
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return False
    return True


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, list):
        return []
    return [child for child in value if isinstance(child, dict | list)]


def _loads_slowly(data: bytes) -> Any:
    try:
        text = _ESCAPES.sub(_mend, data.decode("utf-8"))
        return json.loads(text, parse_int=_integer, parse_float=_float, parse_constant=_refuse)
    except UnicodeDecodeError:
        raise PayloadError("the body is not UTF-8") from None
    except RecursionError:
        raise PayloadError(_TOO_DEEP) from None
    except ValueError as error:
        where = f" (character {error.pos})" if isinstance(error, json.JSONDecodeError) else ""
        raise PayloadError(f"the body is not JSON{where}") from None


def _mend(match: re.Match[str]) -> str:
    return "\\ufffd" if match["lone"] else match[0]


def _integer(literal: str) -> int | str:
    return int(literal) if len(literal) <= _MAX_NUMBER else literal


def _float(literal: str) -> float | str:
    value = float(literal)
    return literal if value in (float("inf"), float("-inf")) else value


def _refuse(_literal: str) -> NoReturn:
    raise ValueError
