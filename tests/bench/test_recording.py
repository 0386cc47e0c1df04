"""What a recording of a screen says: how far behind it was, and when keys were answered."""

from __future__ import annotations

import pytest

from tests.bench.recording import Recording, seen

AT = 1_790_000_000.0


def test_behind_is_the_age_of_the_newest_line_whenever_it_is_looked_at() -> None:
    lines = [(AT + n, f"\r\n@{AT + n - 0.5:.3f} {n}".encode()) for n in range(11)]
    found = seen(Recording(lines), b"", AT + 5, AT + 10, "menu", "x")
    assert min(found.behind) == pytest.approx(0.5, abs=0.11)
    assert max(found.behind) == pytest.approx(1.5, abs=0.11)
    assert found.key_s == []


def test_a_key_is_answered_once_its_text_is_on_the_screen() -> None:
    chunks = [(AT + 0.1, b"log"), (AT + 0.3, b"\x1b[5;5Hthe menu"), (AT + 0.4, b"\x1b[2Jlog"), (AT + 1.2, b"menu")]
    keys = [(AT, "x"), (AT + 0.35, "\x1b"), (AT + 1.0, "x")]
    assert seen(Recording(chunks, keys), b"", AT, AT + 2, "menu", "x").key_s == pytest.approx([0.3, 0.2])


def test_nothing_shown_is_nothing_behind() -> None:
    assert seen(Recording([(AT + 1, b"quiet")]), b"", AT, AT + 1, "menu", "x").behind == []
