"""What the console reads: figures, pages, one lead with all that happened to it, search."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import psycopg
import pytest

from api.errors import StoreUnavailableError
from api.models import Attempt, Lead, LeadFilter, Outcome
from api.store import Reader, Writer
from api.store.text import parts_of
from tests.api.store import making

MIDNIGHT = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


async def test_an_empty_store(reader: Reader) -> None:
    snapshot = await reader.snapshot(MIDNIGHT)
    assert (snapshot.total, snapshot.today, snapshot.latest, snapshot.last_stored_at) == (0, 0, (), None)
    assert snapshot.version == await reader.ping()
    assert snapshot.database_bytes > 0
    assert dict(snapshot.table_bytes).keys() == {"leads", "deliveries", "attempts", "operator_actions"}
    assert (await reader.page(LeadFilter())).leads == ()
    assert (await reader.details(1)).lead is None
    assert await reader.find("nothing") == ()


async def test_the_figures_follow_what_is_written_and_erased(writer: Writer, reader: Reader, store_url: str) -> None:
    yesterday = (MIDNIGHT - timedelta(minutes=1)).timestamp()
    old = [making.write(making.job(received_at=yesterday)) for _ in range(3)]
    new = [making.write(making.job(received_at=MIDNIGHT.timestamp() + n)) for n in range(5)]
    await writer.write([*old, *new, new[0]])
    await writer.write([making.write(making.job(external_id=new[0].job.external_id))])
    snapshot = await reader.snapshot(MIDNIGHT, latest=3)
    assert (snapshot.total, snapshot.today) == (8, 5)
    assert [lead.job_id for lead in snapshot.latest] == [write.job.id for write in reversed(new[2:])]
    assert snapshot.last_stored_at is not None
    assert snapshot.last_stored_at >= snapshot.latest[0].stored_at  # type: ignore[operator]
    with psycopg.connect(store_url, autocommit=True) as connection:
        connection.execute("DELETE FROM leads WHERE job_id = %s", [new[1].job.id])
    assert (await reader.snapshot(MIDNIGHT)).total == 7
    with psycopg.connect(store_url, autocommit=True) as connection:
        connection.execute("TRUNCATE leads")
    assert (await reader.snapshot(MIDNIGHT)).total == 0


async def test_a_midnight_long_ago_is_counted(writer: Writer, reader: Reader) -> None:
    ago = datetime.now(UTC) - timedelta(days=30)
    await writer.write([making.write(making.job(received_at=ago.timestamp() + n)) for n in (-5, 5, 6)])
    assert (await reader.snapshot(ago)).today == 2


async def test_the_snapshot_reads_no_table_whole(writer: Writer, reader: Reader, store_url: str) -> None:
    await writer.write([making.write() for _ in range(500)])
    with psycopg.connect(store_url, autocommit=True) as connection:
        connection.execute("ANALYZE")
        scans = "SELECT coalesce(sum(seq_scan), 0) FROM pg_stat_all_tables WHERE relname IN ('leads', 'deliveries')"
        before = connection.execute(scans).fetchone()
        await reader.snapshot(MIDNIGHT)
        await reader.close()
        connection.execute("SELECT pg_stat_clear_snapshot()")
        assert connection.execute(scans).fetchone() == before


async def test_pages_are_complete_ordered_and_stable_while_leads_arrive(writer: Writer, reader: Reader) -> None:
    at = MIDNIGHT.timestamp()
    # Many share their time, so that only the id tells them apart.
    batch = [making.write(making.job(received_at=at + n // 10)) for n in range(95)]
    await writer.write(batch)
    seen: list[Lead] = []
    cursor = ""
    while True:
        page = await reader.page(LeadFilter(), cursor, 20)
        seen += page.leads
        cursor = page.cursor
        if not cursor:
            break
        await writer.write([making.write(making.job(received_at=at + 1000))])
    assert len(seen) == 95
    assert {lead.job_id for lead in seen} == {write.job.id for write in batch}
    assert [(lead.received_at, lead.id) for lead in seen] == sorted(
        ((lead.received_at, lead.id) for lead in seen), reverse=True
    )


async def test_the_last_page_has_no_cursor(writer: Writer, reader: Reader) -> None:
    await writer.write([making.write() for _ in range(20)])
    page = await reader.page(LeadFilter(), limit=20)
    assert (len(page.leads), page.cursor) == (20, "")


@pytest.mark.parametrize("cursor", ["x", "1", "1.x", "1.2.3", "999999999999999999.1", "'; DROP TABLE leads;--.1"])
async def test_a_cursor_that_is_none(reader: Reader, cursor: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        await reader.page(LeadFilter(), cursor)


async def test_full_adds_the_answers(writer: Writer, reader: Reader) -> None:
    write = making.write(consent={"marketing": True})
    await writer.write([write])
    (short,) = (await reader.page(LeadFilter())).leads
    (full,) = (await reader.page(LeadFilter(), full=True)).leads
    assert (short.fields, short.consent, short.raw) == ({}, {}, "{}")
    assert (full.fields, full.consent) == (write.lead.fields, {"marketing": True})
    assert write.job.external_id in full.raw


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (LeadFilter(), "abc"),
        (LeadFilter(source="forms"), "c"),
        (LeadFilter(source="meta"), "ab"),
        (LeadFilter(form="77"), "a"),
        (LeadFilter(form="imóveis sp"), "a"),
        (LeadFilter(page="1030"), "b"),
        (LeadFilter(campaign="c-2"), "b"),
        (LeadFilter(campaign="Spring"), "b"),
        (LeadFilter(status="partial"), "c"),
        (LeadFilter(since=MIDNIGHT + timedelta(seconds=2)), "bc"),
        (LeadFilter(until=MIDNIGHT + timedelta(seconds=2)), "a"),
        (LeadFilter(since=MIDNIGHT + timedelta(seconds=2), until=MIDNIGHT + timedelta(seconds=3)), "b"),
        (LeadFilter(source="meta", text="jürgen"), "b"),
        (LeadFilter(source="forms", text="jürgen"), ""),
    ],
)
async def test_filters(writer: Writer, reader: Reader, where: LeadFilter, found: str) -> None:
    at = MIDNIGHT.timestamp()
    a = making.write(making.job(id="a", received_at=at + 1, form="77"), form_name="Imóveis SP")
    b = making.write(
        making.job(id="b", received_at=at + 2, page="1030", form="78"),
        campaign_id="c-2",
        campaign_name="spring",
        full_name="Jürgen",
    )
    c = making.partial(making.write(making.job(id="c", received_at=at + 3, source="forms", form="site")))
    await writer.write([a, b, c])
    assert sorted(lead.job_id for lead in (await reader.page(where)).leads) == list(found)


async def test_names_are_kept_and_renamed(writer: Writer, reader: Reader) -> None:
    await writer.write([making.write(form_name="Old", page_name="Casa"), making.write(form_name="")])
    await writer.write([making.write(form_name=""), making.write(making.job(form="78"), form_name="b", page_name="")])
    assert await reader.names("form") == (("78", "b"), ("77", "Old"))
    await writer.write([making.write(form_name="New \0")])
    assert await reader.names("form") == (("78", "b"), ("77", "New \ufffd"))
    assert await reader.names("page") == (("1029", "Casa"),)
    assert await reader.names("campaign") == ()
    assert len((await reader.page(LeadFilter(form="new \ufffd"))).leads) == 4
    assert (await reader.page(LeadFilter(form="old"))).leads == ()


@pytest.mark.parametrize(
    "text",
    [
        "straße",
        "STRASSE",
        "größe strasse",
        "größe@",
        "@example.de",
        "91234-5678",
        "11912345678",
        "(11) 91234",
        "70042",
        "01j9zz",
        "ＳＴＲＡＳＳＥ",
        "  größe   straße ",
    ],
)
async def test_search_finds_a_fragment_whatever_its_case_or_width(writer: Writer, reader: Reader, text: str) -> None:
    job = making.job(id="01J9ZZ0000000000000000TEST", external_id="9700420001")
    wanted = making.write(
        job,
        full_name="Größe Straße",
        email="Größe@Example.de",
        phone="+55 (11) 91234-5678",
        phone_e164="+5511912345678",
    )
    other = [
        making.write(making.job(id=f"X{n}", external_id=f"8{n}"), full_name="B", email="", phone="", phone_e164="")
        for n in range(20)
    ]
    await writer.write([wanted, *other])
    page = await reader.page(LeadFilter(text=text))
    assert [lead.job_id for lead in page.leads] == [job.id]
    assert page.notice == ""


@pytest.mark.parametrize("text", ["%", "_", "\\", "a%a", "\0", "\ud83d", "'", "100% sure"])
async def test_search_takes_signs_literally(writer: Writer, reader: Reader, text: str) -> None:
    await writer.write([making.write(full_name="Ana", email="a@b.c", phone="", phone_e164="")])
    assert (await reader.page(LeadFilter(text=text))).leads == ()


@pytest.mark.parametrize("field", ["source", "status", "page", "form", "campaign", "text"])
async def test_a_filter_that_no_text_can_hold_finds_nothing(writer: Writer, reader: Reader, field: str) -> None:
    await writer.write([making.write()])
    for text in ("\0", "\ud83d"):
        given: dict[str, Any] = {field: text}
        assert (await reader.page(LeadFilter(**given))).leads == ()


async def test_search_for_signs_finds_them(writer: Writer, reader: Reader) -> None:
    await writer.write([making.write(full_name="100% o_K\\")])
    for text in ("100%", "o_k", "k\\"):
        assert len((await reader.page(LeadFilter(text=text))).leads) == 1


async def test_search_uses_the_index(writer: Writer, store_url: str) -> None:
    with psycopg.connect(store_url, autocommit=True) as connection:
        await writer.write([making.write(full_name=f"Person {n:05d}") for n in range(3000)])
        connection.execute("ANALYZE leads")
        connection.execute("SET enable_seqscan = off")
        for part in ("son", parts_of("2345")[1]):
            plan = connection.execute(f"EXPLAIN SELECT id FROM leads WHERE search_parts LIKE '%{part}%'").fetchall()
            assert any("leads_search" in line for (line,) in plan)


async def test_find_by_every_id(writer: Writer, reader: Reader) -> None:
    write = making.write()
    (written,) = await writer.write([write])
    await writer.write([making.write() for _ in range(5)])
    for text in (
        str(written.lead_id),
        write.job.external_id,
        write.job.id,
        write.job.id.lower(),
        f" {write.job.request_id}\n",
        write.job.id[:-1] if write.job.id[-1] != "1" else write.job.id,
    ):
        found = [d.lead.id for d in await reader.find(text) if d.lead]
        assert written.lead_id in found, text
    assert len(await reader.find(write.job.id[:10])) == 6
    assert await reader.find(write.job.id[:8])
    for short in ("0", "01", f"0{written.lead_id}", write.job.id[:7], ""):
        assert await reader.find(short) == ()
    assert await reader.find("\0") == ()


async def test_find_a_discarded_job(reader: Reader) -> None:
    job = making.job(history=(Attempt(n=1, worker="w", started_at=5.0, took_s=1.0, error="gone"),))
    await reader.mark_discarded([job])
    (details,) = await reader.find(job.id)
    assert details.lead is None
    assert [d.outcome for d in details.deliveries] == [Outcome.DISCARDED]
    assert [attempt.error for _, attempt in details.attempts] == ["gone"]


async def test_discard_and_undo(writer: Writer, reader: Reader) -> None:
    stored = making.write()
    await writer.write([stored])
    dead = making.job()
    assert await reader.mark_discarded([dead, stored.job, dead]) == [dead.id]
    assert await reader.mark_discarded([dead]) == [dead.id]
    assert await reader.unmark_discarded([dead.id, stored.job.id, "none"]) == 1
    assert (await reader.deliveries_in([dead.id, stored.job.id])).keys() == {stored.job.id}
    assert await reader.mark_discarded([]) == []


async def test_a_discarded_job_may_bear_an_old_seq(writer: Writer, reader: Reader) -> None:
    old = making.write()
    await writer.write([old])
    job = making.job(seq=old.job.seq)
    assert await reader.mark_discarded([job]) == [job.id]
    assert (await reader.deliveries_in([job.id]))[job.id].seq == old.job.seq


async def test_actions_are_recorded_bounded_and_clean(reader: Reader) -> None:
    await reader.audit("ana", "retry", "01J9", "ok")
    await reader.audit("x" * 300, "a\0b", "t" * 5000, "r\ud83d" * 3000)
    newest, oldest = await reader.actions()
    assert (oldest.who, oldest.what, oldest.target, oldest.result) == ("ana", "retry", "01J9", "ok")
    assert (len(newest.who), newest.what, len(newest.target), len(newest.result)) == (200, "a\ufffdb", 2000, 2000)
    assert len(await reader.actions(1)) == 1


async def test_what_takes_too_long_is_cut(store_url: str) -> None:
    # Enough for a page on a busy machine: the same reader is to read one afterwards.
    reader = Reader(store_url, timeout_s=1.0)
    with psycopg.connect(store_url) as connection:
        connection.execute("LOCK TABLE leads IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(StoreUnavailableError, match="too long"):
            await reader.page(LeadFilter())
    assert (await reader.page(LeadFilter())).leads == ()
    await reader.close()


async def test_an_unmigrated_database_says_so(database_url: str) -> None:
    reader = Reader(database_url)
    with pytest.raises(StoreUnavailableError, match="migrate"):
        await reader.ping()
    await reader.close()


async def test_more_calls_than_connections_take_turns(writer: Writer, reader: Reader) -> None:
    await writer.write([making.write()])
    pages = await asyncio.gather(*(reader.page(LeadFilter()) for _ in range(40)))
    assert {len(page.leads) for page in pages} == {1}


async def test_raw_comes_back_with_all_its_digits(writer: Writer, reader: Reader) -> None:
    write = making.write()
    told = msgspec.structs.replace(write.lead, raw='{"n": 23842978613670425.10}')
    (written,) = await writer.write([replace(write, lead=told)])
    lead = (await reader.details(written.lead_id)).lead
    assert lead is not None
    assert lead.raw == '{"n": 23842978613670425.10}'
