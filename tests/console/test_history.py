"""Rings, charts' columns and rates."""

from __future__ import annotations

from dataclasses import replace

from api.models import QueueSnapshot
from console.history import QueueHistory, Rates, Ring


def test_a_ring_is_bounded_and_never_goes_back() -> None:
    ring = Ring(3)
    for at, value in [(1, 10), (2, 20), (2, 99), (1, 99), (3, 30), (4, 40)]:
        ring.add(at, value)
    assert list(ring) == [(2, 20), (3, 30), (4, 40)]
    assert ring.last == 40
    assert len(ring) == 3
    assert Ring().last is None


def test_columns_hold_the_greatest_of_each_slice_and_show_gaps() -> None:
    ring = Ring()
    for at, value in [(100, 1), (101, 5), (102, 2), (130, 7)]:
        ring.add(at, value)
    columns = ring.columns(4, now=139, span_s=40)
    assert columns == [5, 5, 5, 7]
    assert ring.columns(0, 139, 40) == []
    assert ring.columns(4, now=100, span_s=40)[:3] == [None, None, None]


def test_a_long_gap_stays_a_gap() -> None:
    ring = Ring()
    ring.add(100, 3)
    ring.add(190, 4)
    assert ring.columns(10, now=199, span_s=100) == [3, 3, 3, None, None, None, None, None, None, 4]


def test_columns_move_by_whole_slices() -> None:
    ring = Ring()
    for n in range(60):
        ring.add(1000 + n, n)
    before = ring.columns(10, now=1059.0, span_s=50)
    assert ring.columns(10, now=1059.9, span_s=50) == before


def queue(at: float, accepted: int, ready: int, **more: int) -> QueueSnapshot:
    return replace(QueueSnapshot(taken_at=at, accepted=accepted, ready=ready), **more)  # type: ignore[arg-type]


def test_rates_come_from_counters() -> None:
    history = QueueHistory(window_s=10)
    history.add(queue(100, 1000, 50))
    assert history.rates == Rates(None, None)
    assert history.rates.growth == 0
    history.add(queue(105, 1100, 100))
    assert history.rates == Rates(20.0, 10.0)
    assert history.rates.growth == 10.0
    assert history.depth.last == 100


def test_the_window_slides() -> None:
    history = QueueHistory(window_s=10)
    for second in range(30):
        history.add(queue(100 + second, 1000 + (second * 10 if second < 15 else 150), 0))
    assert history.rates == Rates(0.0, 0.0)


def test_dead_letters_do_not_count_as_stored() -> None:
    history = QueueHistory()
    history.add(queue(100, 1000, 10))
    history.add(queue(110, 1000, 0, dead=10))
    assert history.rates.leaving == 0.0


def test_a_counter_that_went_back_starts_anew() -> None:
    history = QueueHistory()
    history.add(queue(100, 1000, 10))
    history.add(queue(101, 1010, 10))
    history.add(queue(102, 5, 0))
    history.add(queue(103, 10, 0))
    assert history.rates == Rates(5.0, 5.0)


def test_a_reading_that_is_not_newer_changes_nothing() -> None:
    history = QueueHistory()
    history.add(queue(100, 1000, 10))
    history.add(queue(100, 2000, 10))
    assert history.rates.arriving is None


def test_a_clock_that_jumped_back_far_starts_anew() -> None:
    history = QueueHistory()
    history.add(queue(1000, 1000, 0))
    history.add(queue(10, 1000, 0))
    history.add(queue(11, 1007, 0))
    assert history.rates.arriving == 7.0
