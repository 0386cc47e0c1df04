"""Points in time as operators write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from console.cli.times import point
from console.errors import UsageError

NOW = datetime(2026, 11, 24, 12, 4, 33, 500, tzinfo=timezone(timedelta(hours=-3)))


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


@pytest.mark.parametrize(
    "text", ["", "yesterday", "25:00", "-3d", "15x", "999999999w", "2026-13-01", "١٥m", "1" * 400 + "d"]
)
def test_anything_else_is_a_usage_error_that_names_the_option(text: str) -> None:
    with pytest.raises(UsageError, match=r"^--since .*is not a time$"):
        point(text, NOW, "--since")
