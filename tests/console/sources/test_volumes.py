"""The reading of volumes: growth comes with it from the second one on, and says when the disk will be full."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest

from console.ports import Runtime
from console.snapshots import Volume, VolumesSnapshot
from console.sources.volumes import VolumesReader
from console.wording import growing_daily

GB = 10**9


class Disk:
    """A runtime with one volume, that grows as told."""

    name, title = "docker", "leads"

    def __init__(self) -> None:
        self.at, self.size = 0.0, 0

    async def volumes(self) -> VolumesSnapshot:
        return VolumesSnapshot((Volume("data", "/data", ("db",), self.size),), self.at, 100 * GB, 50 * GB)


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    """One that nobody has looked at."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return Disk()


async def test_growth_a_day_comes_with_the_second_reading(disk: Disk) -> None:
    reader = VolumesReader(lambda: cast("Runtime", disk))
    first = await reader.read()
    assert (first.volumes[0].growth_bytes_day, first.volumes[0].growth_over_s, first.days_left) == (None, None, None)
    disk.at, disk.size = 7_200.0, GB
    second = await VolumesReader(lambda: cast("Runtime", disk)).read()
    assert second.volumes[0].growth_bytes_day == pytest.approx(12 * GB)
    assert second.volumes[0].growth_over_s == 7_200.0
    assert second.days_left == pytest.approx(50 / 12)


async def test_of_a_stack_that_leaves_nothing_behind_nothing_is_kept(disk: Disk, tmp_path: Path) -> None:
    reader = VolumesReader(lambda: cast("Runtime", disk), passing=True)
    await reader.read()
    disk.at, disk.size = 7_200.0, GB
    assert (await reader.read()).volumes[0].growth_bytes_day == pytest.approx(12 * GB)
    assert list(tmp_path.iterdir()) == []


async def test_a_few_minutes_say_nothing_of_the_days_to_come(disk: Disk) -> None:
    reader = VolumesReader(lambda: cast("Runtime", disk))
    await reader.read()
    disk.at, disk.size = 600.0, GB
    found = await reader.read()
    assert found.volumes[0].growth_bytes_day == pytest.approx(144 * GB)
    assert found.days_left is None


async def test_what_shrinks_or_is_on_a_disk_that_nobody_knows_fills_none(disk: Disk) -> None:
    disk.size = GB
    reader = VolumesReader(lambda: cast("Runtime", disk))
    await reader.read()
    disk.at, disk.size = 7_200.0, 0
    found = await reader.read()
    assert found.volumes[0].growth_bytes_day == pytest.approx(-12 * GB)
    assert found.days_left is None
    grown = Volume("data", "", (), GB, growth_bytes_day=1.0, growth_over_s=7_200.0)
    assert VolumesSnapshot((grown,), 1.0).days_left is None


def test_growth_in_words() -> None:
    assert growing_daily(12e9, "2h") == "+12 GB/day in 2h"
    assert growing_daily(-12e9, "2h") == "−12 GB/day in 2h"
    assert growing_daily(900_000, "2h") == "steady"
