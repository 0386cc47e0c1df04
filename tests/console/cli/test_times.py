"""Points in time as operators write them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from console.cli.times import point
from console.errors import UsageError

NOW = datetime(2026, 11, 24, 12, 4, 33, 500).astimezone()


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("15m", NOW - timedelta(minutes=15)),
        ("15 min", NOW - timedelta(minutes=15)),
        ("1.5h", NOW - timedelta(minutes=90)),
        ("3d", NOW - timedelta(days=3)),
        ("90s", NOW - timedelta(seconds=90)),
        ("9:05", NOW.replace(hour=9, minute=5, second=0, microsecond=0)),
        ("09:05:59", NOW.replace(hour=9, minute=5, second=59, microsecond=0)),
        ("2026-11-24T10:00:00Z", datetime(2026, 11, 24, 10, tzinfo=UTC)),
        ("2026-11-24T10:00:00-03:00", datetime(2026, 11, 24, 13, tzinfo=UTC)),
    ],
)
def test_it_is_read(text: str, meant: datetime) -> None:
    assert point(text, NOW, "--since") == meant


def test_a_day_is_local() -> None:
    assert point("2026-11-24", NOW, "--since") == datetime(2026, 11, 24).astimezone()


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine is in Berlin."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("now", "text", "meant"),
    [
        (datetime(2026, 10, 25, 11, tzinfo=UTC), "1:30", datetime(2026, 10, 24, 23, 30, tzinfo=UTC)),
        (datetime(2026, 10, 25, 11, tzinfo=UTC), "9:00", datetime(2026, 10, 25, 8, tzinfo=UTC)),
        (datetime(2026, 3, 29, 10, tzinfo=UTC), "1:30", datetime(2026, 3, 29, 0, 30, tzinfo=UTC)),
    ],
)
def test_a_time_of_day_is_meant_as_clocks_showed_it(now: datetime, text: str, meant: datetime) -> None:
    assert point(text, now.astimezone(), "--since") == meant


@pytest.mark.parametrize(
    "text",
    [
        "", "yesterday", "25:00", "-3d", "15x", "999999999w", "2026-13-01", "١٥m", "1" * 400 + "d",
        "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00",
    ],
)  # fmt: skip
def test_anything_else_is_a_usage_error_that_names_the_option(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--since .*is not a time$"):
        point(text, NOW, "--since")
