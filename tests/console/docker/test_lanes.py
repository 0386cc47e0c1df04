"""Merging by time: history comes out in order, nobody waits for ever, and nothing fills the memory."""

from __future__ import annotations

import asyncio

from console.snapshots import LogLine
from console.stack.docker.lanes import LANE_BYTES, LANE_LINES, Lanes, in_order


def line(at: float, replica: str = "a") -> LogLine:
    return LogLine(at, "app", replica, f"{replica}{at:g}")


def lines(replica: str, *ats: float) -> list[LogLine]:
    return [line(at, replica) for at in ats]


def texts(found: list[LogLine]) -> list[str]:
    return [one.text for one in found]


async def test_newer_lines_wait_for_a_lane_that_catches_up() -> None:
    lanes = Lanes()
    old, new = lanes.add(), lanes.add()
    await new.put(lines("n", 5, 6))
    assert lanes.take() == []
    await old.put(lines("o", 1, 2))
    assert texts(lanes.take()) == ["o1", "o2"]
    await old.put(lines("o", 5.5))
    assert texts(lanes.take()) == ["n5", "o5.5"]
    old.close()
    assert texts(lanes.take()) == ["n6"]
    assert not lanes.done
    new.close()
    assert lanes.done


async def test_settled_lanes_are_taken_as_they_come() -> None:
    lanes = Lanes()
    one, silent = lanes.add(), lanes.add()
    await one.put(lines("a", 1))
    await lanes.settle(limit_s=5)
    assert silent.settled
    assert texts(lanes.take()) == ["a1"]
    await one.put(lines("a", 2))
    assert texts(lanes.take()) == ["a2"]


async def test_settling_ends_when_a_lane_never_falls_silent() -> None:
    lanes = Lanes()
    busy = lanes.add()

    async def flood() -> None:
        n = 0
        while not busy.settled:
            n += 1
            await busy.put([line(n)])
            lanes.take()
            await asyncio.sleep(0.01)

    flooding = asyncio.ensure_future(flood())
    await lanes.settle(limit_s=0.5)
    assert busy.settled
    await flooding


async def test_a_full_lane_holds_its_reader_back_until_it_is_taken() -> None:
    lanes = Lanes()
    lane = lanes.add()
    await lane.put([line(n) for n in range(LANE_LINES)])
    waiting = asyncio.ensure_future(lane.put([line(LANE_LINES)]))
    await asyncio.sleep(0)
    assert lanes.full
    assert not waiting.done()
    assert len(lanes.take()) == LANE_LINES
    await waiting
    assert len(lanes.take()) == 1


async def test_few_but_huge_lines_fill_a_lane_too() -> None:
    lanes = Lanes()
    lane = lanes.add()
    await lane.put([line(1)], LANE_BYTES)
    assert lanes.full
    lanes.take()
    assert not lanes.full


def test_a_replica_whose_clock_goes_back_keeps_its_order() -> None:
    merged = in_order([lines("a", 5, 3, 6), lines("b", 4)])
    assert [one.text for one in merged if one.replica == "a"] == ["a5", "a3", "a6"]
    assert len(merged) == 4


async def test_lanes_of_vanished_containers_are_forgotten() -> None:
    lanes = Lanes()
    gone = lanes.add()
    await gone.put([line(1)])
    gone.close()
    assert texts(lanes.take()) == ["a1"]
    assert lanes.done
