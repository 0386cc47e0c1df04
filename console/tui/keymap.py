"""The keys of every screen, read from what is bound: it cannot be out of date."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from textual.binding import Binding, BindingType

from console.tui.app import LeadsApp
from console.tui.screens.activity import Activity
from console.tui.screens.leads import Leads
from console.tui.screens.logs import Logs
from console.tui.screens.overview import NeedsTable, Overview, ServicesTable
from console.tui.screens.queue import Queue
from console.tui.screens.volumes import Volumes
from console.tui.widgets.bars import key_name
from console.tui.widgets.board import Board
from console.tui.widgets.logpane import LogPane
from console.tui.widgets.table import Table


@dataclass(frozen=True, slots=True)
class Key:
    """What some keys do in one place."""

    keys: tuple[str, ...]
    does: str


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
)


def sections() -> tuple[Section, ...]:
    """Every place that has keys of its own."""
    found = (Section(place, tuple(_keys(each for cls in classes for each in _bound(cls)))) for place, classes in PLACES)
    return tuple(section for section in found if section.keys)


def _bound(cls: type) -> Iterable[BindingType]:
    bound: Iterable[BindingType] = cls.__dict__.get("BINDINGS", ())
    return bound


def _keys(bindings: Iterable[BindingType]) -> Iterable[Key]:
    by_what: dict[str, list[str]] = {}
    for binding in bindings:
        if isinstance(binding, Binding) and binding.description:
            shown = [binding.key_display] if binding.key_display else [key_name(key) for key in binding.key.split(",")]
            by_what.setdefault(binding.description, []).extend(shown)
    return (Key(tuple(dict.fromkeys(keys)), what) for what, keys in by_what.items())
