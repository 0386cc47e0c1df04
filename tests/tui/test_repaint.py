"""When the open screen is drawn: what changes together is drawn once, what nobody should wait for at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from console.snapshots import Reading
from console.tui.messages import Read
from console.tui.screens.overview import Overview
from console.tui.state import INTERVALS_S, LIVELY_S, Kind, Kinds
from tests.tui.conftest import Seat, opened


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Kinds]:
    """What the overview has drawn after a reading."""
    found: list[Kinds] = []
    show = Overview.show

    def noted(self: Overview, kinds: Kinds | None) -> None:
        if kinds is not None:
            found.append(kinds)
        show(self, kinds)

    monkeypatch.setattr(Overview, "show", noted)
    return found


async def alone(seat: Seat) -> None:
    """Nothing reads any more but the test."""
    await seat.until(lambda: all(seat.app.known.reading(k).value for k in (Kind.STACK, Kind.QUEUE, Kind.LEADS)))
    await seat.app._stop_reading()
    await seat.pilot.pause()


def say(seat: Seat, kind: Kind, error: str = "") -> None:
    """Another reading of that kind comes, which differs from the one before, or fails."""
    before = seat.app.known.reading(kind)
    value: Any = before.value
    if kind is Kind.LEADS:
        value = replace(value, total=value.total + 1)
    elif kind is Kind.QUEUE:
        value = replace(value, ready=value.ready + 1)
    else:
        value = replace(value, taken_at=value.taken_at + 1)
    reading = Reading(value, taken_at=before.taken_at, seq=before.seq + 1, error=error)
    seat.app.post_message(Read(kind, reading))


async def test_readings_that_come_together_are_drawn_together(drawn: list[Kinds]) -> None:
    async with opened() as seat:
        await alone(seat)
        drawn.clear()
        for kind in (Kind.STACK, Kind.QUEUE, Kind.LEADS):
            say(seat, kind)
        await seat.until(lambda: drawn)
        assert drawn == [frozenset({Kind.STACK, Kind.QUEUE, Kind.LEADS})]


async def test_a_failure_and_its_end_are_drawn_at_once(drawn: list[Kinds], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.tui.repaint.SETTLE_S", 3600.0)
    async with opened() as seat:
        await alone(seat)
        drawn.clear()
        say(seat, Kind.QUEUE, "Redis does not answer")
        await seat.sees("Redis does not answer")
        say(seat, Kind.QUEUE)
        await seat.until(lambda: len(drawn) == 2)


async def test_leads_are_read_more_often_while_they_change() -> None:
    async with opened() as seat:
        pollers = seat.app._pollers

        def pace() -> float:
            return pollers[Kind.LEADS]._interval_s if Kind.LEADS in pollers else 0.0

        await seat.until(lambda: pace() == INTERVALS_S[Kind.LEADS], "leads that do not change are read at rest")
        seat.world.total += 1
        await seat.until(lambda: pace() == LIVELY_S[Kind.LEADS], "leads that change are read often")
        await seat.until(lambda: pace() == INTERVALS_S[Kind.LEADS], "and at rest again")
