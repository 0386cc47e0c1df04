"""The accounting: every accepted job in exactly one place, and those that are not are named."""

from __future__ import annotations

from api.models import Outcome
from api.queue import Places
from api.store import Reader, Write, Writer
from tests.api.store import making


def pairs(*writes: Write) -> tuple[tuple[str, int], ...]:
    return tuple((write.job.id, write.job.seq) for write in writes)


def numbered(count: int) -> list[Write]:
    return [making.write(making.job(seq=n)) for n in range(1, count + 1)]


async def test_nothing_accepted_is_balanced(reader: Reader) -> None:
    result = await reader.accounting(Places(0))
    assert (result.balanced, result.accounted) == (True, 0)


async def test_every_place_counts(writer: Writer, reader: Reader) -> None:
    jobs = numbered(12)
    await writer.write(jobs[:5])
    again = making.write(making.job(seq=6, external_id=jobs[0].job.external_id))
    await writer.write([again])
    await reader.mark_discarded([jobs[6].job])
    places = Places(
        accepted=12,
        ready=pairs(jobs[7]),
        in_flight=pairs(*jobs[8:10]),
        retry=pairs(jobs[10]),
        dead=pairs(jobs[11]),
        discarded=pairs(jobs[6]),
    )
    result = await reader.accounting(places)
    assert (result.ready, result.in_flight, result.retry, result.dead) == (1, 2, 1, 1)
    assert result.deliveries == {Outcome.STORED: 5, Outcome.DUPLICATE: 1, Outcome.DISCARDED: 1}
    assert (result.settling, result.missing, result.doubled) == (0, (), ())
    assert result.balanced


async def test_a_written_job_not_yet_off_the_queue_counts_once(writer: Writer, reader: Reader) -> None:
    jobs = numbered(3)
    await writer.write(jobs)
    result = await reader.accounting(Places(3, in_flight=pairs(*jobs[1:])))
    assert (result.settling, result.in_flight, result.deliveries[Outcome.STORED]) == (2, 2, 1)
    assert result.balanced


async def test_a_job_taken_back_between_the_two_readings_counts_as_discarded(writer: Writer, reader: Reader) -> None:
    jobs = numbered(3)
    await writer.write(jobs[:2])
    result = await reader.accounting(Places(3, discarded=pairs(jobs[2])))
    assert (result.deliveries[Outcome.DISCARDED], result.missing, result.balanced) == (1, (), True)


async def test_jobs_accepted_after_the_reading_do_not_count(writer: Writer, reader: Reader) -> None:
    await writer.write(numbered(5))
    result = await reader.accounting(Places(3))
    assert (result.deliveries[Outcome.STORED], result.balanced) == (3, True)


async def test_missing_jobs_are_named(writer: Writer, reader: Reader) -> None:
    jobs = numbered(10)
    await writer.write([*jobs[:3], *jobs[5:9]])
    result = await reader.accounting(Places(10, ready=pairs(jobs[9])))
    assert (result.accounted, result.missing, result.balanced) == (8, ("#4", "#5"), False)


async def test_at_most_a_hundred_missing_are_named(reader: Reader) -> None:
    result = await reader.accounting(Places(100_000))
    assert (len(result.missing), result.missing[0], result.balanced) == (100, "#1", False)


async def test_a_job_in_two_places_is_named(reader: Reader) -> None:
    jobs = numbered(2)
    result = await reader.accounting(Places(2, ready=pairs(*jobs), retry=pairs(jobs[0])))
    assert (result.accounted, result.doubled, result.balanced) == (3, (jobs[0].job.id,), False)


async def test_one_doubled_and_one_missing_do_not_hide_each_other(reader: Reader) -> None:
    jobs = numbered(2)
    result = await reader.accounting(Places(2, ready=pairs(jobs[0]), dead=pairs(jobs[0])))
    assert (result.accounted, result.balanced) == (2, False)
    assert (result.missing, result.doubled) == (("#2",), (jobs[0].job.id,))


async def test_two_jobs_with_one_seq_are_named(reader: Reader) -> None:
    first, second = (making.write(making.job(seq=1)) for _ in range(2))
    result = await reader.accounting(Places(2, ready=pairs(first), dead=pairs(second)))
    assert result.doubled == tuple(sorted((first.job.id, second.job.id)))
    assert result.missing == ("#2",)


async def test_what_the_queue_found_doubled_is_told(writer: Writer, reader: Reader) -> None:
    jobs = numbered(2)
    await writer.write(jobs[:1])
    result = await reader.accounting(Places(2, dead=pairs(jobs[1]), doubled=(jobs[1].job.id,)))
    assert (result.doubled, result.balanced) == ((jobs[1].job.id,), False)


async def test_rows_of_a_queue_that_was_emptied_do_not_count(writer: Writer, reader: Reader) -> None:
    await writer.write(numbered(5))
    new = numbered(4)
    await writer.write(new[:2])
    result = await reader.accounting(Places(4, ready=pairs(*new[2:])))
    assert (result.deliveries[Outcome.STORED], result.ready, result.settling) == (2, 2, 0)
    assert result.balanced
