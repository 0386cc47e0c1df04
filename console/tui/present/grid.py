"""What a table is made of: columns, and rows known by key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from console.format import Cell


@dataclass(frozen=True, slots=True)
class Column:
    """A column: `width` cells, plus a share `grow` of what is left; left out below a table width of `from_width`."""

    title: str
    width: int
    grow: int = 0
    right: bool = False
    from_width: int = 0


class Row(NamedTuple):
    """A row: its identity, and one cell for each column."""

    key: str
    cells: tuple[Cell, ...]
