"""The keys of this context, made from what is bound: it cannot be out of date."""

from __future__ import annotations

from typing import Any

from textual.binding import Binding
from textual.screen import Screen

from console.format import Cell, Line, Tone, fit, width_of
from console.tui.places import PAGES
from console.tui.screens.reader import Reader
from console.tui.widgets.bars import key_name

NOT_OURS = ("screen.copy_text", "app.focus_next", "app.focus_previous")
UNSAID = ("escape", "ctrl+q")
"""Said below as one, and the toolkit's own second key to quit."""
MOVES = ("move", "end", "page", "scroll", "first", "follow", "tab")


def help_for(screen: Screen[Any]) -> Reader:
    """A box with the keys that work in `screen` with its present focus."""
    verbs: dict[str, list[str]] = {}
    moves: dict[str, list[str]] = {}
    everywhere: dict[str, list[str]] = {}
    for key, active in screen.active_bindings.items():
        binding = active.binding
        if not active.enabled or not binding.description or binding.action in NOT_OURS or key in UNSAID:
            continue
        if active.node is screen.app:
            everywhere.setdefault(binding.description.lower(), []).append(_shown_key(binding, key))
            continue
        group = verbs if binding.show or not binding.action.startswith(MOVES) else moves
        keys = group.setdefault(binding.description, [])
        shown = _shown_key(binding, key)
        if shown not in keys:
            keys.append(shown)
    everywhere = {**_screens(everywhere), "next panel": ["tab"], "back, clear": ["esc"]}
    entries = [[(" ".join(keys), what) for what, keys in group.items()] for group in (verbs, moves, everywhere)]

    def make(width: int, _height: int) -> list[Line]:
        lines = _columns(entries[0], width)
        for name, group in (("Moving", entries[1]), ("Everywhere", entries[2])):
            lines += [(), (Cell(name, Tone.STRONG),), *_columns(group, width)]
        return lines

    name = getattr(screen, "NAME", "") or "this box"
    return Reader(f"Keys · {name}", make)


def _screens(keys: dict[str, list[str]]) -> dict[str, list[str]]:
    """The numbered screens in one entry, as long as their keys are one character each."""
    shown = [keys.get(name, []) for name in PAGES]
    if not all(len(each) == 1 and len(each[0]) == 1 for each in shown):
        return keys
    rest = {what: each for what, each in keys.items() if what not in PAGES}
    return {"screens": [f"{shown[0][0]}-{shown[-1][0]}"], **rest}


def _shown_key(binding: Binding, key: str) -> str:
    return binding.key_display or key_name(key)


def _columns(entries: list[tuple[str, str]], width: int) -> list[Line]:
    columns = 2 if width >= 56 else 1
    each = width // columns
    rows = -(-len(entries) // columns)
    lines = []
    keys_width = min(max((width_of(k) for k, _ in entries), default=4) + 2, 16)
    for row in range(rows):
        cells: list[Cell] = []
        for column in range(columns):
            index = row + column * rows
            if index < len(entries):
                keys, what = entries[index]
                cells += [Cell(fit(keys, keys_width), Tone.KEY), Cell(fit(what, each - keys_width))]
        lines.append(tuple(cells))
    return lines
