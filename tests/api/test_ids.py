"""Ids: ULIDs that sort by the time they were made, also within a millisecond and when the clock steps back."""

from __future__ import annotations

import time

import pytest
from ulid import ULID

from api import ids
from api.ids import new_id, time_of


def test_ids_are_ulids_of_now() -> None:
    before = time.time()
    made = new_id()
    assert str(ULID.from_str(made)) == made
    assert before - 0.002 <= time_of(made) <= time.time() + 0.002


def test_ids_are_unique_and_in_order() -> None:
    made = [new_id() for _ in range(20_000)]
    assert made == sorted(set(made))


def test_ids_stay_in_order_when_the_clock_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    first = new_id()
    monkeypatch.setattr(time, "time_ns", lambda: 1_000_000_000)
    assert first < new_id() < new_id()


@pytest.mark.parametrize("text", ["", "x", "I" * 26, "0" * 25, "é" * 26])
def test_what_is_no_id_has_no_time(text: str) -> None:
    assert time_of(text) == 0.0


def test_the_numbers_of_a_millisecond_may_run_out(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [ids.new_id()]
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    for count in (ids._LAST - 2, ids._LAST):
        monkeypatch.setattr(ids, "_count", count)
        made += [ids.new_id() for _ in range(3)]
    assert made == sorted(set(made))
    assert all(len(one) == 26 for one in made)
