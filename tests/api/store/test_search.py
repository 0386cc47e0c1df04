"""Pages of leads against a model in Python: whatever is asked for, exactly the leads it means, newest first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.models import Lead, LeadFilter
from api.store import Reader, Writer, migrate, search
from api.store.search_index import KEYS, keys_of, start_of, stretch_of
from api.store.text import fold
from tests import servers
from tests.api.store import making

BEGIN = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = ("Ana Silva", "José 100% Größe", "王伟", "राहुल शर्मा", "Zoë O'Brien_x", "ＡＮＡ ﬁn", "Иван Ли", "a\\b c", "")
EMAILS = ("ana@gmail.com", "zoe4711_x@gmail.com", "li@mail.example", "100%@x.de", "")
FORMS = ("77", "78", "79")
CAMPAIGNS = ("", "c-1", "c-2")
SOURCES = ("meta", "forms")


@dataclass(frozen=True)
class Stored:
    """A database with leads, those leads as Python has them, and a reader with tiny limits."""

    leads: tuple[Lead, ...]
    url: str


@pytest.fixture(scope="module")
def stored(postgres_server: servers.PostgresServer) -> Iterator[Stored]:
    """400 leads over two years; some share their time, some were brought late."""
    url = postgres_server.create("t_search")
    yield asyncio.run(_fill(url))
    postgres_server.drop("t_search")


async def _fill(url: str) -> Stored:
    await migrate(url)
    writer, reader = Writer(url), Reader(url)
    batch = []
    for n in range(400):
        at = BEGIN - timedelta(hours=40 * (n * 7 % 400) // 3 * 3)
        write = making.write(
            making.job(
                received_at=at.timestamp(),
                source=SOURCES[n % 7 == 0],
                form=FORMS[n % 11 % 3],
                page=f"10{n % 2}",
            ),
            full_name=NAMES[n % len(NAMES)],
            email=EMAILS[n // 3 % len(EMAILS)],
            phone=f"+55 11 9{n:04d}-0000",
            phone_e164=f"+55119{n:04d}0000",
            campaign_id=CAMPAIGNS[n % 3],
            form_name="Shared" if n % 11 % 3 else "Alone",
        )
        batch.append(making.partial(write) if n % 13 == 0 else write)
    await writer.write(batch)
    await writer.close()
    leads: list[Lead] = []
    page = await reader.page(LeadFilter(), limit=1000)
    leads += page.leads
    await reader.close()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")
    assert len(leads) == 400
    return Stored(tuple(leads), url)


def meant(leads: Sequence[Lead], where: LeadFilter) -> list[int]:
    """The ids a filter means, newest first: the model."""
    text = fold(where.text)

    def matches(lead: Lead) -> bool:
        digits = "".join(sign for sign in lead.phone if sign.isdigit())
        parts = (lead.full_name, lead.email, lead.phone, digits, lead.phone_e164, lead.external_id)
        return (
            text in fold(" ".join(part for part in parts if part))
            and (not where.source or lead.source == where.source)
            and (not where.status or lead.status == where.status)
            and (not where.form or where.form.lower() in (lead.form_id, lead.form_name.lower()))
            and (not where.page or lead.page_id == where.page)
            and (not where.campaign or lead.campaign_id == where.campaign)
            and (not where.since or lead.received_at >= where.since)
            and (not where.until or lead.received_at < where.until)
        )

    found = sorted(filter(matches, leads), key=lambda lead: (lead.received_at, lead.id), reverse=True)
    return [lead.id for lead in found]


async def all_pages(reader: Reader, where: LeadFilter, limit: int) -> list[int]:
    """Ids of all pages, one after the other."""
    found: list[int] = []
    cursor = ""
    for _ in range(2_000):
        page = await reader.page(where, cursor, limit)
        assert len(page.leads) <= limit
        assert len(page.leads) == limit or not page.cursor or page.notice
        found += [lead.id for lead in page.leads]
        cursor = page.cursor
        if not cursor:
            return found
    raise AssertionError("pages without end")


words = st.one_of(
    st.just(""),
    st.sampled_from(
        [
            "ana",
            "ANA",
            "silva",
            "a s",
            "gmail",
            "@gm",
            "ß",
            "größe",
            "grösse",
            "王",
            "王伟",
            "राह",
            "ли",
            "иван",
            "fin",
            "ﬁ",
        ]
    ),
    st.sampled_from(
        ["%", "_", "\\", "100%", "e_x", "a\\b", "'", "o'b", "zz", "nobody has this", "0000", "9 0", "97000", "li"]
    ),
    st.sampled_from(["4711", "711_x", "e47", "55119", "1190", "+55 11 901", "0123-0", "3-0000", "12-34", "471 1"]),
    st.text("anasilvgm@%_ 01", max_size=4),
    st.text("0123459-", min_size=3, max_size=7),
)
moments = st.none() | st.integers(-800, 10).map(lambda days: BEGIN + timedelta(days=days))
filters = st.builds(
    LeadFilter,
    text=words,
    source=st.sampled_from(["", "", "meta", "forms", "google"]),
    form=st.sampled_from(["", "", *FORMS, "shared", "ALONE", "none"]),
    page=st.sampled_from(["", "", "100", "101"]),
    campaign=st.sampled_from(["", "", "c-1", "c-2"]),
    status=st.sampled_from(["", "", "stored", "partial", "other"]),
    since=moments,
    until=moments,
)


@given(where=filters, limit=st.sampled_from([1, 3, 50, 500]), look=st.sampled_from([1, 7, 60, 1_000]))
@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_pages_hold_exactly_what_is_meant(stored: Stored, where: LeadFilter, limit: int, look: int) -> None:
    async def read() -> list[int]:
        reader = Reader(stored.url)
        try:
            return await all_pages(reader, where, limit)
        finally:
            await reader.close()

    with pytest.MonkeyPatch.context() as patch:
        _shallow(patch, look)
        assert asyncio.run(read()) == meant(stored.leads, where)


@given(where=filters, limit=st.sampled_from([3, 500]), look=st.sampled_from([5, 60]))
@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_without_the_index_pages_hold_the_same(stored: Stored, where: LeadFilter, limit: int, look: int) -> None:
    async def read() -> list[int]:
        reader = Reader(stored.url)
        try:
            return await all_pages(reader, where, limit)
        finally:
            await reader.close()

    with pytest.MonkeyPatch.context() as patch:
        _shallow(patch, look)
        patch.setattr("api.store.reader.USABLE", "SELECT WHERE false")
        assert asyncio.run(read()) == meant(stored.leads, where)


@given(where=filters, look=st.sampled_from([1, 20]))
@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_the_search_index_gives_the_same_where_the_planner_would_not_take_it(
    stored: Stored, where: LeadFilter, look: int
) -> None:
    async def read() -> list[int]:
        # What the planner does with ten million leads, it must be told with four hundred.
        reader = Reader(f"{stored.url}?options=-c%20enable_seqscan%3Doff%20-c%20enable_indexscan%3Doff")
        try:
            return await all_pages(reader, where, 50)
        finally:
            await reader.close()

    with pytest.MonkeyPatch.context() as patch:
        _shallow(patch, look)
        assert asyncio.run(read()) == meant(stored.leads, where)


def _shallow(patch: pytest.MonkeyPatch, look: int) -> None:
    """Few leads take the part of very many."""
    patch.setattr(search, "LOOK", look)
    patch.setattr(search, "LOOK_SCATTERED", look)
    patch.setattr(search, "FIRST_LOOK", look)
    patch.setattr(search, "AT_ONCE", look - 2)
    patch.setattr(search, "MOST_LEFT", 10 * look)
    patch.setattr(search, "WALK", 4 * look)
    patch.setattr(search, "WALK_UNINDEXED", 8 * look)


@pytest.fixture
async def shallow(stored: Stored, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Reader]:
    """A reader that looks at ten leads before it asks the index, and at forty without one."""
    _shallow(monkeypatch, 10)
    reader = Reader(stored.url)
    yield reader
    await reader.close()


async def test_a_page_that_ends_early_says_how_far_it_got_and_goes_on(stored: Stored, shallow: Reader) -> None:
    page = await shallow.page(LeadFilter(text="ли"), limit=50)
    assert page.cursor
    assert "2026" in page.notice or "2025" in page.notice
    assert len(page.leads) < 50
    assert await all_pages(shallow, LeadFilter(text="ли"), 50) == meant(stored.leads, LeadFilter(text="ли"))


async def test_three_letters_are_never_looked_for_one_by_one(
    stored: Stored, shallow: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MOST_LEFT", 10_000)
    monkeypatch.setattr(search, "_NARROW", 1.0)
    for text in ("иван", "no such", "0123-0000"):
        page = await shallow.page(LeadFilter(text=text), limit=500)
        assert (page.notice, page.cursor) == ("", "")
        assert [lead.id for lead in page.leads] == meant(stored.leads, LeadFilter(text=text))


async def test_pages_of_a_search_stay_whole_while_leads_arrive_and_go(writer: Writer, reader: Reader) -> None:
    at = datetime.now(UTC).timestamp() - 1_000_000
    batch = [making.write(making.job(received_at=at - n // 5 * 50_000), full_name=f"Rare {n}") for n in range(60)]
    await writer.write(batch)
    seen: list[str] = []
    cursor = ""
    while True:
        page = await reader.page(LeadFilter(text="rare"), cursor, 7)
        seen += [lead.job_id for lead in page.leads]
        cursor = page.cursor
        if not cursor:
            break
        await writer.write([making.write(full_name="Rare newcomer")])
    assert seen == [
        write.job.id for write in sorted(batch, key=lambda w: (w.lead.received_at, w.job.id), reverse=True)
    ] or (set(seen) == {write.job.id for write in batch} and len(seen) == 60)


async def test_a_job_is_found_by_the_beginning_of_its_id_within_the_filter(writer: Writer, reader: Reader) -> None:
    first = making.write(making.job(id="01K2ABCDEF0000000000000001"))
    second = making.write(making.job(id="01K2ABCDEF0000000000000002", source="forms"))
    await writer.write([first, second, making.write()])

    async def jobs(text: str, source: str = "", form: str = "", page: str = "") -> set[str]:
        where = LeadFilter(text=text, source=source, form=form, page=page)
        return {lead.job_id for lead in (await reader.page(where)).leads}

    assert await jobs("01k2abcdef") == {first.job.id, second.job.id}
    assert await jobs(first.job.id) == {first.job.id}
    assert await jobs("01K2ABCDEF", source="forms") == {second.job.id}
    assert await jobs("01K2ABCDEF", form="77", page="1029") == {first.job.id, second.job.id}
    assert await jobs("01K2ABCDEF", form="78") == set()


async def test_more_jobs_than_are_looked_at_are_not_left_out_in_silence(
    writer: Writer, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "MOST_JOBS", 3)
    batch = [making.write(making.job(id=f"01K2ABCDEF{n:016d}")) for n in range(4)]
    await writer.write(batch[:3])
    page = await reader.page(LeadFilter(text="01k2abc"))
    assert (len(page.leads), page.notice) == (3, "")
    await writer.write(batch[3:])
    page = await reader.page(LeadFilter(text="01k2abc"))
    assert {lead.job_id for lead in page.leads} == {write.job.id for write in batch[1:]}
    assert page.notice.startswith("only the latest")
    assert (await reader.page(LeadFilter(text="01k2abc", form="none of theirs"))).notice == page.notice
    assert (await reader.page(LeadFilter(text=batch[0].job.id))).notice == ""


def test_stretches_cover_time_without_a_gap() -> None:
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    n = stretch_of(at)
    assert start_of(n) <= at < start_of(n + 1)
    assert stretch_of(start_of(n)) == n
    assert stretch_of(start_of(n) - timedelta(microseconds=1)) == n - 1
    assert keys_of(n, n - 1) == [f"t{n}", f"t{n - 1}"]


async def test_the_index_and_the_reader_agree_on_the_stretch(writer: Writer, reader: Reader, store_url: str) -> None:
    edge = start_of(stretch_of(datetime.now(UTC)))
    moments = [
        edge,
        edge - timedelta(microseconds=1),
        edge + timedelta(seconds=0.5),
        datetime(1969, 12, 31, tzinfo=UTC),
    ]
    await writer.write([making.write(making.job(received_at=at.timestamp())) for at in moments])
    with psycopg.connect(store_url) as connection:
        found = connection.execute(f"SELECT received_at, {KEYS} FROM leads").fetchall()
    assert found
    for at, keys in found:
        assert f"t{stretch_of(at)}" in keys
