"""Tables: rows by key, the cursor's place, columns that give way."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from console.format import Cell, Tone, line_width
from console.tui.present.grid import Column, Row
from console.tui.widgets.table import Table

COLUMNS = (Column("a", 4), Column("b", 6, grow=1, right=True), Column("c", 5, from_width=30))


def rows(keys: Sequence[str]) -> list[Row]:
    return [Row(key, (Cell(key), Cell(f"b{key}"), Cell("c", Tone.DIM))) for key in keys]


def drawn(table: Table, width: int, height: int) -> list[str]:
    return ["".join(cell.text for cell in line.line) for line in table.body(width, height)]


def test_columns_take_the_room_there_is() -> None:
    table = Table("t", COLUMNS)
    table.show(rows(["1"]))
    assert drawn(table, 20, 5) == [" a                 b", " 1                b1"]
    wide = drawn(table, 40, 5)
    assert wide[0].rstrip() == " a                              b  c"
    assert all(line_width(line.line) <= 40 for line in table.body(40, 5))


@given(st.lists(st.lists(st.integers(0, 12), unique=True, max_size=12), min_size=1, max_size=8), st.integers(0, 11))
def test_the_cursor_stays_on_its_row(listings: list[list[int]], start: int) -> None:
    table = Table("t", COLUMNS)
    table.show(rows([str(n) for n in listings[0]]))
    table._go(start)
    for listing in listings[1:]:
        before, place = table.key, table._cursor
        keys = [str(n) for n in listing]
        table.show(rows(keys))
        if before in keys:
            assert table.key == before
        elif keys:
            assert table._cursor == min(place, len(keys) - 1)
        else:
            assert table.key == ""


def test_a_live_list_is_followed_at_the_top_until_the_reader_moves() -> None:
    table = Table("t", COLUMNS, follow_top=True)
    table.show(rows("cba"))
    assert table.key == "c"
    table.show(rows("dcba"))
    assert table.key == "d"
    table._go(1)
    table.show(rows("edcba"))
    assert table.key == "c"
    table.action_end(-1)
    table.show(rows("fedcba"))
    assert table.key == "f"


def test_selection_is_by_key_and_ends_with_the_row() -> None:
    table = Table("t", COLUMNS, selectable=True)
    table.show(rows("abc"))
    table.selection.toggle("b")
    table.selection.toggle("c")
    table.show(rows("cab"))
    assert table.selected == {"b", "c"}
    assert [line[1] for line in drawn(table, 20, 9)[1:]] == ["◆", " ", "◆"]
    table.show(rows("a"))
    assert table.selected == set()
    table.selection.toggle("a")
    table.selection.toggle("a")
    assert table.selected == set()


def test_nothing_to_show() -> None:
    table = Table("t", COLUMNS)
    assert table.body(20, 5) == []
    assert table.key == ""
    table.action_move(1)
    table.action_end(1)
    table.action_open()
    assert not table.move_to("x")
