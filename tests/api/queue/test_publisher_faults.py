"""Publishing while Redis is killed, hangs, is full or away: quick refusals, nothing acknowledged is lost, it heals."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import pytest

from api.errors import QueueUnavailableError
from api.queue import Published, Publisher
from api.queue import publisher as publisher_module
from tests.api.queue.conftest import Queue, a_job, hanging, told
from tests.servers import RedisServer

SOON_S = 30.0


async def accepted_again(publisher: Publisher) -> Published:
    """What a publish says once Redis is back."""
    async with asyncio.timeout(SOON_S):
        while True:
            with contextlib.suppress(QueueUnavailableError):
                return await publisher.publish([a_job()])
            await asyncio.sleep(0.02)


async def test_nothing_acknowledged_is_lost_and_nothing_doubled_by_kill_9(
    own_server: RedisServer, own_queue: Queue
) -> None:
    acknowledged: set[str] = set()
    stopping = asyncio.Event()
    leads = iter(range(1_000_000))

    async def sender() -> None:
        while not stopping.is_set():
            lead = f"kill-{next(leads)}"
            while not stopping.is_set():
                # A sender that got no 200 delivers again, as another job.
                with contextlib.suppress(QueueUnavailableError):
                    published = await own_queue.publisher.publish([a_job(lead), a_job(f"{lead}-b")])
                    assert published.accepted + published.duplicates == 2
                    acknowledged.update((lead, f"{lead}-b"))
                    break
                await asyncio.sleep(0.01)

    senders = [asyncio.create_task(sender()) for _ in range(16)]
    for _ in range(3):
        before = len(acknowledged)
        async with asyncio.timeout(SOON_S):
            while len(acknowledged) < before + 200:
                await asyncio.sleep(0.005)
        await asyncio.to_thread(own_server.kill)
        await asyncio.to_thread(own_server.start)
    before = len(acknowledged)
    async with asyncio.timeout(SOON_S):
        while len(acknowledged) < before + 200:
            await asyncio.sleep(0.005)
    stopping.set()
    await asyncio.gather(*senders)

    places = await own_queue.inspector.places()
    assert not places.doubled
    assert sorted(seq for _, seq in places.ready) == list(range(1, places.accepted + 1))
    entries = own_queue.raw.xrange("{leads}:ready")
    leads_there = [fields["j"].split('"external_id":"')[1].split('"')[0] for _, fields in entries]
    assert len(leads_there) == len(set(leads_there))
    assert acknowledged <= set(leads_there)


async def test_a_short_outage_is_waited_out(own_server: RedisServer, own_queue: Queue) -> None:
    publisher = Publisher(own_queue.url, timeout_s=SOON_S)
    assert await publisher.publish([a_job()]) == Published(1, 0)
    await asyncio.to_thread(own_server.kill)
    waiting = [asyncio.create_task(publisher.publish([a_job()])) for _ in range(20)]
    await asyncio.sleep(0)
    await asyncio.to_thread(own_server.start)
    assert await asyncio.gather(*waiting) == [Published(1, 0)] * 20
    await publisher.close()


async def test_in_a_long_outage_it_refuses_at_once_and_heals(
    own_server: RedisServer, own_queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher_module, "GRACE_S", 0.05)
    # Time enough for a busy machine: the first is accepted.
    publisher = Publisher(own_queue.url, timeout_s=1.0)
    assert await publisher.publish([a_job()]) == Published(1, 0)
    await asyncio.to_thread(own_server.kill)
    with pytest.raises(QueueUnavailableError):
        await publisher.publish([a_job()])
    # By now the outage is known: a call fails before it can have waited for anything.
    refused = asyncio.create_task(publisher.publish([a_job()]))
    for _ in range(5):
        await asyncio.sleep(0)
    assert refused.done()
    assert isinstance(refused.exception(), QueueUnavailableError)
    await asyncio.to_thread(own_server.start)
    assert await accepted_again(publisher) == Published(1, 0)
    await publisher.close()


async def test_a_hanging_server_is_given_up_and_taken_up_again(own_server: RedisServer, own_queue: Queue) -> None:
    # Time enough for a busy machine: the first is accepted.
    publisher = Publisher(own_queue.url, timeout_s=1.0)
    assert await publisher.publish([a_job()]) == Published(1, 0)
    with hanging(own_server):
        results = await asyncio.gather(
            *(publisher.publish([a_job(f"hang-{n}")]) for n in range(50)), return_exceptions=True
        )
        assert all(isinstance(result, QueueUnavailableError) for result in results)
    assert await accepted_again(publisher) == Published(1, 0)
    # What hung may have been accepted all the same: the sender comes again, and each lead is there once.
    await publisher.publish([a_job(f"hang-{n}") for n in range(50)])
    assert len((await own_queue.inspector.places()).ready) == 52
    await publisher.close()


def submitted(publisher: Publisher, timeout_s: float) -> asyncio.Future[Published | QueueUnavailableError]:
    """What comes of a call that has so much time of its own."""
    outcome: asyncio.Future[Published | QueueUnavailableError] = asyncio.get_running_loop().create_future()
    call = publisher.submit([a_job()], (), outcome.set_result)
    call.deadline = asyncio.get_running_loop().time() + timeout_s
    return outcome


async def test_each_call_of_a_batch_has_its_own_time_while_redis_is_away(
    own_server: RedisServer, own_queue: Queue
) -> None:
    publisher = Publisher(own_queue.url, timeout_s=SOON_S)
    assert await publisher.publish([a_job()]) == Published(1, 0)
    await asyncio.to_thread(own_server.kill)
    late, early = submitted(publisher, SOON_S), submitted(publisher, 0.1)
    async with asyncio.timeout(SOON_S / 2):
        assert isinstance(await early, QueueUnavailableError)
    assert not late.done()
    await asyncio.to_thread(own_server.start)
    assert await late == Published(1, 0)
    await publisher.close()


async def test_each_call_of_a_batch_has_its_own_time_while_redis_hangs(
    own_server: RedisServer, own_queue: Queue
) -> None:
    publisher = Publisher(own_queue.url, timeout_s=SOON_S)
    assert await publisher.publish([a_job()]) == Published(1, 0)
    with hanging(own_server):
        late, early = submitted(publisher, SOON_S), submitted(publisher, 0.1)
        async with asyncio.timeout(SOON_S / 2):
            error = await early
        assert isinstance(error, QueueUnavailableError)
        assert not late.done()
    assert await late == Published(1, 0)
    await publisher.close()


async def test_who_comes_late_into_an_outage_is_refused_while_who_came_early_still_waits(
    own_server: RedisServer, own_queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    publisher = Publisher(own_queue.url, timeout_s=SOON_S)
    assert await publisher.publish([a_job()]) == Published(1, 0)
    await asyncio.to_thread(own_server.kill)
    late, early = submitted(publisher, SOON_S), submitted(publisher, 0.1)
    assert isinstance(await early, QueueUnavailableError)
    monkeypatch.setattr(publisher_module, "GRACE_S", 0.0)
    with pytest.raises(QueueUnavailableError, match="Redis does not answer"):
        async with asyncio.timeout(SOON_S / 2):
            await publisher.publish([a_job()])
    assert not late.done()
    await asyncio.to_thread(own_server.start)
    assert await late == Published(1, 0)
    await publisher.close()


async def test_a_silent_connection_is_dropped_and_what_waits_goes_over_a_new_one(free_port: Any) -> None:
    made: list[asyncio.StreamWriter] = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made.append(writer)
        await reader.readuntil(b"leads-publisher\r\n")
        writer.write(b"+PONG\r\n+OK\r\n")
        await reader.readuntil(b"EVALSHA\r\n")
        if len(made) > 1:
            writer.write(b"$1\r\n1\r\n")

    port = free_port()
    async with (
        await asyncio.start_server(speak, "127.0.0.1", port),
        Publisher(f"redis://127.0.0.1:{port}/0", timeout_s=1.0) as publisher,
    ):
        async with asyncio.timeout(SOON_S / 2):
            assert await submitted(publisher, SOON_S) == Published(1, 0)
        assert len(made) == 2
        for writer in made:
            writer.close()


async def test_a_server_that_is_away_from_the_start(own_server: RedisServer) -> None:
    own_server.stop()
    async with Publisher(own_server.url, timeout_s=0.3) as publisher:
        with pytest.raises(QueueUnavailableError, match="Redis does not answer"):
            await publisher.publish([a_job()])
        await asyncio.to_thread(own_server.start)
        assert await accepted_again(publisher) == Published(1, 0)


async def test_a_wrong_password_is_told_without_it(own_server: RedisServer) -> None:
    url = own_server.url.replace(own_server.password, "geheim")
    async with Publisher(url, timeout_s=0.3) as publisher:
        assert "geheim" not in await told(publisher, "invalid")


async def test_out_of_memory_is_refused_and_the_queue_still_drains(own_queue: Queue) -> None:
    publisher, raw = own_queue.publisher, own_queue.raw
    jobs = await own_queue.publish(6)
    await publisher.publish([], [(a_job(), "bad")])
    consumer = await own_queue.consumer()
    raw.config_set("maxmemory", 1)
    with pytest.raises(QueueUnavailableError, match="OOM"):
        await publisher.publish([a_job("full")])

    await consumer.beat()
    await consumer.warn("redis.full", "Redis is out of memory")
    taken = await consumer.read(6, 0)
    assert len(taken) == 6
    assert await consumer.settle([taken[0].entry_id]) == 1
    assert await consumer.retry(taken[1], taken[1].job, 0.0, "again")
    assert await consumer.bury(taken[2], taken[2].job, "no")
    assert await consumer.promote_due() == 1
    assert (await own_queue.operator.retry([jobs[2].id])).done == (jobs[2].id,)
    assert (await own_queue.operator.discard([jobs[2].id])).done == (jobs[2].id,)
    await own_queue.operator.pause()
    assert (await own_queue.inspector.snapshot()).paused

    raw.config_set("maxmemory", 0)
    assert await publisher.publish([a_job("full")]) == Published(1, 0)


async def test_a_server_that_refuses_writes_is_told(own_queue: Queue, free_port: Any) -> None:
    assert await own_queue.publisher.publish([a_job()]) == Published(1, 0)
    own_queue.raw.replicaof("127.0.0.1", free_port())
    with pytest.raises(QueueUnavailableError, match=r"READONLY|MASTERDOWN"):
        await own_queue.publisher.publish([a_job()])
    own_queue.raw.replicaof("NO", "ONE")
    assert await accepted_again(own_queue.publisher) == Published(1, 0)


async def test_connections_killed_by_the_server_are_made_again(own_queue: Queue) -> None:
    for _ in range(3):
        assert await own_queue.publisher.publish([a_job()]) == Published(1, 0)
        own_queue.raw.client_kill_filter(_type="normal", skipme=True)
    assert len((await own_queue.inspector.places()).ready) == 3


async def test_something_else_on_the_port(free_port: Any) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    port = free_port()
    async with (
        await asyncio.start_server(speak, "127.0.0.1", port),
        Publisher(f"redis://127.0.0.1:{port}/0", timeout_s=0.3) as publisher,
    ):
        with pytest.raises(QueueUnavailableError):
            await publisher.publish([a_job()])
