"""Lays out tables for the command line: aligned columns, measured in terminal cells, fitted to a width. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from console.format import Cell, Line, Tone, fit, width_of

GAP = "  "


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Attributes:
        right: aligned to the right, as numbers are.
        least: cells below which it is not squeezed; 0: it is never squeezed.
        optional: left out, the highest first, when the table is still too wide; 0: always there.
    """

    title: str
    right: bool = False
    least: int = 0
    optional: int = 0


def layout(columns: Sequence[Column], rows: Sequence[Sequence[str | Cell]], width: int | None) -> Iterator[Line]:
    """The table's lines: a dim head if any column has a title, then the rows. `width` None: as wide as it needs."""
    body = [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
    natural = [
        max([width_of(column.title), *(width_of(row[i].text) for row in body)]) for i, column in enumerate(columns)
    ]
    sizes = _fit(columns, natural, width)
    if any(column.title for column in columns):
        yield _line(columns, [Cell(column.title, Tone.DIM) for column in columns], sizes)
    for row in body:
        yield _line(columns, row, sizes)


def _fit(columns: Sequence[Column], natural: Sequence[int], width: int | None) -> dict[int, int]:
    """Column index → cells. Drops optional columns, then squeezes the widest of those that may be squeezed."""
    sizes = dict(enumerate(natural))
    if width is None:
        return sizes
    least = [min(size, column.least or size) for size, column in zip(natural, columns, strict=True)]
    for index in sorted((i for i, c in enumerate(columns) if c.optional), key=lambda i: -columns[i].optional):
        if sum(least[i] for i in sizes) + _gaps(sizes) <= width:
            break
        del sizes[index]
    while sum(sizes.values()) + _gaps(sizes) > width:
        soft = [i for i in sizes if sizes[i] > least[i]]
        if not soft:
            break
        sizes[max(soft, key=lambda i: sizes[i])] -= 1
    return sizes


def _gaps(sizes: dict[int, int]) -> int:
    return len(GAP) * (len(sizes) - 1)


def _line(columns: Sequence[Column], cells: Sequence[Cell], sizes: dict[int, int]) -> Line:
    """The cells with the room between them; nothing trails."""
    line: list[Cell] = []
    last = max((i for i in sizes if cells[i].text), default=-1)
    for index, size in sizes.items():
        if index > last:
            break
        text = fit(cells[index].text, size, right=columns[index].right)
        line.append(Cell(text.rstrip() if index == last else text, cells[index].tone))
        if index != last:
            line.append(Cell(GAP))
    return tuple(line)
