"""Leads per form and day: exact whoever writes, completes or erases leads, and however often they are put together."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from api.store import FormDay, Reader, Writer
from api.store.migrate import migrate
from tests.api.store import making

DAY = datetime(2026, 3, 1, tzinfo=UTC)
ALWAYS = (date(2000, 1, 1), date(2100, 1, 1))


def counted(url: str) -> dict[tuple[str, date], int]:
    """What counting every row gives."""
    with psycopg.connect(url) as connection:
        rows = connection.execute("SELECT form_id, received_at FROM leads").fetchall()
    return dict(Counter((form, at.astimezone(UTC).date()) for form, at in rows))


async def told(reader: Reader) -> dict[tuple[str, date], int]:
    """What the reader says."""
    return {(each.form_id, each.day): each.leads for each in await reader.counts(*ALWAYS)}


async def test_days_are_in_utc_newest_first_and_the_largest_form_first(writer: Writer, reader: Reader) -> None:
    edge = [("77", -1e-3), ("77", 0.0), ("78", 0.0), ("78", 86_399.999), ("79", 86_400.0)]
    await writer.write(
        [
            making.write(making.job(form=form, received_at=DAY.timestamp() + seconds), form_name=f"Form {form}")
            for form, seconds in edge
        ]
    )
    first = DAY.date()
    expected = (
        FormDay("79", "Form 79", first + timedelta(days=1), 1),
        FormDay("78", "Form 78", first, 2),
        FormDay("77", "Form 77", first, 1),
        FormDay("77", "Form 77", first - timedelta(days=1), 1),
    )
    assert await reader.counts(*ALWAYS) == expected
    assert await reader.counts(*ALWAYS, limit=2) == expected[:2]
    assert await reader.counts(first, first + timedelta(days=1)) == expected[1:3]
    assert await reader.counts(*ALWAYS, form="77") == await reader.counts(*ALWAYS, form="form 77") == expected[2:]
    assert await reader.counts(*ALWAYS, form="80") == await reader.counts(*ALWAYS, form="\0") == ()


async def test_counts_stay_exact_when_leads_come_again_are_completed_and_erased(
    writer: Writer, reader: Reader, store_url: str
) -> None:
    batch = [
        making.write(making.job(form=f"{77 + n % 3}", received_at=DAY.timestamp() + n * 20_000)) for n in range(30)
    ]
    await writer.write([making.partial(write) if n % 2 else write for n, write in enumerate(batch)])
    await writer.write(batch)
    other = making.write(making.job(external_id=batch[1].job.external_id, form="99"))
    with psycopg.connect(store_url, autocommit=True) as connection:
        connection.execute("UPDATE leads SET status = 'partial' WHERE external_id = %s", [other.job.external_id])
        await writer.write([other])
        assert (await told(reader)).get(("99", (DAY + timedelta(seconds=20_000)).date())) == 1
        assert await told(reader) == counted(store_url)
        connection.execute("DELETE FROM leads WHERE form_id = '77'")
        assert await told(reader) == counted(store_url)
        await writer.tidy()
        assert await told(reader) == counted(store_url)
        rows = connection.execute("SELECT count(*), count(DISTINCT (day, form_id)) FROM form_days").fetchone()
        assert rows is not None
        assert rows[0] == rows[1] == len(counted(store_url))
        connection.execute("TRUNCATE leads")
        assert await told(reader) == {}


async def test_tidying_at_once_by_several_while_leads_arrive_loses_and_doubles_nothing(
    writer: Writer, reader: Reader, store_url: str
) -> None:
    async def bring(n: int) -> None:
        for k in range(10):
            at = DAY.timestamp() + (n + k) % 3 * 86_400
            await writer.write([making.write(making.job(form=f"{77 + m % 2}", received_at=at)) for m in range(5)])

    async def tidy() -> None:
        for _ in range(10):
            await writer.tidy()

    await asyncio.gather(*(bring(n) for n in range(3)), *(tidy() for _ in range(3)))
    assert await told(reader) == counted(store_url)
    assert sum(counted(store_url).values()) == 150


@pytest.mark.parametrize("before", ["0004_form_days.sql"])
async def test_leads_that_were_there_before_are_counted(
    writer: Writer, reader: Reader, store_url: str, before: str
) -> None:
    await writer.write([making.write(making.job(received_at=DAY.timestamp()))])
    with psycopg.connect(store_url, autocommit=True) as connection:
        connection.execute("DROP TABLE form_days")
        connection.execute("DROP FUNCTION count_form_days, move_form_day, count_no_form_days CASCADE")
        connection.execute("DELETE FROM schema_migrations WHERE name = %s", [before])
    assert await migrate(store_url) == [before]
    assert await told(reader) == counted(store_url) != {}
