"""The log in memory: order, bounds, and a filtered view that is always what filtering everything would give."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.snapshots import LogLine
from console.tui.logbook import ENTRY_BYTES, Logbook, LogFilter, LogView, compiled, needle_of


def line(at: float, text: str = "x", service: str = "app") -> LogLine:
    return LogLine(at, service, service, text)


def texts(book: Logbook) -> list[str]:
    return [entry.line.text for entry in book.entries]


def test_late_lines_are_sorted_in_and_equal_times_keep_their_order() -> None:
    book = Logbook()
    assert book.extend([line(1, "a"), line(3, "c"), line(5, "e")]) == 0
    assert book.extend([line(4, "d"), line(2, "b"), line(3, "c2")]) == 1
    assert texts(book) == ["a", "b", "c", "c2", "d", "e"]
    assert book.extend([]) == 6
    assert book.extend([line(9, "f")]) == 6


def test_the_oldest_go_when_the_room_is_used_up() -> None:
    book = Logbook(max_bytes=100 * (ENTRY_BYTES + 10))
    for n in range(1000):
        book.extend([line(n, f"{n:010d}")])
        assert book.bytes <= 100 * (ENTRY_BYTES + 10)
    assert texts(book)[-1] == f"{999:010d}"
    assert len(book) + book.dropped == 1000
    assert book.bytes == sum(len(t) + ENTRY_BYTES for t in texts(book))


def test_one_huge_line_does_not_stay_for_ever() -> None:
    book = Logbook(max_bytes=1000)
    book.extend([line(1, "x" * 5000)])
    assert len(book) == 0


def test_patterns_are_smart_about_case_and_take_a_broken_one_literally() -> None:
    def find(pattern: str, text: str) -> bool:
        regex = compiled(pattern)
        assert regex is not None
        return regex.search(text) is not None

    assert compiled("") is None
    assert find("error", "ERROR")
    assert not find("Error", "ERROR")
    assert find("(#100", "x (#100) y")
    assert find("a|b$", "xb")


FILTERS = st.builds(
    LogFilter,
    hidden=st.sampled_from([frozenset(), frozenset({"app"}), frozenset({"app", "db"})]),
    level=st.sampled_from([0, 30]),
    since=st.sampled_from([0.0, 10.0]),
    pattern=st.sampled_from(["", "1", "5$", "nothing"]),
    inverse=st.booleans(),
).map(lambda f: replace(f, inverse=f.inverse and bool(f.pattern), regex=compiled(f.pattern)))
LINES = st.builds(
    line,
    st.integers(0, 40).map(float),
    st.tuples(st.sampled_from(["WARN ", "ERROR ", ""]), st.integers(0, 60)).map(lambda pair: f"{pair[0]}{pair[1]}"),
    st.sampled_from(["app", "db", "worker"]),
)


@given(FILTERS, FILTERS, st.lists(st.lists(LINES, max_size=12), max_size=12), st.integers(0, 12), st.integers(1, 7))
def test_a_view_is_what_filtering_everything_gives(
    first: LogFilter, second: LogFilter, batches: list[list[LogLine]], change_at: int, size: int
) -> None:
    book = Logbook(max_bytes=40 * (ENTRY_BYTES + 7))
    view = LogView(book)
    list(view.scan(first))
    for n, batch in enumerate(batches):
        view.update(book.extend(batch))
        if n == change_at:
            list(view.scan(second, slice_lines=size))
        assert view.entries == view.filter.select(book.entries)
    for index, entry in enumerate(view.entries):
        assert view.position(entry) == index


def test_the_place_of_a_line_that_is_not_shown_is_where_it_would_be() -> None:
    book = Logbook()
    book.extend([line(n, str(n)) for n in range(10)])
    view = LogView(book)
    gone = book.entries[4]
    list(view.scan(LogFilter(pattern="4", inverse=True, regex=compiled("4"))))
    assert view.position(gone) == 4
    assert view.entries[4].line.text == "5"


def test_newest_lines_are_searched_first() -> None:
    book = Logbook()
    book.extend([line(n, str(n)) for n in range(20_000)])
    view = LogView(book)
    slices = view.scan(LogFilter(pattern="9", regex=compiled("9")), slice_lines=1000)
    left = next(slices)
    assert left == 15_000
    assert view.entries[-1].line.text == "19999"
    assert list(slices)[-1] == 0
    assert len(view.entries) == sum("9" in str(n) for n in range(20_000))


@pytest.mark.parametrize(
    ("pattern", "needle", "whole"),
    [
        ("failed", "failed", True),
        ("graph.*limited", "limited", False),
        ("pay+ment", "ment", False),
        ("ab?cd", "cd", False),
        ("^lead", "lead", False),
        (r"lead\.dead", "", False),
        ("a|b", "", False),
        ("[ab]c", "", False),
        ("größe", "", False),
    ],
)
def test_a_text_that_every_match_holds(pattern: str, needle: str, whole: bool) -> None:
    assert needle_of(pattern) == (needle, whole)


@given(
    st.one_of(st.text("abAB.*+?^$|é[]() \\", max_size=6), st.sampled_from(["a.*b", "ab?a", "^a+b", "(a|b)a", "A"])),
    st.booleans(),
    st.lists(st.text("abABé. *", max_size=8), max_size=12),
)
def test_what_is_selected_is_what_the_pattern_matches(pattern: str, inverse: bool, lines: list[str]) -> None:
    book = Logbook()
    book.extend([line(n, text) for n, text in enumerate(lines)])
    regex = compiled(pattern)
    found = LogFilter(pattern=pattern, inverse=inverse, regex=regex).select(book.entries)
    assert [e.line.text for e in found] == [t for t in lines if regex is None or bool(regex.search(t)) is not inverse]
