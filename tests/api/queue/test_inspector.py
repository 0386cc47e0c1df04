"""Reading the queue: figures, listings that hold still, search, single jobs."""

from __future__ import annotations

import asyncio
import re
import time

import pytest

from api.errors import QueueUnavailableError
from api.models import Attempt, Job, JobState, JobView, QueueSnapshot
from api.queue import Inspector, inspector
from api.queue.codec import encode_job
from tests.api.queue.conftest import Queue, a_job


async def all_jobs(inspector: Inspector, state: JobState, limit: int = 7, **options: object) -> list[JobView]:
    """Every page of a state, end to end."""
    found: list[JobView] = []
    cursor = ""
    while True:
        page = await inspector.jobs(state, cursor=cursor, limit=limit, **options)  # type: ignore[arg-type]
        assert len(page.jobs) <= limit
        found += page.jobs
        cursor = page.cursor
        if not cursor:
            return found


def waiting_since(queue: Queue, age_s: float, count: int = 1, first_seq: int = 1) -> list[Job]:
    """Jobs that came into an empty queue so long ago."""
    jobs = [a_job(seq=first_seq + n) for n in range(count)]
    at = round((time.time() - age_s) * 1000)
    with queue.raw.pipeline(transaction=True) as pipe:
        for n, job in enumerate(jobs):
            pipe.xadd("{leads}:ready", {"j": encode_job(job), "n": job.seq}, id=f"{at}-{n + 1}")
        pipe.execute()
    return jobs


def seconds_in(text: str, pattern: str) -> int:
    """The seconds that a text tells, which go on while it is asked for."""
    found = re.fullmatch(pattern, text)
    assert found, text
    return int(found[1])


async def test_an_empty_server_has_empty_figures(queue: Queue) -> None:
    snapshot = await queue.inspector.snapshot()
    assert snapshot == QueueSnapshot(
        taken_at=snapshot.taken_at,
        server=snapshot.server,
        memory_bytes=snapshot.memory_bytes,
        aof="always",
        aof_file=snapshot.aof_file,
    )
    assert snapshot.server.split()[0] in ("Redis", "Valkey")
    assert snapshot.memory_bytes > 0
    assert snapshot.depth == 0


async def test_all_figures(queue: Queue) -> None:
    worker = await queue.consumer("w-1")
    await queue.publish(10)
    await queue.publisher.publish([], [(a_job(), "bad")])
    taken = await worker.read(5, 0)
    await worker.settle([taken[0].entry_id])
    await worker.retry(taken[1], taken[1].job, time.time() + 100, "x")
    await worker.bury(taken[2], taken[2].job, "x")
    await queue.operator.discard([taken[2].job.id])
    await worker.beat(stored=1, failed=2)
    snapshot = await queue.inspector.snapshot()
    assert (snapshot.accepted, snapshot.ready, snapshot.in_flight) == (11, 5, 2)
    assert (snapshot.retry, snapshot.dead, snapshot.discarded, snapshot.stuck) == (1, 1, 1, 0)
    assert snapshot.depth == 8
    assert 0 < snapshot.next_retry_s <= 100
    assert 0 <= snapshot.oldest_in_flight_s < 60
    assert 0 <= snapshot.oldest_ready_s < 60
    (view,) = snapshot.workers
    assert (view.name, view.alive, view.in_flight, view.stored, view.failed) == ("w-1", True, 2, 1, 2)
    assert view.pid > 0
    assert view.host
    assert view.started_at == pytest.approx(time.time(), abs=60)


async def test_a_snapshot_is_one_script(queue: Queue) -> None:
    await queue.inspector.snapshot()
    before = queue.calls()
    await queue.inspector.snapshot()
    assert queue.calls() - before == 1


async def test_ready_is_right_after_a_ready_job_was_removed(queue: Queue) -> None:
    worker = await queue.consumer()
    jobs = await queue.publish(5)
    await worker.read(1, 0)
    await queue.operator.discard([jobs[3].id])
    snapshot = await queue.inspector.snapshot()
    assert (snapshot.ready, snapshot.in_flight, snapshot.discarded) == (3, 1, 1)


async def test_jobs_of_a_gone_worker_are_stuck(queue: Queue) -> None:
    gone, alive = await queue.consumer("gone"), await queue.consumer("alive")
    await queue.publish(5)
    held = await gone.read(3, 0)
    await alive.read(2, 0)
    queue.lose("gone", 74)
    snapshot = await queue.inspector.snapshot()
    assert snapshot.stuck == 3
    assert {worker.name: worker.alive for worker in snapshot.workers} == {"alive": True, "gone": False}
    views = await all_jobs(queue.inspector, JobState.STUCK, limit=2)
    assert [view.job.id for view in views] == [taken.job.id for taken in held]
    for view in views:
        assert seconds_in(view.stuck, r"worker gone gone for (\d+) s") == pytest.approx(74, abs=60)
    assert {view.state for view in views} == {JobState.IN_FLIGHT}


async def test_jobs_past_the_visibility_timeout_are_stuck(queue: Queue) -> None:
    worker = await queue.consumer()
    await queue.publish(3)
    held = await worker.read(3, 0)
    queue.age_hold(held[1].entry_id, "w-1", 61)
    assert (await queue.inspector.snapshot()).stuck == 1
    (view,) = await all_jobs(queue.inspector, JobState.STUCK)
    assert view.job.id == held[1].job.id
    assert seconds_in(view.stuck, r"in flight for (\d+) s") == pytest.approx(61, abs=30)
    assert view.idle_s == pytest.approx(61, abs=30)


async def test_jobs_that_wait_too_long_are_stuck_while_workers_are_up(queue: Queue) -> None:
    waiting_since(queue, 400, count=3)
    await queue.publish(2)
    assert (await queue.inspector.snapshot()).stuck == 0
    assert await all_jobs(queue.inspector, JobState.STUCK) == []
    await queue.consumer()
    snapshot = await queue.inspector.snapshot()
    assert snapshot.stuck == 3
    assert snapshot.oldest_ready_s == pytest.approx(400, abs=60)
    views = await all_jobs(queue.inspector, JobState.STUCK, limit=2)
    assert [view.job.seq for view in views] == [1, 2, 3]
    assert views[0].stuck.startswith("waiting for 4")
    await queue.operator.pause()
    assert (await queue.inspector.snapshot()).stuck == 0
    assert await all_jobs(queue.inspector, JobState.STUCK) == []


async def test_stuck_jobs_of_both_kinds_are_listed_one_after_the_other(queue: Queue) -> None:
    waiting_since(queue, 400, count=9)
    gone = await queue.consumer("gone")
    await gone.read(4, 0)
    await queue.consumer("alive")
    queue.lose("gone")
    for limit in (1, 3, 4, 5, 100):
        views = await all_jobs(queue.inspector, JobState.STUCK, limit=limit)
        assert [view.job.seq for view in views] == list(range(1, 10))
    assert (await queue.inspector.snapshot()).stuck == 9


@pytest.mark.parametrize("newer", [0, 50])
async def test_many_that_wait_too_long_are_counted_without_looking_at_each(queue: Queue, newer: int) -> None:
    waiting_since(queue, 400, count=3_000)
    for n in range(newer):
        queue.raw.xadd("{leads}:ready", {"j": encode_job(a_job()), "n": 3_001 + n})
    await queue.consumer()
    assert (await queue.inspector.snapshot()).stuck == 3_000


async def test_the_fsync_policy_and_its_refusal(queue: Queue) -> None:
    queue.raw.config_set("appendfsync", "everysec")
    assert (await queue.inspector.snapshot()).aof == "everysec"
    queue.raw.config_set("appendfsync", "always")
    queue.raw.acl_setuser(
        "limited", enabled=True, passwords=["+pw"], keys=["*"], commands=["+@all", "-config"], reset=True
    )
    limited = await queue_as(queue, "limited", "pw")
    assert [(await limited.snapshot()).aof for _ in range(2)] == ["on", "on"]
    queue.raw.acl_setuser(
        "limited", enabled=True, passwords=["+pw"], keys=["*"], commands=["+@all", "-config", "-info"], reset=True
    )
    bare = await queue_as(queue, "limited", "pw")
    snapshot = await bare.snapshot()
    assert (snapshot.aof, snapshot.aof_ok, snapshot.server, snapshot.memory_bytes) == ("", True, "", 0)
    queue.raw.acl_deluser("limited")


async def queue_as(queue: Queue, user: str, password: str) -> Inspector:
    """An inspector that logs in as another user."""
    host = queue.url.split("@")[1]
    inspector = Inspector(f"redis://{user}:{password}@{host}")
    queue.closing.push_async_callback(inspector.close)
    return inspector


async def test_a_server_that_may_evict_jobs_is_pointed_out(own_queue: Queue) -> None:
    own_queue.raw.config_set("maxmemory", 10**9)
    assert (await own_queue.inspector.snapshot()).notices == ()
    own_queue.raw.config_set("maxmemory-policy", "allkeys-lru")
    (notice,) = (await own_queue.inspector.snapshot()).notices
    assert notice.key == "redis.eviction"
    assert "allkeys-lru" in notice.text


async def test_aof_off_is_seen(own_queue: Queue) -> None:
    own_queue.raw.config_set("appendonly", "no")
    snapshot = await own_queue.inspector.snapshot()
    assert (snapshot.aof, snapshot.aof_file) == ("off", None)


async def test_what_redis_tells_of_its_file(own_queue: Queue) -> None:
    file = (await own_queue.inspector.snapshot()).aof_file
    assert file is not None
    assert (file.pending_fsyncs, file.delayed_fsyncs, file.rewriting, file.rewrite_s) == (0, 0, False, None)
    size = file.size_bytes or 0
    own_queue.raw.set("{leads}:something", "x" * 10_000)
    own_queue.raw.bgrewriteaof()
    async with asyncio.timeout(20):
        while file.rewriting or file.rewrite_s is None:
            file = (await own_queue.inspector.snapshot()).aof_file
            assert file is not None
    assert (file.size_bytes or 0) > size
    assert (file.base_bytes or 0) > 0


async def fill(queue: Queue, state: JobState, count: int) -> list[Job]:
    """So many jobs in one state; in the order of their coming there."""
    jobs = await queue.publish(count)
    worker = await queue.consumer("filler")
    if state is JobState.READY:
        return jobs
    taken = await worker.read(count, 0)
    for n, one in enumerate(taken):
        if state is JobState.RETRY:
            await worker.retry(one, one.job, time.time() + 1_000 + n // 3, "x")
        elif state is not JobState.IN_FLIGHT:
            await worker.bury(one, one.job, "x")
    if state is JobState.DISCARDED:
        await queue.operator.discard([job.id for job in jobs])
    return jobs


STATES = [JobState.READY, JobState.IN_FLIGHT, JobState.RETRY, JobState.DEAD, JobState.DISCARDED]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("limit", [1, 7, 50])
async def test_pages_list_every_job_once(queue: Queue, state: JobState, limit: int) -> None:
    jobs = await fill(queue, state, 30)
    views = await all_jobs(queue.inspector, state, limit)
    assert sorted(view.job.id for view in views) == sorted(job.id for job in jobs)
    assert {view.state for view in views} == {state}
    assert all((view.entry_id != "") == (state in (JobState.READY, JobState.IN_FLIGHT)) for view in views)


@pytest.mark.parametrize("state", [JobState.READY, JobState.RETRY, JobState.DEAD, JobState.DISCARDED])
async def test_pages_go_both_ways(queue: Queue, state: JobState) -> None:
    await fill(queue, state, 20)
    oldest = await all_jobs(queue.inspector, state, newest_first=False)
    newest = await all_jobs(queue.inspector, state, newest_first=True)
    by_default = await all_jobs(queue.inspector, state)
    assert oldest == newest[::-1]
    assert by_default == (oldest if state in (JobState.READY, JobState.RETRY) else newest)
    assert [view.since for view in oldest] == sorted(view.since for view in oldest)


async def test_a_listing_goes_on_where_it_was_while_jobs_come_and_go(queue: Queue) -> None:
    jobs = await fill(queue, JobState.DEAD, 30)
    queue.raw.zadd("{leads}:dead", {job.id: 5_000 for job in jobs})  # all died in the same instant
    page = await queue.inspector.jobs(JobState.DEAD, limit=10)
    await queue.operator.retry([view.job.id for view in page.jobs[5:]])
    await queue.publisher.publish([], [(a_job(), "new")])
    rest = await all_jobs_from(queue.inspector, JobState.DEAD, page.cursor)
    seen = [view.job.id for view in (*page.jobs, *rest)]
    assert seen == sorted((job.id for job in jobs), reverse=True)


async def all_jobs_from(inspector: Inspector, state: JobState, cursor: str) -> list[JobView]:
    """The pages after a cursor."""
    found: list[JobView] = []
    while cursor:
        page = await inspector.jobs(state, cursor=cursor, limit=7)
        found += page.jobs
        cursor = page.cursor
    return found


@pytest.mark.parametrize("state", list(JobState))
@pytest.mark.parametrize("cursor", ["x", "1:", ":a", "held:zz", "ready:1", "1-", "-1-1", "1-1 + 2", "9" * 40 + "-1"])
async def test_what_is_no_cursor_is_refused(queue: Queue, state: JobState, cursor: str) -> None:
    with pytest.raises(ValueError, match="not a cursor"):
        await queue.inspector.jobs(state, cursor=cursor)


async def test_search_looks_at_ids_pages_forms_and_errors(queue: Queue) -> None:
    worker = await queue.consumer()
    wanted = a_job("LEAD-ärger", page="555000", form="Formular", request_id="req-9", payload='{"secret":"Zebra"}')
    await queue.publisher.publish([a_job("other"), wanted, a_job("one-more")])
    taken = await worker.read(3, 0)
    for one in taken:
        await worker.bury(one, one.job, f"Graph 500 for {one.job.external_id}")
    for match in (
        wanted.id.lower(),
        "ÄRGER",
        "55500",
        "formular",
        "500 FOR LEAD",
        "lead:ärger",
        "page:555",
        "error:lead",
    ):
        views = await all_jobs(queue.inspector, JobState.DEAD, match=match)
        assert [view.job.id for view in views] == [wanted.id], match
    for match in ("payload:zebra", "request:REQ-9"):
        assert len(await all_jobs(queue.inspector, JobState.DEAD, match=match)) == 1
    assert len(await all_jobs(queue.inspector, JobState.DEAD, match="worker:w-1")) == 3
    for match in ("zebra", "req-9", "page:lead", "nothing:at all"):
        assert await all_jobs(queue.inspector, JobState.DEAD, match=match) == []


async def test_the_last_error_of_a_ready_job_comes_from_its_history(queue: Queue) -> None:
    attempts = (Attempt(n=1, worker="w", started_at=1.0, error="first"), Attempt(n=2, worker="w", started_at=2.0))
    await queue.publisher.publish([a_job(history=attempts), a_job()])
    assert [view.error for view in await all_jobs(queue.inspector, JobState.READY)] == ["first", ""]
    assert len(await all_jobs(queue.inspector, JobState.READY, match="FIRST")) == 1


async def test_a_search_looks_at_a_bounded_number_a_call(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspector, "SCAN_LIMIT", 100)
    monkeypatch.setattr(inspector, "STRETCH", 40)
    await queue.publish(300)
    await queue.publisher.publish([a_job("needle")])
    page = await queue.inspector.jobs(JobState.READY, match="needle")
    assert (page.jobs, page.scanned) == ((), 120)
    assert page.cursor
    (view,) = await all_jobs(queue.inspector, JobState.READY, match="needle")
    assert view.job.external_id == "needle"


async def test_large_jobs_make_short_pages(queue: Queue) -> None:
    jobs = await queue.publish(12, payload='"' + "x" * 1_000_000 + '"')
    page = await queue.inspector.jobs(JobState.READY, limit=50)
    assert 0 < len(page.jobs) <= 12
    views = await all_jobs(queue.inspector, JobState.READY, limit=50)
    assert [view.job.id for view in views] == [job.id for job in jobs]


@pytest.mark.parametrize("state", STATES)
async def test_a_job_is_found_wherever_it_is(queue: Queue, state: JobState) -> None:
    jobs = await fill(queue, state, 3)
    for wanted in (jobs[1].id, jobs[1].id.lower(), f" {jobs[1].id} ", jobs[1].id[5:]):
        view = await queue.inspector.job(wanted)
        assert view is not None
        assert (view.job.id, view.state, view.job.seq) == (jobs[1].id, state, 2)


async def test_a_job_far_back_in_a_long_line_is_found(queue: Queue) -> None:
    early = a_job()
    await queue.publish(5_000)
    late = a_job()
    # Clocks differ: one came long after its id was made, the other seems to have come before.
    shifted = [a_job(), a_job(id="7" + late.id[1:])]
    await queue.publisher.publish([early, late, *shifted])
    for job in (early, late, *shifted):
        view = await queue.inspector.job(job.id)
        assert view is not None
        assert view.job.id == job.id


async def test_a_job_that_is_nowhere_is_none(queue: Queue) -> None:
    await queue.publish(3)
    for job_id in ("", a_job().id, "01", "x" * 500, "no such job", "*", "\ud800"):
        assert await queue.inspector.job(job_id) is None


async def test_a_fragment_that_fits_two_jobs_is_none(queue: Queue) -> None:
    # Two that are made one after the other may begin with another second each.
    one = a_job()
    await queue.publisher.publish([one, a_job(id=one.id[:8] + a_job().id[8:])])
    assert await queue.inspector.job(one.id[:8]) is None


async def test_few_letters_name_no_job_though_it_is_the_only_one(queue: Queue) -> None:
    (job,) = await queue.publish()
    for few in (job.id[0], job.id[-3:], job.id[:3]):
        assert await queue.inspector.job(few) is None
    for enough in (job.id[-4:], f" {job.id[-4:].lower()} "):
        view = await queue.inspector.job(enough)
        assert view is not None
        assert view.job.id == job.id


async def test_an_entry_s_id_is_no_fragment_of_another_s(queue: Queue) -> None:
    for entry in ("1795899175644-1", "1795899175644-10"):
        queue.raw.xadd("{leads}:ready", {"no": "job"}, id=entry)
    views = [await queue.inspector.job(entry) for entry in ("1795899175644-1", "1795899175644-10")]
    assert [view.job.id for view in views if view] == ["1795899175644-1", "1795899175644-10"]
    queue.raw.xdel("{leads}:ready", "1795899175644-1")
    assert await queue.inspector.job("1795899175644-1") is None
    view = await queue.inspector.job("1795899175644-")
    assert view is not None
    assert view.job.id == "1795899175644-10"


async def test_accepted_jobs_are_named_by_their_seq(queue: Queue) -> None:
    jobs = [a_job("a:b"), a_job("ü", source="forms")]
    await queue.publisher.publish(jobs, [(a_job("bad"), "x")])
    seen = await queue.inspector.seen_of([1, 2, 3, 99])
    assert {seq: (one.source, one.external_id) for seq, one in seen.items()} == {
        1: ("meta", "a:b"),
        2: ("forms", "ü"),
        3: ("meta", "bad"),
    }
    assert seen[1].job_id == jobs[0].id
    assert await queue.inspector.seen_of([]) == {}


async def test_everything_says_so_when_redis_is_away(own_queue: Queue) -> None:
    await own_queue.inspector.ping()
    own_queue.raw.shutdown(nosave=True)
    for call in (
        own_queue.inspector.ping(),
        own_queue.inspector.snapshot(),
        own_queue.inspector.jobs(JobState.DEAD),
        own_queue.inspector.job(a_job().id),
        own_queue.inspector.places(),
        own_queue.inspector.seen_of([1]),
    ):
        with pytest.raises(QueueUnavailableError, match="Redis does not answer"):
            await call


async def test_a_restarted_server_is_read_again_at_once(own_queue: Queue, own_server: object) -> None:
    await own_queue.inspector.snapshot()
    own_queue.raw.client_kill_filter(_type="normal", skipme=True)
    assert (await own_queue.inspector.snapshot()).accepted == 0
