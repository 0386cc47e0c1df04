"""Jobs become rows: forms as they are, Meta's with what the Graph API gives, and each bad one by itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import psycopg
import pytest
import redis

from api.models import Job, JobState, Lead, Outcome
from api.queue import Consumer, Operator, Taken
from api.sources import FormsSource
from api.store import Write, Writer, Written
from api.worker.decode import meta_lead
from api.worker.lanes import Lanes
from api.worker.width import CALLS
from tests.api.worker.conftest import Log
from tests.api.worker.rig import Rig, form_job, meta_job, until
from tests.api.worker.standin import Call, Reply, lead, leads


async def test_form_leads_become_rows(rig: Rig) -> None:
    jobs = [form_job(f"msg_{n}") for n in range(450)]
    await rig.publish(*jobs)
    async with rig.working():
        await rig.idle()
        snapshot = await rig.inspector.snapshot()
        assert [worker.name for worker in snapshot.workers if worker.alive] == ["w-1"]
    details = await rig.stored(jobs[7])
    assert details.lead is not None
    assert (details.lead.full_name, details.lead.email) == ("Ana", "msg_7@example.com")
    assert (details.lead.source, details.lead.form_id, details.lead.status) == ("forms", "site", "stored")
    (delivery,) = details.deliveries
    assert (delivery.outcome, delivery.attempts, delivery.request_id) == (Outcome.STORED, 1, "req-1")
    assert delivery.worker == "w-1"
    accounting = await rig.accounting()
    assert accounting.balanced
    assert accounting.deliveries[Outcome.STORED] == 450
    assert rig.graph.calls == []


async def test_meta_leads_are_read_many_at_once(rig: Rig) -> None:
    jobs = [meta_job(str(9700 + n)) for n in range(120)]
    await rig.publish(*jobs)
    async with rig.working():
        await rig.idle()
    details = await rig.stored(jobs[3])
    stored = details.lead
    assert stored is not None
    assert (stored.full_name, stored.email, stored.phone_e164) == ("Person 9703", "9703@example.com", "+5511912345678")
    assert (stored.page_name, stored.form_name, stored.ad_id) == ("Casa & Co", "Imóveis SP", "5")
    assert json.loads(stored.raw) == lead("9703")
    assert stored.created_at is not None
    assert sorted(lead_id for call in rig.graph.calls for lead_id in call.ids) == sorted(j.external_id for j in jobs)
    assert sorted(len(call.ids) for call in rig.graph.calls) == [20, 50, 50]
    assert all(call.query["access_token"] == rig.settings.meta_access_token for call in rig.graph.calls)
    assert all(call.query["appsecret_proof"] for call in rig.graph.calls)


async def test_a_batch_grows_while_another_is_written(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.worker.storing.GATHER_S", 10.0)
    sizes: list[int] = []
    let_go = asyncio.Event()
    write = Writer.write

    async def held(self: Writer, batch: Sequence[Write]) -> list[Written]:
        sizes.append(len(batch))
        await let_go.wait()
        return await write(self, batch)

    def begun(count: int) -> Callable[[], Awaitable[bool]]:
        async def check() -> bool:
            return len(sizes) >= count

        return check

    monkeypatch.setattr(Writer, "write", held)
    async with rig.working(worker_batch=100):
        await rig.publish(form_job("first"))
        await until(begun(1), "the first batch")
        for start in range(0, 60, 20):
            await rig.publish(*(form_job(f"f{n}") for n in range(start, start + 20)))
        await until(begun(2), "the second batch")
        let_go.set()
        await rig.rows(61)
    assert sizes[0] == 1
    assert sizes[1] >= 50


@contextlib.asynccontextmanager
async def working_among(rig: Rig, others: int, **values: Any) -> AsyncIterator[None]:
    """A worker at work that knows of others."""

    async def beats() -> bool:
        return len((await rig.inspector.snapshot()).workers) == others + 1

    async with contextlib.AsyncExitStack() as stack:
        for n in range(others):
            other = Consumer(rig.redis_url, rig.settings.queue_namespace, f"other-{n}", 60.0)
            await (await stack.enter_async_context(other)).beat()
        await stack.enter_async_context(rig.working(**values))
        await until(beats, "its heartbeat")
        yield


async def test_one_that_may_hold_one_job_works_among_many(rig: Rig) -> None:
    async with working_among(rig, 3, worker_batch=1, worker_prefetch=1):
        await rig.publish(form_job("a"), form_job("b"), form_job("c"))
        await rig.rows(3)


@pytest.mark.parametrize(("others", "most"), [(0, 4), (3, 2)])
async def test_fewer_writes_overlap_where_there_are_more_workers(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, others: int, most: int
) -> None:
    under_way, seen = 0, 0
    write = Writer.write

    async def slow(self: Writer, batch: Sequence[Write]) -> list[Written]:
        nonlocal under_way, seen
        under_way += 1
        seen = max(seen, under_way)
        try:
            # The disk takes its time.
            await asyncio.sleep(0.05)
            return await write(self, batch)
        finally:
            under_way -= 1

    monkeypatch.setattr(Writer, "write", slow)
    async with working_among(rig, others, worker_batch=10, worker_prefetch=100):
        await rig.publish(*(form_job(f"f{n}") for n in range(300)))
        await rig.rows(300)
    assert seen == most


async def test_the_same_lead_twice_is_stored_once(rig: Rig) -> None:
    first, second = meta_job("9700"), meta_job("9700")
    await rig.publish(first)
    with redis.Redis.from_url(rig.redis_url) as client:
        client.delete("{leads}:seen:meta:9700")
    await rig.publish(second)
    async with rig.working():
        await rig.idle()
    outcomes = sorted(d.outcome for d in (await rig.stored(first)).deliveries)
    assert outcomes == [Outcome.DUPLICATE, Outcome.STORED]
    assert (await rig.accounting()).balanced


async def test_leads_that_arrive_while_it_works(rig: Rig) -> None:
    async with rig.working():
        for n in range(5):
            await rig.publish(form_job(f"msg_{n}"), meta_job(str(n + 1)))
            await rig.rows(2 * n + 2)


@pytest.mark.parametrize(
    ("payload", "name"),
    [
        (r'{"name":"a\u0000b"}', "a\ufffdb"),
        (r'{"name":"x\ud83d"}', "x\ufffd"),
        (r'{"name":"\\u0000"}', "\\u0000"),
        ('{"name":"[red]x[/red] \\u001b[2J \\u202egpj.exe"}', "[red]x[/red] \x1b[2J \u202egpj.exe"),
    ],
)
async def test_odd_text_is_stored(rig: Rig, payload: str, name: str) -> None:
    job = form_job("msg_1", payload)
    await rig.publish(job)
    async with rig.working():
        stored = (await rig.stored(job)).lead
    assert stored is not None
    assert (stored.full_name, stored.cleaned) == (name, "\ufffd" in name)


@pytest.mark.parametrize("signs", [range(0x4E00, 0x9FFF), range(0x20000, 0x2A6DF), range(0x23A, 0x23B), range(33, 127)])
async def test_names_and_ids_of_any_length_are_stored(rig: Rig, signs: range) -> None:
    made = random.Random(7)
    names = ("form_name", "page_name", "campaign_name", "campaign_id", "ad_name", "ad_id", "utm_campaign")
    long = {name: "".join(chr(made.choice(signs)) for _ in range(3_000)) for name in names}
    job = form_job("msg_1", {"data": {"name": "Ana", **long}})
    await rig.publish(job)
    async with rig.working():
        await rig.idle()
    stored = (await rig.stored(job)).lead
    assert stored is not None
    for name in names[:-1]:
        kept = getattr(stored, name)
        assert long[name].startswith(kept)
        assert 375 <= len(kept) <= 1_000
        assert stored.fields[name] == [long[name]]


async def test_json_that_is_no_jsonb_is_kept_as_text(rig: Rig) -> None:
    odd = form_job("msg_odd", '{"name":"Ana","n":1e999999}')
    jobs = [form_job(f"msg_{n}") for n in range(30)]
    await rig.publish(*jobs[:15], odd, *jobs[15:])
    async with rig.working():
        await rig.idle()
    stored = (await rig.stored(odd)).lead
    assert stored is not None
    assert (stored.full_name, stored.cleaned) == ("Ana", True)
    assert json.loads(stored.raw) == odd.payload
    assert stored.fields["n"] == ["1e999999"]
    assert (await rig.accounting()).deliveries[Outcome.STORED] == 31


@pytest.mark.parametrize("depth", [900, 5_000, 100_000])
async def test_deep_nesting_is_stored_or_buried(rig: Rig, depth: int) -> None:
    """How deep is too deep is the interpreter's to say: about 1,000 levels for Python 3.11, and 10,000 for 3.13."""
    job = form_job("msg_1", '{"name":"Ana","deep":' + "[" * depth + "]" * depth + "}")
    await rig.publish(job)
    async with rig.working():
        await rig.idle()
    view = await rig.inspector.job(job.id)
    assert view is None or view.state is JobState.DEAD
    if depth != 5_000:
        assert (view is None) is (depth == 900)
    accounting = await rig.accounting()
    assert (accounting.deliveries.get(Outcome.STORED, 0), accounting.balanced) == (int(view is None), True)


async def test_a_lead_postgres_refuses_is_buried_alone(rig: Rig) -> None:
    bad = form_job(random.Random(7).randbytes(20_000).hex())
    jobs = [form_job(f"msg_{n}") for n in range(30)]
    await rig.publish(*jobs[:15], bad, *jobs[15:])
    async with rig.working():
        await rig.idle()
    view = await rig.state(bad, JobState.DEAD)
    assert "Postgres refuses the values" in view.error
    assert [attempt.n for attempt in view.job.history] == [1]
    accounting = await rig.accounting()
    assert (accounting.deliveries[Outcome.STORED], accounting.dead, accounting.balanced) == (30, 1, True)


async def test_what_cannot_be_understood_is_buried(rig: Rig) -> None:
    jobs = [form_job("msg_1", "not json"), form_job("msg_2", source="fax"), form_job("msg_3", "")]
    await rig.publish(*jobs)
    with redis.Redis.from_url(rig.redis_url) as client:
        client.xadd("{leads}:ready", {"j": "by hand", "n": "0"})
    async with rig.working():
        await rig.idle()
    for job in jobs:
        assert (await rig.state(job, JobState.DEAD)).error
    assert (await rig.inspector.snapshot()).dead == 4


@pytest.mark.parametrize("where", ["api.sources.forms.FormsSource.lead", "api.worker.lanes.meta_lead"])
async def test_a_fault_of_ours_costs_attempts_and_nobody_else(
    rig: Rig, log: Log, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    log.faults_expected = True
    kept: Any = {"lead": FormsSource.lead, "meta_lead": meta_lead}[where.rsplit(".", 1)[-1]]

    def faulty(*given: Any) -> Lead:
        if next(each for each in given if isinstance(each, Job)).external_id == "13":
            raise KeyError("a fault")
        made: Lead = kept(*given)
        return made

    monkeypatch.setattr(where, faulty)
    make: Any = form_job if "form" in where else meta_job
    jobs = [make(str(n)) for n in range(10, 20)]
    await rig.publish(*jobs)
    async with rig.working(retry_base=0.01, max_attempts=6):
        view = await rig.state(jobs[3], JobState.DEAD)
        await rig.rows(9)
        await rig.idle()
    assert "fault in the worker (KeyError)" in view.error
    assert "a fault" not in view.error
    deliveries = await rig.reader.deliveries_in([job.id for job in jobs])
    assert {delivery.attempts for delivery in deliveries.values()} == {1}


async def test_a_paused_queue_is_left_alone(rig: Rig) -> None:
    job = form_job("msg_1")
    async with Operator(rig.redis_url, "leads") as operator:
        await operator.pause()
        await rig.publish(job)
        async with rig.working():
            await until(_alive(rig), "the worker")
            assert (await rig.inspector.snapshot()).ready == 1
            await operator.resume()
            await rig.stored(job)


async def test_a_slow_page_delays_no_other(rig: Rig) -> None:
    held = asyncio.Event()

    async def answer(call: Call) -> Reply:
        if call.ids[0].startswith("5"):
            await held.wait()
        return Reply(leads(call.ids))

    rig.graph.answer = answer
    slow = [meta_job(f"5{n:04d}", page="slow") for n in range(900)]
    other = [meta_job(f"6{n:04d}", page="1029") for n in range(30)]
    forms = [form_job(f"msg_{n}") for n in range(30)]
    await rig.publish(*slow, *other, *forms)
    async with rig.working():
        await rig.rows(60)
        held.set()
        await rig.rows(960)
        await rig.idle()
    accounting = await rig.accounting()
    assert (accounting.deliveries[Outcome.STORED], accounting.balanced) == (960, True)
    details = await rig.stored(slow[-1])
    assert details.deliveries[0].attempts == 1


async def test_many_slow_pages_delay_no_other(rig: Rig) -> None:
    held = asyncio.Event()

    async def answer(call: Call) -> Reply:
        if call.ids[0].startswith("5"):
            await held.wait()
        return Reply(leads(call.ids))

    rig.graph.answer = answer
    slow = [meta_job(f"5{n:04d}", page=f"slow-{n % 12}") for n in range(1200)]
    other = meta_job("60000")
    await rig.publish(*slow, other, form_job("msg_1"))
    async with rig.working():
        await rig.rows(2)
        held.set()
        await rig.rows(1202)


async def test_a_job_that_a_dead_worker_held_is_taken_over(rig: Rig) -> None:
    jobs = [form_job(f"msg_{n}") for n in range(10)]
    await rig.publish(*jobs)
    gone = Consumer(rig.redis_url, "leads", "w-gone")
    await gone.open()
    assert len(await gone.read(10, 1.0)) == 10
    async with rig.working():
        await rig.rows(10)
        await rig.idle()
    assert (await rig.accounting()).balanced
    await gone.close()


async def test_a_dead_worker_s_jobs_are_taken_over_whatever_the_backlog(rig: Rig, log: Log, database_url: str) -> None:
    left = [form_job(f"msg_left_{n}") for n in range(8)]
    await rig.publish(*left)
    gone = Consumer(rig.redis_url, "leads", "w-gone")
    await gone.open()
    assert len(await gone.read(8, 1.0)) == 8
    await rig.publish(*(form_job(f"msg_{n}") for n in range(40)))
    with psycopg.connect(database_url) as locking:
        locking.execute("LOCK TABLE leads IN EXCLUSIVE MODE")
        async with rig.working(worker_batch=4, worker_prefetch=8):

            async def taken_over() -> bool:
                reclaimed: int = sum(line["jobs"] for line in log.events("worker.reclaimed"))
                return reclaimed == len(left)

            await until(taken_over, "the dead worker's jobs")
            ready = (await rig.inspector.snapshot()).ready
            locking.commit()
            await rig.idle()
    assert ready == 32
    assert (await rig.accounting()).balanced
    await gone.close()


async def test_a_job_stored_before_its_worker_died_is_not_stored_again(rig: Rig) -> None:
    job = meta_job("9700")
    await rig.publish(job)
    async with rig.working():
        await rig.idle()
    calls = len(rig.graph.calls)
    before = await rig.stored(job)
    with redis.Redis.from_url(rig.redis_url) as client:
        entry = client.xadd("{leads}:ready", {"j": _encoded(job), "n": "1"})
        client.xreadgroup("workers", "w-1", {"{leads}:ready": ">"}, count=1)
        client.xclaim("{leads}:ready", "workers", "w-1", 0, [entry], retrycount=2)
    async with rig.working():
        await rig.idle()
    assert len(rig.graph.calls) == calls
    assert await rig.stored(job) == before


async def test_a_job_that_kills_its_workers_is_buried_and_innocents_are_not(rig: Rig) -> None:
    poison, innocent = form_job("msg_poison"), form_job("msg_innocent")
    await rig.publish(poison, innocent)
    with redis.Redis.from_url(rig.redis_url) as client:
        async with Consumer(rig.redis_url, "leads", "w-1") as consumer:
            taken = await consumer.read(2, 1.0)
        counts = {poison.id: 10, innocent.id: 4}
        for each in taken:
            client.xclaim(
                "{leads}:ready", "workers", "w-1", 0, [each.entry_id], retrycount=counts[each.job.id], justid=True
            )
    async with rig.working():
        await rig.idle()
    assert "may be what stops them" in (await rig.state(poison, JobState.DEAD)).error
    assert (await rig.stored(innocent)).lead is not None


async def test_draining_finishes_what_was_begun_and_hands_back_the_rest(rig: Rig) -> None:
    held = asyncio.Event()

    async def answer(call: Call) -> Reply:
        await held.wait()
        return Reply(leads(call.ids))

    rig.graph.answer = answer
    begun = 50 * CALLS
    await rig.publish(*(meta_job(f"5{n:04d}") for n in range(begun + 200)))
    async with rig.working() as worker:

        async def all_calls() -> bool:
            return len(rig.graph.calls) == CALLS and (await rig.inspector.snapshot()).in_flight > begun

        await until(all_calls, "the calls")
        worker.stop()

        async def handed_back() -> bool:
            return (await rig.inspector.snapshot()).in_flight == begun

        await until(handed_back, "the rest to be handed back")
        held.set()
    snapshot = await rig.inspector.snapshot()
    assert (snapshot.in_flight, snapshot.depth) == (0, 200)
    assert (await rig.accounting()).balanced
    async with rig.working():
        await rig.rows(begun + 200)


async def test_a_draining_worker_takes_nothing_over(rig: Rig, log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    held, tended = asyncio.Event(), asyncio.Semaphore(0)
    promote_due = Consumer.promote_due

    async def counted(consumer: Consumer, limit: int = 500) -> int:
        tended.release()
        return await promote_due(consumer, limit)

    async def answer(call: Call) -> Reply:
        await held.wait()
        return Reply(leads(call.ids))

    rig.graph.answer = answer
    left, begun = meta_job("9701"), meta_job("9702")
    await rig.publish(left)
    async with Consumer(rig.redis_url, "leads", "w-gone") as gone:
        assert len(await gone.read(1, 1.0)) == 1
        with redis.Redis.from_url(rig.redis_url) as client:
            client.hset("{leads}:beats", "w-gone", b'{"at":99999999999999}')
            await rig.publish(begun)
            async with rig.working() as worker:

                async def called() -> bool:
                    return bool(rig.graph.open)

                await until(called, "the call")
                worker.stop()
                client.hset("{leads}:beats", "w-gone", b'{"at":1}')
                monkeypatch.setattr(Consumer, "promote_due", counted)
                for _ in range(4):
                    await tended.acquire()
                held.set()
        assert (await rig.state(left, JobState.IN_FLIGHT)).worker == "w-gone"
    assert log.events("worker.reclaimed") == []
    assert (await rig.stored(begun)).lead is not None


async def test_what_comes_too_late_for_a_draining_worker_is_handed_back(
    rig: Rig, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, closed = asyncio.Event(), asyncio.Event()
    close, reclaim = Lanes.close, Consumer.reclaim

    async def answer(call: Call) -> Reply:
        await held.wait()
        return Reply(leads(call.ids))

    async def closing(lanes: Lanes) -> None:
        await close(lanes)
        closed.set()

    async def late(consumer: Consumer, count: int) -> list[Taken]:
        taken = await reclaim(consumer, count)
        if taken:
            worker.stop()
            await closed.wait()
        return taken

    async def called() -> bool:
        return bool(rig.graph.open)

    async def handed_back() -> bool:
        return (await rig.inspector.snapshot()).in_flight == 1

    rig.graph.answer = answer
    monkeypatch.setattr(Lanes, "close", closing)
    await rig.publish(meta_job("9701"))
    async with Consumer(rig.redis_url, "leads", "w-gone") as gone:
        assert len(await gone.read(1, 1.0)) == 1
        await rig.publish(meta_job("9702"))
        async with rig.working() as worker:
            await until(called, "the call")
            monkeypatch.setattr(Consumer, "reclaim", late)
            await closed.wait()
            await until(handed_back, "what came late to be handed back")
            held.set()
    assert [line["left"] for line in log.events("worker.drained")] == [0]
    snapshot = await rig.inspector.snapshot()
    assert (snapshot.in_flight, snapshot.depth) == (0, 1)


async def test_what_a_drain_cannot_finish_in_time_stays_safe(rig: Rig) -> None:
    async def never(call: Call) -> Reply:
        await asyncio.Event().wait()
        raise AssertionError

    rig.graph.answer = never
    job = meta_job("9700")
    await rig.publish(job)
    async with rig.working(drain_timeout=0.2):
        await rig.state(job, JobState.IN_FLIGHT)
    assert (await rig.accounting()).balanced
    rig.graph.answer = lambda call: Reply(leads(call.ids))
    async with rig.working():
        await rig.stored(job)


async def test_jobs_in_hand_for_long_stay_ours(rig: Rig) -> None:
    """A call longer than the visibility timeout must not look like a worker that hangs."""
    held = asyncio.Event()

    async def answer(call: Call) -> Reply:
        await held.wait()
        return Reply(leads(call.ids))

    rig.graph.answer = answer
    job = meta_job("9700")
    await rig.publish(job)
    async with rig.working(visibility_timeout=2.0), rig.working(visibility_timeout=2.0, worker_name="w-2"):
        view = await rig.state(job, JobState.IN_FLIGHT)
        for _ in range(3):
            await asyncio.sleep(1.0)
            now = await rig.inspector.job(job.id)
            assert now is not None
            assert (now.worker, now.deliveries) == (view.worker, 1)
        held.set()
        await rig.stored(job)


async def test_a_month_old_discard_is_forgotten_and_counters_stay(rig: Rig) -> None:
    job = form_job("msg_1", "not json")
    await rig.publish(job)
    async with rig.working():
        dead = await rig.state(job, JobState.DEAD)
    async with Operator(rig.redis_url, "leads") as operator:
        await rig.reader.mark_discarded([dead.job])
        await operator.discard([job.id])
    with redis.Redis.from_url(rig.redis_url) as client:
        client.zadd("{leads}:discarded", {job.id: 1})
    async with rig.working():

        async def gone() -> bool:
            return (await rig.inspector.snapshot()).discarded == 0

        await until(gone, "the discarded job to be forgotten")
    accounting = await rig.accounting()
    assert (accounting.deliveries[Outcome.DISCARDED], accounting.balanced) == (1, True)


def _alive(rig: Rig) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return any(worker.alive for worker in (await rig.inspector.snapshot()).workers)

    return check


def _encoded(job: object) -> bytes:
    import msgspec

    return msgspec.json.encode(job)
