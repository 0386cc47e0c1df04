"""What a body of the Graph API holds: leads cut out as they came, digit for digit, or the lack of them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec

from api.fields import clean_json, parse_json

_cut = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_cut_list = msgspec.json.Decoder(list[msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class GraphLead:
    """One lead as the Graph API gave it.

    Attributes:
        id: its own id, as text.
        raw: its JSON text, fit for jsonb.
        data: the same, parsed; numbers as `api.fields.Number`.
        cleaned: something in it had to be replaced to be fit.
    """

    id: str
    raw: str
    data: dict[str, Any]
    cleaned: bool = False

    @property
    def has_fields(self) -> bool:
        """False when the answer has no field data at all, which is how missing permission looks."""
        return isinstance(self.data.get("field_data"), list)


def read(body: bytes) -> tuple[str, Any, bool]:
    """A body as (JSON text, parsed value, whether it was cleaned). The value is None for what is not JSON."""
    try:
        text, replaced = body.decode(), False
    except UnicodeDecodeError:
        text, replaced = body.decode(errors="replace"), True
    text, cleaned = clean_json(text)
    try:
        return text, parse_json(text), cleaned or replaced
    except ValueError:
        return text, None, False


def single(text: str, value: Any, cleaned: bool) -> GraphLead | None:
    """The lead that a body is, or a part of one, None if it is none. `cleaned`: something in the body was replaced."""
    if not isinstance(value, dict) or not isinstance(value.get("id"), str) or "error" in value:
        return None
    # An answer holds many leads, and what was replaced may be another's.
    mended = cleaned and ("\\ufffd" in text or "\ufffd" in text)
    return GraphLead(str(value["id"]), text.strip(), value, mended)


def several(text: str, value: Any, cleaned: bool) -> dict[str, GraphLead | None] | None:
    """The leads of a body keyed by id; None for a key whose value is no lead. None if the body is no such object."""
    if not isinstance(value, dict) or "error" in value:
        return None
    try:
        parts = _cut(text)
    except msgspec.DecodeError:
        parts = {}
    return {key: single(bytes(parts[key]).decode() if key in parts else _dump(part), part, cleaned)
            for key, part in value.items()}  # fmt: skip


def listed(text: str, value: Any, cleaned: bool) -> list[GraphLead] | None:
    """The leads of a `{"data": […]}` body, in order; None if it is no such body. What is no lead is left out."""
    if not isinstance(value, dict) or not isinstance(value.get("data"), list):
        return None
    try:
        parts = _cut_list(_cut(text)["data"])
    except msgspec.DecodeError:
        parts = []
    leads = []
    for place, part in enumerate(value["data"]):
        raw = bytes(parts[place]).decode() if place < len(parts) else _dump(part)
        leads.append(single(raw, part, cleaned))
    return [lead for lead in leads if lead is not None]


def next_cursor(value: Any, graph_url: str) -> str:
    """The cursor of the following page, "" at the end.

    `paging.next` is a whole URL that carries the token. Only its cursor is taken, and only if it points at the host the
    calls go to: a link elsewhere ends the listing rather than sending the token there.
    """
    paging = value.get("paging") if isinstance(value, dict) else None
    link = paging.get("next") if isinstance(paging, dict) else None
    if not isinstance(paging, dict) or not isinstance(link, str):
        return ""
    try:
        there, here = urlsplit(link), urlsplit(graph_url)
        same = (there.scheme, there.hostname, there.port) == (here.scheme, here.hostname, here.port)
    except ValueError:
        return ""
    if not same:
        return ""
    after = parse_qs(there.query).get("after", [""])[0]
    cursors = paging.get("cursors")
    told = cursors.get("after") if isinstance(cursors, dict) else None
    return after or (told if isinstance(told, str) else "")


def _dump(value: Any) -> str:
    return msgspec.json.encode(value).decode()
