"""Owns answers as name → values: Graph `field_data`, a form's body, consents. Every answer is kept as text."""

from __future__ import annotations

import json
from typing import Any

from api.fields.json_text import Number

Fields = dict[str, list[str]]

MAX_DEPTH = 8
"""Levels of a form's nested answers that become names of their own; what lies deeper becomes one text."""

_TRUE = frozenset({"1", "true", "yes", "on", "checked"})


def graph_fields(field_data: Any) -> Fields:
    """Graph `field_data` ([{"name", "values": […]}]) as name → all values, whatever shape they come in."""
    found: Fields = {}
    for entry in field_data if isinstance(field_data, list) else []:
        if isinstance(entry, dict):
            values = entry["values"] if "values" in entry else entry.get("value")
            name = _name(entry.get("name"))
            found[name] = [*found[name], *texts(values)] if name in found else texts(values)
    return found


def graph_consent(responses: Any) -> dict[str, bool]:
    """Graph `custom_disclaimer_responses` ([{"checkbox_key", "is_checked"}]) as key → checked."""
    found = {}
    for entry in responses if isinstance(responses, list) else []:
        if isinstance(entry, dict):
            found[_name(entry.get("checkbox_key"))] = checked(entry.get("is_checked"))
    return found


def form_data(body: Any) -> dict[str, Any]:
    """The part of a form's body about the lead: its `data`, or the body itself. Empty if neither is an object."""
    if not isinstance(body, dict):
        return {}
    data = body.get("data")
    return data if isinstance(data, dict) else body


def form_fields(data: dict[str, Any]) -> Fields:
    """The answers in a form's data: its `fields` (an object, or a list as in Graph), or the data itself."""
    fields = data.get("fields")
    if isinstance(fields, list):
        return graph_fields(fields)
    found: Fields = {}
    _flatten(fields if isinstance(fields, dict) else data, "", found, 1)
    return found


def form_consent(data: dict[str, Any]) -> dict[str, bool]:
    """A form's `consent`: an object of name → checked, a list as Graph's or of what was agreed to, or one answer."""
    consent = data.get("consent")
    if isinstance(consent, list):
        return graph_consent(consent) | {name: True for name in consent if isinstance(name, str) and name}
    if isinstance(consent, dict):
        return {_name(key): checked(value) for key, value in consent.items()}
    return {} if consent is None else {"consent": checked(consent)}


def _name(value: Any) -> str:
    return value if isinstance(value, str) and value else "unnamed"


def texts(value: Any) -> list[str]:
    """An answer's values as texts; null is no value."""
    if type(value) is str:
        return [value]
    return [_text(part) for part in (value if isinstance(value, list) else [value]) if part is not None]


def _text(value: Any, depth: int = 0) -> str:
    """A value as text: scalars as they were written, the rest as compact JSON."""
    if isinstance(value, Number) or (isinstance(value, str) and not depth):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list) and depth > MAX_DEPTH:
        return '"…"'
    if isinstance(value, dict):
        return "{" + ",".join(f"{_quoted(str(k))}:{_text(v, depth + 1)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_text(part, depth + 1) for part in value) + "]"
    return "null" if value is None else _quoted(str(value))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _flatten(data: dict[str, Any], prefix: str, found: Fields, depth: int) -> None:
    for key, value in data.items():
        name = prefix + (key or "unnamed")
        if isinstance(value, dict) and value and depth < MAX_DEPTH:
            _flatten(value, f"{name}.", found, depth + 1)
        elif name in found:
            found[name] += texts(value)
        else:
            found[name] = texts(value)


def checked(value: Any) -> bool:
    """Whether an answer such as true, "1" or "yes" means that a box was checked."""
    return value if isinstance(value, bool) else str(value).strip().lower() in _TRUE
