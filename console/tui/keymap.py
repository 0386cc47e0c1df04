"""The keys of every screen, read from what is bound: it cannot be out of date. Checks the keys that were configured."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from textual.binding import Binding, BindingType
from textual.keys import KEY_ALIASES, Keys, _character_to_key

from console.errors import UsageError
from console.tui.app import LeadsApp
from console.tui.screens.activity import Activity
from console.tui.screens.leads import Leads
from console.tui.screens.logs import Logs
from console.tui.screens.overview import Overview
from console.tui.screens.queue import Queue
from console.tui.screens.trace import TracePage
from console.tui.screens.volumes import Volumes
from console.tui.widgets.bars import key_name
from console.tui.widgets.board import Board
from console.tui.widgets.logpane import LogPane
from console.tui.widgets.mainpanels import NeedsTable, ServicesTable
from console.tui.widgets.table import Table

KEYS = frozenset(key.value for key in Keys) | frozenset(KEY_ALIASES) | {"space"}


@dataclass(frozen=True, slots=True)
class Key:
    """What some keys do in one place. `action` is its name in config.toml's [keys], "" for what stays as it is."""

    keys: tuple[str, ...]
    does: str
    action: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """The keys of one place, in the order in which they are bound."""

    place: str
    keys: tuple[Key, ...]


PLACES: tuple[tuple[str, tuple[type, ...]], ...] = (
    ("everywhere", (LeadsApp,)),
    ("lists", (Table,)),
    ("text", (Board,)),
    ("overview: services", (ServicesTable,)),
    ("overview: needs you", (NeedsTable,)),
    ("overview", (Overview,)),
    ("logs", (Logs, LogPane)),
    ("queue", (Queue,)),
    ("leads", (Leads,)),
    ("volumes", (Volumes,)),
    ("activity", (Activity,)),
    ("trace", (TracePage,)),
)
PAGES: tuple[tuple[type, ...], ...] = (
    (Overview, ServicesTable, Table),
    (Overview, NeedsTable, Table),
    (Overview, Table),
    (Logs, LogPane),
    *((page, part) for page in (Queue, Leads, Volumes, Activity, TracePage) for part in (Table, Board)),
)
"""What can have the keys at one time, besides the app."""
NO_KEYS: Mapping[str, tuple[str, ...]] = {}


def sections(keys: Mapping[str, tuple[str, ...]] = NO_KEYS) -> tuple[Section, ...]:
    """Every place that has keys of its own; `keys` as configured, checked before."""
    found = (
        Section(place, tuple(_keys((each for cls in classes for each in _bound(cls)), keys)))
        for place, classes in PLACES
    )
    return tuple(section for section in found if section.keys)


def bound(page: str) -> list[Binding]:
    """What is bound on a numbered screen, and in the panel of it that has the focus first."""
    first: dict[str, tuple[type, ...]] = {"overview": (ServicesTable,)}
    classes = first.get(page, ()) + next(classes for place, classes in PLACES if place == page)
    return [each for cls in classes for each in _bound(cls)]


def names() -> dict[str, Binding]:
    """Every action that can have other keys, by its name."""
    return {each.id: each for _, classes in PLACES for cls in classes for each in _bound(cls) if each.id}


def checked(keys: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    """The same keys, if every name is one and no two actions that can be wanted at one time have the same key.

    Raises:
        UsageError: a name is none, a key is none, or a key belongs to another action.
    """
    known = names()
    for name, wanted in keys.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else "leadsctl help keys lists them"
            raise UsageError(f"[keys] has {name[:80]!r}, which is no action", hint)
        for key in wanted:
            if not _is_key(key):
                raise UsageError(
                    f"[keys] {name} cannot be {key[:40]!r}: that is no key", "r, R, ctrl+r, f5, slash, enter"
                )
    for page in PAGES:
        _demand_distinct([each for cls in (*page, LeadsApp) for each in _bound(cls)], keys)
    return keys


def _demand_distinct(bound: list[Binding], keys: Mapping[str, tuple[str, ...]]) -> None:
    """What is bound here by default may cover another; a key that was configured may not."""
    owner: dict[str, Binding] = {}
    for binding in sorted(bound, key=lambda each: each.id not in keys):
        changed = binding.id in keys
        for key in _long(binding, keys):
            other = owner.setdefault(key, binding)
            if other.action != binding.action and (changed or other.id in keys):
                raise UsageError(
                    f"[keys] {other.id} cannot be {key_name(key)!r}: that is {binding.id or binding.description}",
                    "give that one another key too, or choose a free one: leadsctl help keys",
                )


def _long(binding: Binding, keys: Mapping[str, tuple[str, ...]]) -> list[str]:
    given = keys.get(binding.id or "")
    return [_character_to_key(key) if len(key) == 1 else key for key in given or binding.key.split(",")]


def _is_key(key: str) -> bool:
    *modifiers, base = key.split("+") if len(key) > 1 else [key]
    if any(each not in ("ctrl", "shift", "alt") for each in modifiers):
        return False
    return (len(base) == 1 and base.isprintable()) or key in KEYS or base in KEYS


def _bound(cls: type) -> Iterable[Binding]:
    bound: Iterable[BindingType] = cls.__dict__.get("BINDINGS", ())
    return [each for each in bound if isinstance(each, Binding)]


def _keys(bindings: Iterable[Binding], keys: Mapping[str, tuple[str, ...]]) -> Iterable[Key]:
    by_what: dict[str, tuple[list[str], str]] = {}
    for binding in bindings:
        if binding.description:
            own = [binding.key_display] if binding.key_display and binding.id not in keys else []
            shown, _ = by_what.setdefault(binding.description, ([], binding.id or ""))
            shown.extend(own or [key_name(key) for key in _long(binding, keys)])
    return (Key(tuple(dict.fromkeys(shown)), what, action) for what, (shown, action) in by_what.items())
