"""What is stored of a lead for search: whatever fragment of the text is asked for, its parts are among those stored."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from api.store.text import fold, parts, parts_of, search_texts

digits = st.text("0123456789", max_size=18)
phones = st.one_of(digits, st.text("0123456789 +-()x", max_size=40), st.text("１２①½²٣ ", max_size=12))
texts = st.one_of(st.text("ana silvé@.-07", max_size=30), st.text(max_size=20))


@given(name=texts, email=texts, phone=phones, ids=st.lists(st.one_of(digits, texts), max_size=2), data=st.data())
def test_a_fragments_parts_are_among_the_texts(
    name: str, email: str, phone: str, ids: list[str], data: st.DataObject
) -> None:
    search, stored = search_texts(name, email, phone, *ids)
    start = data.draw(st.integers(0, len(search)))
    fragment = fold(search[start : start + data.draw(st.integers(0, 25))])
    assume(fragment in search)
    letters, *codes = parts_of(fragment)
    assert letters in stored
    for code in codes:
        assert all(code[n : n + 3] in stored for n in range(len(code) - 2))


def test_four_digits_in_a_row_have_a_code_whatever_stands_between() -> None:
    _, four = parts_of("1234")
    assert len(four) == 3
    for text in ("x1234", "12-34", "(1)2.3 1234", "0012345"):
        assert four in parts(text)
    for text in ("123 4", "1243", "abc"):
        assert four not in parts(text)
    assert parts_of("123") == [""]


def test_only_words_that_are_no_numbers_are_kept() -> None:
    assert parts("ana7b@x.de 12 (3) é1 x") == "ana7b@x.de é1 x"
    assert parts_of("7b@") == ["7b@"]
    assert parts_of("-71 ") == [""]
