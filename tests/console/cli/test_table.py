"""Tables: aligned in cells, fitted to any width, numbers to the right."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from console.cli.table import Column, layout
from console.format import Cell, Tone, safe, width_of

COLUMNS = (
    Column("JOB"),
    Column("LEAD", least=6),
    Column("PAGE", least=4, optional=1),
    Column("COUNT", right=True),
    Column("ERROR", least=8, optional=2),
)


def lines(rows: list[list[str | Cell]], width: int | None) -> list[str]:
    return ["".join(cell.text for cell in line) for line in layout(COLUMNS, rows, width)]


ROW: list[str | Cell] = ["j1", "lead-4711", "山田のページ", "1,204", "something went wrong"]


def test_columns_are_aligned_and_numbers_stand_to_the_right() -> None:
    assert lines([ROW, ["j22", "x", "p", "7", ""]], None) == [
        "JOB  LEAD       PAGE          COUNT  ERROR",
        "j1   lead-4711  山田のページ  1,204  something went wrong",
        "j22  x          p                 7",
    ]


def test_what_does_not_fit_is_squeezed_then_left_out() -> None:
    assert lines([ROW], 45)[1] == "j1   lead-4711  山田のペ…   1,204  something…"
    assert lines([ROW], 30)[1] == "j1   lead-47…  山田の…   1,204"
    assert lines([ROW], 24)[1] == "j1   lead-…  山…   1,204"
    assert lines([ROW], 20)[1] == "j1   lead-47…  1,204"


def test_a_table_without_titles_has_no_head() -> None:
    assert list(layout((Column(""), Column("")), [["a", "b"]], 80)) == [(Cell("a"), Cell("  "), Cell("b"))]


def test_tones_stay_with_their_cells() -> None:
    cells = next(iter(list(layout((Column("A"),), [[Cell("x", Tone.BAD)]], 80))[1:]))
    assert cells == (Cell("x", Tone.BAD),)


@given(st.lists(st.lists(st.text(max_size=30).map(safe), min_size=5, max_size=5), max_size=5), st.integers(24, 120))
def test_no_line_is_wider_than_asked_unless_its_fixed_columns_are(rows: list[list[str]], width: int) -> None:
    fixed = sum(max([width_of(COLUMNS[i].title), *(width_of(row[i]) for row in rows)]) for i in (0, 3))
    least = fixed + 6 + 2 * 2
    for line in lines([list(row) for row in rows], width):
        assert width_of(line) <= max(width, least)
