"""What may be shown of a text, and how numbers, times and shapes are written."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.models import JobState
from console import format as shown
from console.format import Tone
from console.snapshots import State
from console.tui.present.logs import wrapped


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("", ""),
        ("a\tb\r\nc", "a b  c"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]52;c;aGFjaw==\x1b\\after", "after"),
        ("\x9b2Jgone", "gone"),
        ("\x1bPdcs\x1b\\x", "x"),
        ("a\x00b\x7fc\x85d", "abcd"),
        ("evil\u202egnp.exe", "evilgnp.exe"),
        ("a\u200bb\u200dc\ufeffd\u2060e\u00ade", "abcdee"),
        ("line\u2028sep\u2029par", "line sep par"),
        ("nb\u00a0sp", "nb sp"),
        ("全\u3000角", "全\u3000角"),
        ("\ud800lone", "\ufffdlone"),
        ("\ue000private", "\ufffdprivate"),
        ("Z\u0334\u0335\u0336\u0337algo", "Z\u0334\u0335algo"),
        ("👍🏽", "👍"),
        ("❤\ufe0f", "❤"),
        ("🇧🇷", "BR"),
        ("\u3164filler", " filler"),
        ("[bold]x[/]", "[bold]x[/]"),
    ],
)
def test_only_what_can_be_shown_is_left(text: str, expected: str) -> None:
    assert shown.safe(text) == expected


def test_long_text_is_cut_with_an_ellipsis() -> None:
    assert shown.safe("x" * 600, 10) == "x" * 9 + "…"
    assert shown.safe("x" * 10, 10) == "x" * 10
    assert shown.safe("\x00" * 10_000 + "x", 10) == "…", "what was not looked at is said to be missing"


def test_other_things_than_text_are_shown_as_text() -> None:
    assert shown.safe(12) == "12"


@given(st.text(alphabet=st.characters(codec=None), max_size=300), st.integers(1, 120))
def test_nothing_moves_hides_or_reorders(text: str, limit: int) -> None:
    out = shown.safe(text, limit)
    assert len(out) <= limit
    for char in out:
        assert unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


@given(st.text(max_size=80), st.integers(1, 40), st.booleans())
def test_a_fitted_text_has_its_width_exactly(text: str, width: int, right: bool) -> None:
    assert shown.width_of(shown.fit(shown.safe(text), width, right=right)) == width


@pytest.mark.parametrize(
    ("text", "width", "right", "expected"),
    [
        ("abc", 5, False, "abc  "),
        ("abc", 5, True, "  abc"),
        ("abcdef", 4, False, "abc…"),
        ("山田太郎", 5, False, "山田…"),
        ("山田太郎", 4, False, "山… "),
        ("abc", 0, False, ""),
    ],
)
def test_fit(text: str, width: int, right: bool, expected: str) -> None:
    assert shown.fit(text, width, right=right).rstrip() == expected.rstrip()


@given(st.text(max_size=200), st.integers(2, 30))
def test_wrapped_lines_fit_and_lose_no_letter(text: str, width: int) -> None:
    text = shown.safe(text, 200)
    lines = shown.wrap(text, width)
    assert all(shown.width_of(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


@given(st.text("aé漢 \u0334", max_size=400), st.integers(1, 12))
def test_the_beginning_tells_as_much_as_the_whole(text: str, width: int) -> None:
    assert shown.is_wider(text, width) == (shown.width_of(text) > width)
    assert shown.width_of(shown.fit(text, width)) == width


@pytest.mark.parametrize("pattern", ["plain text ", "é漢 ", "漢", "á"])
def test_breaking_a_long_text_looks_at_each_character_a_few_times_only(
    pattern: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = 0

    def counted(measure: Callable[..., Any]) -> Callable[..., Any]:
        def measured(text: str, *args: int) -> Any:
            nonlocal seen
            seen += len(text)
            return measure(text, *args)

        return measured

    for name in ("cell_len", "set_cell_size"):
        monkeypatch.setattr(shown, name, counted(getattr(shown, name)))
    text = (pattern * 16_000)[:16_000]
    assert len(shown.wrap(text, 30)) > 200
    assert seen < 40 * len(text)
    seen = 0
    rows = wrapped((shown.Cell(text),), 30)
    assert len(rows) > 200
    assert seen < 60 * len(text)


def test_wrap_breaks_at_spaces() -> None:
    assert shown.wrap("the queue is empty", 10) == ["the queue", "is empty"]
    assert shown.wrap("", 10) == [""]
    assert shown.wrap("x" * 25, 10) == ["x" * 10, "x" * 10, "x" * 5]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0 s"),
        (4.4, "4 s"),
        (59.9, "1 min"),
        (720, "12 min"),
        (3599, "1 h"),
        (18000, "5 h"),
        (172800, "2 d"),
        (-3, "0 s"),
    ],
)
def test_age(value: float, expected: str) -> None:
    assert shown.age(value) == expected


@pytest.mark.parametrize(("value", "expected"), [(0.0041, "4 ms"), (0.8, "0.8 s"), (12, "12 s"), (180, "3 min")])
def test_took(value: float, expected: str) -> None:
    assert shown.took(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "–"), (0, "0 B"), (999, "999 B"), (84_000_000, "84 MB"), (4_200_000_000, "4.2 GB"), (999_900, "1.0 MB")],
)
def test_size(value: float | None, expected: str) -> None:
    assert shown.size(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "–/s"), (0, "0/s"), (312.4, "312/s"), (0.42, "0.4/s"), (0.01, "<0.1/s"), (1204, "1,204/s")],
)
def test_rate(value: float | None, expected: str) -> None:
    assert shown.rate(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (1204, "1,204"),
        (99_999, "99,999"),
        (123_456, "123 k"),
        (1_234_567, "1.2 M"),
        (9_999_999_999, "10.0 G"),
    ],
)
def test_short_number_keeps_within_six_cells(value: int, expected: str) -> None:
    assert shown.short_number(value) == expected
    assert len(expected) <= 6


def test_times_are_local_and_never_raise() -> None:
    assert len(shown.clock(1_795_608_273.12)) == 8
    assert shown.clock_ms(1_795_608_273.125).endswith(".125")
    assert shown.clock(0) == shown.clock_ms(-1) == shown.clock(1e300) == "–"
    assert len(shown.moment(1_795_608_273, 1_795_608_273 + 10)) == 8
    assert len(shown.moment(1_795_608_273, 1_795_608_273 + 400_000)) > 8


def test_bars_show_everything_above_zero_and_gaps() -> None:
    assert shown.bars([0, 1, None, 8], 1, 8) == ["▁▁ █"]
    assert shown.bars([0.001], 1, 100) == ["▁"]
    assert shown.bars([16, 8], 2, 16) == ["█ ", "██"]
    assert shown.bars([], 2) == ["", ""]
    assert shown.bars([0, 0]) == ["▁▁"]


def test_every_state_has_a_shape_of_its_meaning() -> None:
    assert {shown.state_shape(state).text for state in State} == {"●", "◐", "✖", "○"}
    assert shown.state_shape(State.FAILED) == ("✖", Tone.BAD)
    assert all(shown.job_shape(state).text for state in JobState)
