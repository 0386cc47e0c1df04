"""Publishing: what is accepted, what is a duplicate, and what it costs."""

from __future__ import annotations

import asyncio
from typing import Any

import hiredis
import msgspec
import pytest
import redis
import uvloop

from api.errors import QueueUnavailableError
from api.models import JobState
from api.queue import Published, Publisher
from api.queue import publisher as publisher_module
from api.queue.publisher import AT_ONCE
from tests.api.queue.conftest import Queue, a_job


async def test_accepted_jobs_are_ready_in_order_and_numbered(queue: Queue) -> None:
    jobs = [a_job() for _ in range(3)]
    assert await queue.publisher.publish(jobs) == Published(3, 0)
    page = await queue.inspector.jobs(JobState.READY)
    assert [view.job for view in page.jobs] == [
        msgspec.structs.replace(job, seq=n) for n, job in enumerate(jobs, start=1)
    ]


async def test_nothing_to_publish_needs_no_redis(free_port: Any) -> None:
    async with Publisher(f"redis://127.0.0.1:{free_port()}/0") as publisher:
        assert await publisher.publish([]) == Published(0, 0)


async def test_a_lead_is_accepted_once(queue: Queue) -> None:
    first, again, other = a_job("1"), a_job("1"), a_job("1", source="forms")
    assert await queue.publisher.publish([first]) == Published(1, 0)
    assert await queue.publisher.publish([again, other]) == Published(1, 1)
    assert await queue.publisher.publish([a_job("2"), a_job("2")]) == Published(1, 1)
    snapshot = await queue.inspector.snapshot()
    assert (snapshot.accepted, snapshot.duplicates, snapshot.ready) == (3, 2, 3)


async def test_a_lead_is_remembered_for_seven_days(queue: Queue) -> None:
    await queue.publisher.publish([a_job("1")])
    assert 604_000 < queue.raw.ttl("{leads}:seen:meta:1") <= 604_800


async def test_concurrent_publishes_of_one_lead_accept_it_once(queue: Queue) -> None:
    publishers = [Publisher(queue.url) for _ in range(4)]
    results = await asyncio.gather(*(publisher.publish([a_job("7")]) for publisher in publishers for _ in range(25)))
    for publisher in publishers:
        await publisher.close()
    assert sum(result.accepted for result in results) == 1
    assert sum(result.duplicates for result in results) == 99
    assert (await queue.inspector.snapshot()).ready == 1


async def test_concurrent_publishes_share_round_trips(queue: Queue) -> None:
    await queue.publish()
    before = queue.calls()
    results = await asyncio.gather(*(queue.publisher.publish([a_job()]) for _ in range(400)))
    assert all(result == Published(1, 0) for result in results)
    assert queue.calls() - before <= 2
    places = await queue.inspector.places()
    assert sorted(seq for _, seq in places.ready) == list(range(1, 402))


@pytest.mark.parametrize("make_loop", [uvloop.new_event_loop, asyncio.new_event_loop])
def test_many_jobs_are_at_redis_before_the_loop_turns(redis_url: str, make_loop: Any) -> None:
    """The loop stands still until they are there: nothing else could send them."""

    async def burst() -> list[Published]:
        async with Publisher(redis_url) as publisher:
            await publisher.publish([a_job()])
            answers: list[Any] = []
            for _ in range(AT_ONCE):
                publisher.submit([a_job()], (), answers.append)
            with redis.Redis.from_url(redis_url) as raw:
                ((_, there),) = raw.xread({"{leads}:ready": raw.xrange("{leads}:ready")[0][0]}, block=5_000)
            assert len(there) == AT_ONCE
            await publisher.publish([a_job()])
            return answers

    with asyncio.Runner(loop_factory=make_loop) as runner:
        assert runner.run(burst()) == [Published(1, 0)] * AT_ONCE


async def test_each_call_gets_its_own_figures(queue: Queue) -> None:
    results = await asyncio.gather(
        queue.publisher.publish([a_job("a"), a_job("b")]),
        queue.publisher.publish([a_job("b"), a_job("c"), a_job("c")]),
        queue.publisher.publish([], [(a_job("d"), "no leadgen id")]),
    )
    assert list(results) == [Published(2, 0), Published(1, 2), Published(0, 0)]


async def test_a_large_call_goes_in_several_scripts_and_counts_as_one(queue: Queue) -> None:
    jobs = [a_job() for _ in range(1_200)]
    before = queue.calls()
    assert await queue.publisher.publish([*jobs, jobs[0]]) == Published(1_201, 0)
    assert queue.calls() - before >= 3
    assert len((await queue.inspector.places()).ready) == 1_200


async def test_large_payloads_go_in_several_scripts(queue: Queue) -> None:
    text = '"' + "x" * 900_000 + '"'
    before = queue.calls()
    assert await queue.publisher.publish([a_job(payload=text) for _ in range(6)]) == Published(6, 0)
    assert queue.calls() - before >= 3


async def test_a_job_sent_again_after_a_lost_answer_is_accepted_once(queue: Queue) -> None:
    job = a_job()
    assert await queue.publisher.publish([job]) == Published(1, 0)
    assert await queue.publisher.publish([job]) == Published(1, 0)
    snapshot = await queue.inspector.snapshot()
    assert (snapshot.ready, snapshot.accepted, snapshot.duplicates) == (1, 1, 0)


async def test_jobs_born_dead_are_kept_with_their_reason_and_counted(queue: Queue) -> None:
    bad = a_job("bad", page="9")
    assert await queue.publisher.publish([a_job()], [(bad, "leadgen_id is missing")]) == Published(1, 0)
    assert await queue.publisher.publish([], [(a_job("bad"), "again")]) == Published(0, 0)
    snapshot = await queue.inspector.snapshot()
    assert (snapshot.accepted, snapshot.duplicates, snapshot.ready, snapshot.dead) == (2, 1, 1, 1)
    (view,) = (await queue.inspector.jobs(JobState.DEAD)).jobs
    assert view.job == msgspec.structs.replace(bad, seq=2)
    assert view.error == "leadgen_id is missing"
    assert view.since == pytest.approx(snapshot.taken_at, abs=60)


@pytest.mark.parametrize(
    "external_id", ["a:b", "{x}", "ü" * 50, "x" * 10_000, "\ud800", 'quote"\\', "new\nline", "\x00", "*?[a]"]
)
async def test_any_external_id_is_deduplicated(queue: Queue, external_id: str) -> None:
    assert await queue.publisher.publish([a_job(external_id)]) == Published(1, 0)
    assert await queue.publisher.publish([a_job(external_id)]) == Published(0, 1)
    assert await queue.publisher.publish([a_job(external_id + "x")]) == Published(1, 0)


async def test_overlong_errors_and_histories_are_cut(queue: Queue) -> None:
    await queue.publisher.publish([], [(a_job(), "e" * 10_000)])
    (view,) = (await queue.inspector.jobs(JobState.DEAD)).jobs
    assert len(view.error) == 500


async def test_scripts_may_be_forgotten_by_the_server(queue: Queue) -> None:
    await queue.publish()
    queue.raw.script_flush()
    results = await asyncio.gather(*(queue.publisher.publish([a_job()]) for _ in range(50)))
    assert all(result == Published(1, 0) for result in results)


async def test_a_refused_batch_accepts_nothing_and_leaves_no_trace(queue: Queue) -> None:
    queue.raw.set("{leads}:ready", "not a stream")
    with pytest.raises(QueueUnavailableError, match="WRONGTYPE"):
        await queue.publisher.publish([a_job("1")])
    queue.raw.delete("{leads}:ready")
    assert await queue.publisher.publish([a_job("1")]) == Published(1, 0)


async def test_a_failure_in_mid_batch_keeps_the_numbers_dense(queue: Queue) -> None:
    await queue.publish(2)
    queue.raw.set("{leads}:dead", "not a sorted set")
    with pytest.raises(QueueUnavailableError, match="WRONGTYPE"):
        await queue.publisher.publish([a_job("1")], [(a_job("2"), "bad")])
    queue.raw.delete("{leads}:dead")
    assert await queue.publisher.publish([a_job("1")], [(a_job("2"), "bad")]) == Published(0, 1)
    places = await queue.inspector.places()
    assert places.accepted == 4
    assert sorted(seq for _, seq in places.ready) == [1, 2, 3]
    assert [seq for _, seq in places.dead] == [4]


async def test_a_cancelled_caller_disturbs_nobody(queue: Queue) -> None:
    tasks = [asyncio.create_task(queue.publisher.publish([a_job()])) for _ in range(20)]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert list(results[1::2]) == [Published(1, 0)] * 10


async def test_closing_finishes_what_is_under_way_and_takes_nothing_more(queue: Queue) -> None:
    publisher = Publisher(queue.url)
    under_way = [asyncio.create_task(publisher.publish([a_job()])) for _ in range(10)]
    await asyncio.sleep(0)
    await publisher.close()
    assert await asyncio.gather(*under_way) == [Published(1, 0)] * 10
    with pytest.raises(QueueUnavailableError):
        await publisher.publish([a_job()])


async def test_too_much_waiting_is_refused_at_once(free_port: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher_module, "PENDING_JOBS", 10)
    async with Publisher(f"redis://127.0.0.1:{free_port()}/0", timeout_s=0.2) as publisher:
        waiting = [asyncio.create_task(publisher.publish([a_job(), a_job()])) for _ in range(30)]
        results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(result, QueueUnavailableError) for result in results)
    assert sum("too many" in str(result) for result in results) == 25


def test_it_runs_on_uvloop(redis_url: str) -> None:
    async def publish() -> list[Published]:
        async with Publisher(redis_url) as publisher:
            return await asyncio.gather(*(publisher.publish([a_job()]) for _ in range(10)))

    assert uvloop.run(publish()) == [Published(1, 0)] * 10


async def test_namespaces_are_apart(queue: Queue) -> None:
    async with Publisher(queue.url, "other") as other:
        await queue.publisher.publish([a_job("1")])
        assert await other.publish([a_job("1")]) == Published(1, 0)
    assert (await queue.inspector.snapshot()).accepted == 1


async def test_every_key_is_under_one_hash_tag(queue: Queue) -> None:
    await queue.publisher.publish([a_job()], [(a_job(), "bad")])
    assert all(key.startswith("{leads}:") for key in queue.raw.scan_iter())


async def test_a_slip_in_what_one_caller_does_with_its_answer_keeps_it_from_no_other(queue: Queue) -> None:
    def slip(_outcome: object) -> None:
        raise RuntimeError("slip")

    queue.publisher.submit([a_job("1")], (), slip)
    assert await queue.publisher.publish([a_job("2")]) == Published(1, 0)
    assert (await queue.inspector.snapshot()).ready == 2


class SlowServer:
    """Stands in for Redis: it lets publishers in at once, and answers their scripts only once it is told to."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        """How many jobs each script brought."""
        self.arrived = asyncio.Condition()
        self.may_answer = asyncio.Event()
        self.left = asyncio.Event()

    async def speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parser = hiredis.Reader()
        async with asyncio.TaskGroup() as answers:
            while data := await reader.read(1 << 16):
                parser.feed(data)
                while (command := parser.gets()) is not False:
                    if command[0] == b"EVALSHA":
                        # After its keys: how long leads are remembered, how many jobs there are, and the jobs.
                        answers.create_task(self._answer(writer, int(command[4 + int(command[2])])))
                    else:
                        writer.write(b"+OK\r\n")
        writer.close()
        self.left.set()

    async def _answer(self, writer: asyncio.StreamWriter, jobs: int) -> None:
        async with self.arrived:
            self.asked.append(jobs)
            self.arrived.notify_all()
        await self.may_answer.wait()
        writer.write(b"$%d\r\n%b\r\n" % (jobs, b"1" * jobs))

    async def await_scripts(self, count: int) -> None:
        async with self.arrived:
            await self.arrived.wait_for(lambda: len(self.asked) == count)


async def test_a_second_batch_is_on_its_way_while_the_first_is_written_and_a_third_gathers(free_port: Any) -> None:
    slow, port = SlowServer(), free_port()
    async with asyncio.timeout(30), await asyncio.start_server(slow.speak, "127.0.0.1", port):
        async with Publisher(f"redis://127.0.0.1:{port}/0", timeout_s=30) as publisher:
            calls = []
            for count, scripts in ((1, 1), (3, 2), (5, 2)):
                calls += [asyncio.create_task(publisher.publish([a_job()])) for _ in range(count)]
                await slow.await_scripts(scripts)
            slow.may_answer.set()
            assert await asyncio.gather(*calls) == [Published(1, 0)] * 9
            assert slow.asked == [1, 3, 5]
        await slow.left.wait()


async def test_a_call_made_from_an_answer_is_not_forgotten_when_the_queue_has_just_run_empty(free_port: Any) -> None:
    slow, port = SlowServer(), free_port()
    again: asyncio.Future[object] = asyncio.get_running_loop().create_future()
    async with asyncio.timeout(30), await asyncio.start_server(slow.speak, "127.0.0.1", port):
        async with Publisher(f"redis://127.0.0.1:{port}/0", timeout_s=30) as publisher:

            def call_again(_: object) -> None:
                publisher.submit([a_job()], (), again.set_result)

            publisher.submit([a_job()], (), call_again)
            await slow.await_scripts(1)
            second = asyncio.create_task(publisher.publish([a_job()]))
            await slow.await_scripts(2)
            # Both batches are answered in the same turn of the loop, so that both tasks that sent them have ended.
            slow.may_answer.set()
            assert await again == await second == Published(1, 0)
        await slow.left.wait()
