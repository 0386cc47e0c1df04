"""Batches: one transaction, no second effect, and nothing odd in a lead breaks it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import msgspec
import psycopg
import pytest
from psycopg.types.json import Jsonb

from api.errors import PayloadError
from api.models import Attempt, Outcome
from api.store import CHANNEL, Reader, Writer
from tests.api.store import making


@pytest.fixture(params=["copied", "merged"])
async def writer(store_url: str, request: pytest.FixtureRequest) -> AsyncIterator[Writer]:
    """A writer that tries COPY first, as it does where all is new, and one that is warned."""
    made = Writer(store_url, careful_s=float("inf"), careful=request.param == "merged")
    yield made
    await made.close()


async def test_a_batch_becomes_rows(writer: Writer, reader: Reader) -> None:
    batch = [making.write(full_name=f"Lead {n}") for n in range(250)]
    written = await writer.write(batch)
    assert [w.outcome for w in written] == [Outcome.STORED] * 250
    assert len({w.lead_id for w in written}) == 250
    details = await reader.details(written[7].lead_id)
    assert details.lead is not None
    assert details.lead.full_name == "Lead 7"
    assert details.lead.fields == batch[7].lead.fields
    assert [d.outcome for d in details.deliveries] == [Outcome.STORED]
    assert details.deliveries[0].seq == batch[7].job.seq
    assert [attempt.n for _, attempt in details.attempts] == [1]


async def test_the_numbers_of_leads_rise(writer: Writer) -> None:
    written = [await writer.write([making.write() for _ in range(count)]) for count in (1, 1, 700, 600)]
    numbers = [each.lead_id for batch in written for each in batch]
    assert numbers == sorted(numbers)


async def test_nothing_is_a_batch_too(writer: Writer) -> None:
    assert await writer.write([]) == []


async def test_the_same_job_again_changes_nothing(writer: Writer, reader: Reader) -> None:
    write = making.write()
    first = await writer.write([write])
    again = await writer.write([replace(write, lead=msgspec.structs.replace(write.lead, full_name="Other"))])
    assert again == [replace(first[0], redelivered=True)]
    details = await reader.details(first[0].lead_id)
    assert details.lead is not None
    assert details.lead.full_name == "Ana Souza"
    assert len(details.deliveries) == len(details.attempts) == 1


async def test_another_job_with_the_same_lead_is_a_duplicate(writer: Writer, reader: Reader) -> None:
    first = making.write()
    second = making.write(making.job(external_id=first.job.external_id), full_name="Other")
    (stored,) = await writer.write([first])
    (duplicate,) = await writer.write([second])
    assert (stored.outcome, duplicate.outcome) == (Outcome.STORED, Outcome.DUPLICATE)
    assert duplicate.lead_id == stored.lead_id
    details = await reader.details(stored.lead_id)
    assert details.lead is not None
    assert details.lead.full_name == "Ana Souza"
    assert [d.outcome for d in details.deliveries] == [Outcome.STORED, Outcome.DUPLICATE]


async def test_the_same_lead_twice_in_a_batch(writer: Writer) -> None:
    first = making.write()
    second = making.write(making.job(external_id=first.job.external_id))
    written = await writer.write([making.partial(first), second, making.write()])
    assert [w.outcome for w in written] == [Outcome.DUPLICATE, Outcome.STORED, Outcome.STORED]
    assert written[0].lead_id == written[1].lead_id


async def test_the_same_job_twice_in_a_batch(writer: Writer, reader: Reader) -> None:
    write = making.write()
    written = await writer.write([write, write])
    assert {w.lead_id for w in written} == {written[0].lead_id}
    assert (await reader.deliveries_in([write.job.id]))[write.job.id].outcome is Outcome.STORED


async def test_the_same_id_from_two_sources_is_two_leads(writer: Writer) -> None:
    first = making.write()
    second = making.write(making.job(external_id=first.job.external_id, source="forms"))
    written = await writer.write([first, second])
    assert [w.outcome for w in written] == [Outcome.STORED, Outcome.STORED]


async def test_a_partial_lead_is_completed_and_then_left_alone(writer: Writer, reader: Reader) -> None:
    write = making.write()
    (bare,) = await writer.write([making.partial(write)])
    complete = making.write(making.job(external_id=write.job.external_id), full_name="Ana Complete")
    (completed,) = await writer.write([complete])
    (late,) = await writer.write([making.partial(making.write(making.job(external_id=write.job.external_id)))])
    assert (bare.outcome, completed.outcome, late.outcome) == (Outcome.STORED, Outcome.STORED, Outcome.DUPLICATE)
    assert bare.lead_id == completed.lead_id == late.lead_id
    details = await reader.details(bare.lead_id)
    assert details.lead is not None
    assert (details.lead.full_name, details.lead.status) == ("Ana Complete", "stored")


async def test_a_discarded_delivery_becomes_stored(writer: Writer, reader: Reader) -> None:
    write = making.write()
    assert await reader.mark_discarded([write.job]) == [write.job.id]
    (written,) = await writer.write([write])
    assert (written.outcome, written.redelivered) == (Outcome.STORED, False)
    delivery = (await reader.deliveries_in([write.job.id]))[write.job.id]
    assert (delivery.outcome, delivery.lead_id) == (Outcome.STORED, written.lead_id)


async def test_every_attempt_is_kept(writer: Writer, reader: Reader) -> None:
    history = (
        Attempt(n=1, worker="w-1", started_at=1000.0, took_s=0.31, error="Graph 500, code 2"),
        Attempt(n=0, worker="w-2", started_at=1004.5, error="waits for page 1029"),
        Attempt(n=2, worker="w-2", started_at=1009.25, took_s=0.12),
    )
    write = making.write()
    done = making.job(id=write.job.id, external_id=write.job.external_id, attempt=2, history=history)
    (written,) = await writer.write([replace(write, job=done)])
    details = await reader.details(written.lead_id)
    assert details.attempts == tuple((done.id, attempt) for attempt in history)
    assert details.deliveries[0].attempts == 2


async def test_hostile_text_is_data(writer: Writer, reader: Reader) -> None:
    name = "[red]x[/red] \x1b[2J\x1b]52;c;eA==\x07 \u202egpj.exe '); DROP TABLE leads;-- {} %s \\ \"\n\r\tend"
    fields = {"[bold]k\\": ["\x9b31m", '"}],"x":[', ""]}
    raw = json.dumps({"n": "}] , {", "v": ["\\u0000 is text here: \\\\u0000"]})
    (written,) = await writer.write([making.write(full_name=name, email='=1+1"', fields=fields, raw=raw)])
    lead = (await reader.details(written.lead_id)).lead
    assert lead is not None
    assert (lead.full_name, lead.email, lead.fields) == (name, '=1+1"', fields)
    assert json.loads(lead.raw) == json.loads(raw)


async def test_nul_and_lone_surrogates_in_texts_are_replaced(writer: Writer, reader: Reader) -> None:
    (written,) = await writer.write([making.write(full_name="a\0b\ud83d", form_name="\udc00")])
    lead = (await reader.details(written.lead_id)).lead
    assert lead is not None
    assert (lead.full_name, lead.form_name) == ("a\ufffdb\ufffd", "\ufffd")


async def test_raw_keeps_huge_numbers_and_deep_nesting(writer: Writer, reader: Reader) -> None:
    digits = "9" * 5000
    raw = f'{{"id": 23842978613670425, "n": {digits}, "deep": {"[" * 900}{"]" * 900}}}'
    (written,) = await writer.write([making.write(raw=raw)])
    lead = (await reader.details(written.lead_id)).lead
    assert lead is not None
    assert digits in lead.raw
    assert "23842978613670425" in lead.raw


@pytest.mark.parametrize(
    "raw", ['{"a": NaN}', '{"a": "\\u0000"}', '{"a": "\\ud83d"}', '{"a": 1e999999}', "{", "[" * 100_000]
)
async def test_values_postgres_refuses_fail_the_batch_and_write_nothing(
    writer: Writer, reader: Reader, raw: str
) -> None:
    good, bad = making.write(), making.write(raw=raw)
    with pytest.raises(PayloadError) as caught:
        await writer.write([good, bad])
    assert "ana@example.com" not in str(caught.value)
    assert await reader.deliveries_in([good.job.id, bad.job.id]) == {}
    assert (await writer.write([good]))[0].outcome is Outcome.STORED


@pytest.mark.parametrize("values", [{"fields": {"a": ["\ud83d"]}}, {"fields": {"a": ["\0"]}}])
async def test_fields_that_were_not_cleaned_fail_the_batch(writer: Writer, values: dict[str, Any]) -> None:
    with pytest.raises(PayloadError):
        await writer.write([making.write(**values)])


async def test_an_id_too_long_to_index_fails_the_batch(writer: Writer) -> None:
    noise = random.Random(7).randbytes(100_000).hex()
    with pytest.raises(PayloadError):
        await writer.write([making.write(making.job(external_id=noise))])


async def test_a_new_queue_that_gives_out_old_seqs_goes_on(writer: Writer, store_url: str) -> None:
    old = [making.write(making.job(seq=seq)) for seq in (1, 2, 3)]
    await writer.write(old)
    new = [making.write(making.job(seq=seq)) for seq in (2, 1)]
    assert [w.outcome for w in await writer.write(new)] == [Outcome.STORED] * 2
    with psycopg.connect(store_url) as connection:
        found: dict[str, int] = dict(connection.execute("SELECT job_id, seq FROM deliveries").fetchall())
    assert found == {
        old[0].job.id: None,
        old[1].job.id: None,
        old[2].job.id: 3,
        new[0].job.id: 2,
        new[1].job.id: 1,
    }


async def test_workers_that_write_the_same_leads_at_once_agree(writer: Writer, store_url: str) -> None:
    ids = [f"same-{n:03d}" for n in range(100)]
    other = Writer(store_url)
    forth = [making.write(making.job(external_id=i)) for i in ids]
    back = [making.write(making.job(external_id=i)) for i in reversed(ids)]
    first, second = await asyncio.gather(writer.write(forth), other.write(back))
    pairs = zip(first, reversed(second), strict=True)
    assert all({a.outcome, b.outcome} == {Outcome.STORED, Outcome.DUPLICATE} for a, b in pairs)
    await other.close()


async def test_new_batches_after_one_with_an_old_lead(store_url: str, reader: Reader) -> None:
    writer = Writer(store_url, careful_s=0.0)
    old = making.write()
    await writer.write([old])
    again = making.write(making.job(external_id=old.job.external_id))
    first, second, third = [making.write(), again, making.write()], [making.write()], [making.write(), old]
    outcomes = [[w.outcome for w in await writer.write(batch)] for batch in (first, second, third)]
    stored, duplicate = Outcome.STORED, Outcome.DUPLICATE
    assert outcomes == [[stored, duplicate, stored], [stored], [stored, stored]]
    assert (await reader.snapshot(datetime.now(UTC))).total == 5
    await writer.close()


async def test_a_write_waits_for_no_other_that_is_not_committed(writer: Writer, store_url: str) -> None:
    await writer.write([making.write()])
    with contextlib.ExitStack() as stack:
        for n in range(20):
            other = stack.enter_context(psycopg.connect(store_url))
            other.execute(
                "INSERT INTO leads SELECT (jsonb_populate_record(l, %s)).* FROM leads AS l ORDER BY id LIMIT 1",
                [Jsonb({"id": -n - 1, "external_id": f"other-{n}"})],
            )
        await asyncio.wait_for(writer.write([making.write() for _ in range(3)]), 20)
    with psycopg.connect(store_url) as connection:
        found = connection.execute("SELECT sum(leads), count(*) FROM tallies WHERE bucket = '-infinity'").fetchone()
    assert found == (24, 21)


async def test_many_writes_at_once_take_ids_of_their_own(store_url: str) -> None:
    writer = Writer(store_url, size=8)
    batches = [[making.write() for _ in range(300)] for _ in range(8)]
    written = await asyncio.gather(*(writer.write(batch) for batch in batches))
    assert len({w.lead_id for part in written for w in part}) == 2_400
    await writer.close()


async def test_batches_in_quick_succession_share_a_notification(writer: Writer, reader: Reader) -> None:
    batches = reader.stored()
    assert await anext(batches) == 0
    for _ in range(30):
        await writer.write([making.write() for _ in range(2)])
    told = 0
    while told < 60:
        told += await anext(batches)
    assert told == 60
    await batches.aclose()


async def test_what_is_left_to_tell_is_told_at_the_end(store_url: str, reader: Reader) -> None:
    writer = Writer(store_url)
    batches = reader.stored()
    assert await anext(batches) == 0
    await writer.write([making.write()])
    await writer.write([making.write()])
    await writer.close()
    assert await anext(batches) + await anext(batches) == 2
    await batches.aclose()


async def test_one_notification_a_batch(writer: Writer, reader: Reader) -> None:
    batches = reader.stored()
    assert await anext(batches) == 0
    await writer.write([making.write() for _ in range(30)])
    assert await anext(batches) == 30
    await batches.aclose()
    assert CHANNEL == "leads"


async def test_tidy_forgets_old_counters_only(writer: Writer, reader: Reader, store_url: str) -> None:
    await writer.write([making.write(making.job(received_at=1_000_000.0)), making.write()])
    await writer.tidy()
    with psycopg.connect(store_url) as connection:
        found = connection.execute("SELECT sum(leads) FROM tallies WHERE bucket = '-infinity'").fetchone()
        buckets = connection.execute("SELECT count(*) FROM tallies WHERE bucket > '-infinity'").fetchone()
    assert (found, buckets) == ((2,), (1,))
