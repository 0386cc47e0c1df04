"""What a table is made of: columns, and rows known by key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

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


class Listed(Sequence[Row]):
    """The rows of a long list, each made when it is looked at.

    Args:
        keys: their identities.
        make: the row at an index.
    """

    def __init__(self, keys: Iterable[str], make: Callable[[int], Row]) -> None:
        self.keys = list(keys)
        self._make = make

    def __len__(self) -> int:
        return len(self.keys)

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> list[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | list[Row]:
        if isinstance(index, slice):
            return [self._make(n) for n in range(*index.indices(len(self.keys)))]
        return self._make(range(len(self.keys))[index])
