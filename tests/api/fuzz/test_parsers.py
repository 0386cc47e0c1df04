"""Whatever the bytes, a source raises what it documents and no more, and what it finds can be queued and stored."""

from __future__ import annotations

import asyncio
import contextlib
import itertools

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.errors import PayloadError
from api.models import Job, Lead
from api.queue.codec import decode_job, encode_job
from api.sources import SOURCES, Source, amended
from api.store import Writer, migrate
from api.store.records import Write
from tests.api.fuzz.bodies import TRAPS, bodies, leadlike, steady
from tests.api.fuzz.reading import FOUND, parsed

MAX_EXTERNAL_ID = 256


@pytest.mark.parametrize("source", FOUND.values(), ids=lambda source: source.name)
@steady
@given(body=bodies)
def test_any_body_is_read_or_refused(source: Source, body: bytes) -> None:
    check(source, body)


@pytest.mark.parametrize("source", FOUND.values(), ids=lambda source: source.name)
@pytest.mark.parametrize("trap", TRAPS, ids=range(len(TRAPS)))
def test_known_traps(source: Source, trap: bytes) -> None:
    check(source, trap)


@pytest.mark.parametrize("source", FOUND.values(), ids=lambda source: source.name)
@steady
@given(body=bodies)
def test_whatever_an_operator_writes_is_a_lead_or_refused(source: Source, body: bytes) -> None:
    job = Job(id="01J9", source=source.name, external_id="1", payload="{}", received_at=1e9)
    with contextlib.suppress(PayloadError):
        check_job(source, amended(job, body.decode("utf-8", "surrogateescape")))


def check(source: Source, body: bytes) -> None:
    found = parsed(source, body)
    if found is None:
        return
    for job in found.jobs:
        check_job(source, job)
    for job, reason in found.dead:
        check_job(source, job)
        assert 0 < len(reason) < 200
    assert found.ignored >= (len(found.dead) if found.jobs else 0)
    for kind, field in found.unhandled:
        assert isinstance(kind, str)
        assert isinstance(field, str)


def check_job(source: Source, job: Job) -> None:
    assert job.source == source.name
    assert 0 < len(job.external_id) <= MAX_EXTERNAL_ID
    assert job.external_id.isascii()
    assert job.external_id.isprintable()
    kept = decode_job(encode_job(job), 7)
    assert (kept.external_id, kept.page, kept.form) == (job.external_id, job.page, job.form)
    lead_of(source, kept)


def lead_of(source: Source, job: Job) -> Lead | None:
    """The lead that the worker would find in a job's payload; None if it cannot, or if it would ask Meta."""
    if source.fetched:
        return None
    try:
        lead = source.lead(job)
    except PayloadError:
        return None
    assert (lead.source, lead.external_id) == (job.source, job.external_id)
    return lead


@pytest.fixture
def migrated(database_url: str) -> str:
    """URL of a database with the tables."""
    asyncio.run(migrate(database_url))
    return database_url


@pytest.mark.parametrize("name", [name for name, source in FOUND.items() if not source.fetched])
def test_every_lead_that_is_found_can_be_stored(name: str, migrated: str) -> None:
    """On a real Postgres: jsonb refuses NUL, lone surrogates and NaN; text refuses NUL; timestamps end somewhere."""
    source = FOUND[name]
    written: set[str] = set()
    seqs = itertools.count(1)

    @settings(steady, max_examples=steady.max_examples // 5)
    @given(batch=st.lists(leadlike[name] | leadlike[name] | bodies, min_size=5, max_size=10))
    def store(batch: list[bytes]) -> None:
        results = [result for body in batch if (result := parsed(source, body)) is not None]
        jobs = [decode_job(encode_job(job), next(seqs)) for result in results for job in result.jobs]
        pairs = [(job, lead) for job in jobs if (lead := lead_of(source, job)) is not None]
        unique = list({job.external_id: Write(job, lead) for job, lead in pairs}.values())
        for answer in runner.run(writer.write(unique)):
            written.add(answer.job_id)

    with asyncio.Runner() as runner:
        writer = Writer(migrated, size=1)
        try:
            store()
        finally:
            runner.run(writer.close())
    assert len(written) >= 25
    with psycopg.connect(migrated) as connection:
        row = connection.execute("SELECT count(*) FROM deliveries WHERE job_id = ANY(%s)", [list(written)]).fetchone()
    assert row == (len(written),)


def test_every_source_is_here() -> None:
    assert set(FOUND) == set(SOURCES)
    assert not [source.name for source in FOUND.values() if source.switched_off]
