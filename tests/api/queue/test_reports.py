"""What workers report: counted once whatever gets lost, growing whatever restarts; and the rates that come of it."""

from __future__ import annotations

from typing import Any

import pytest

from api.errors import QueueUnavailableError
from api.models import WorkerState
from api.queue.figures import rates
from tests.api.queue.conftest import Queue, a_job, hanging
from tests.servers import RedisServer, wait_until

SICK = WorkerState("does not answer", 1.5, 0.25, 2.0, (("1029", 83.0), ("*", 12.5)))


async def test_a_worker_tells_how_it_is(queue: Queue) -> None:
    worker = await queue.consumer()
    await worker.beat(3, 1, SICK)
    (view,) = (await queue.inspector.snapshot()).workers
    assert (view.stored, view.failed, view.state) == (3, 1, SICK)


async def test_counts_of_all_workers_add_up_and_grow_over_restarts(queue: Queue) -> None:
    first, second = await queue.consumer("w-1"), await queue.consumer("w-2")
    await first.beat(totals={"jobs|stored": 5, "jobs|dead": 0})
    await second.beat(totals={"jobs|stored": 7})
    await first.beat(totals={"jobs|stored": 9})
    assert await queue.inspector.tallies() == {"jobs|stored": 16}
    await first.close()
    again = await queue.consumer("w-1")
    await again.beat(totals={"jobs|stored": 2})
    assert await queue.inspector.tallies() == {"jobs|stored": 18}
    queue.lose("w-1", 3_600)
    await second.reap(600)
    await again.beat(totals={"jobs|stored": 3, "jobs|dead": 1})
    assert await queue.inspector.tallies() == {"jobs|stored": 19, "jobs|dead": 1}


async def test_a_report_whose_answer_was_lost_is_counted_once(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = await queue.consumer()
    run = worker._link.run

    async def lossy(name: str, *args: Any) -> Any:
        await run(name, *args)
        raise QueueUnavailableError("the answer is lost")

    with monkeypatch.context() as patched:
        patched.setattr(worker._link, "run", lossy)
        for total in (5, 6):
            with pytest.raises(QueueUnavailableError):
                await worker.beat(totals={"jobs|stored": total})
    assert await queue.inspector.tallies() == {"jobs|stored": 5}
    await worker.beat(totals={"jobs|stored": 8})
    assert await queue.inspector.tallies() == {"jobs|stored": 5}, "the lost one again, under its old name"
    await worker.beat(totals={"jobs|stored": 8})
    assert await queue.inspector.tallies() == {"jobs|stored": 8}


async def test_discarding_is_counted(queue: Queue) -> None:
    (job,) = await queue.publish(1)
    await queue.publisher.publish([], [(dead := a_job(), "bad")])
    await queue.operator.discard([job.id, dead.id])
    await queue.operator.undo([dead.id])
    await queue.operator.discard([dead.id])
    counted = (await queue.inspector.tallies())["jobs|discarded"]
    assert counted >= 2
    assert (await queue.inspector.snapshot()).discarded <= counted


def test_rates_are_those_of_the_last_ten_seconds() -> None:
    samples = [f"{at} {at // 100} {at // 200}" for at in range(60_000, 40_000, -1_000)]
    arriving, leaving = rates(60_500, 605, 302, samples)
    assert arriving == pytest.approx(10, 0.05)
    assert leaving == pytest.approx(5, 0.05)
    assert rates(60_500, 600, 290, samples)[1] == pytest.approx(4, 0.1)
    assert rates(60_500, 600, 0, samples)[1] == 0.0


@pytest.mark.parametrize(
    "samples", [[], ["59900 1 1"], ["54000 1 1", "53000 1 1"], ["59000 700 1", "50000 700 1"]], ids=str
)
def test_rates_are_unknown_without_samples_that_are_old_and_fresh_enough(samples: list[str]) -> None:
    assert rates(60_000, 600, 300, samples) == (None, None)


async def test_workers_sample_the_rates_for_everybody(queue: Queue) -> None:
    worker = await queue.consumer()
    await worker.beat()
    await queue.publish(30)
    newest = queue.raw.lindex("{leads}:samples", 0).split()
    queue.raw.lpush("{leads}:samples", f"{int(newest[0]) - 3_000} 0 0")
    queue.raw.lpush("{leads}:samples", f"{int(newest[0])} 0 0")
    queue.raw.lrem("{leads}:samples", -1, " ".join(newest))
    (taken, *_) = await worker.read(10, 0)
    await worker.settle([taken.entry_id])
    snapshot = await queue.inspector.snapshot()
    assert snapshot.arriving == pytest.approx(30 / 3, rel=0.5)
    assert snapshot.leaving == pytest.approx(1 / 3, rel=0.5)


async def test_samples_are_bounded(queue: Queue) -> None:
    worker = await queue.consumer()
    queue.raw.delete("{leads}:samples")
    queue.raw.rpush("{leads}:samples", *(f"{n} 0 0" for n in range(100, 0, -1)))
    await worker.beat()
    assert queue.raw.llen("{leads}:samples") == 30


async def test_a_redis_that_is_full_says_so(own_queue: Queue, own_server: RedisServer) -> None:
    worker = await own_queue.consumer()
    await own_queue.publish(50)
    assert (await own_queue.inspector.snapshot()).refuses == ""
    own_queue.raw.config_set("maxmemory", 1_000_000)
    with pytest.raises(QueueUnavailableError, match="OOM"):
        await own_queue.publish(1)
    await worker.beat(totals={"jobs|stored": 1})
    snapshot = await own_queue.inspector.snapshot()
    assert (snapshot.refuses, snapshot.memory_limit, snapshot.ready) == ("memory", 1_000_000, 50)
    assert await own_queue.inspector.tallies() == {"jobs|stored": 1}
    own_queue.raw.config_set("maxmemory", 0)
    assert (await own_queue.inspector.snapshot()).refuses == ""


async def test_a_redis_that_cannot_write_its_files_says_so(own_queue: Queue, own_server: RedisServer) -> None:
    own_queue.raw.config_set("save", "3600 1")
    await own_queue.publish(1)
    (own_server.folder / "dump.rdb").mkdir()
    own_queue.raw.bgsave()
    wait_until(lambda: own_queue.raw.info("persistence")["rdb_last_bgsave_status"] == "err", "the failure")
    snapshot = await own_queue.inspector.snapshot()
    with pytest.raises(QueueUnavailableError, match="MISCONF"):
        await own_queue.publish(1)
    assert (snapshot.refuses, snapshot.ready) == ("disk", 1)
    own_queue.raw.config_set("save", "")  # or the server would not stop without having saved


async def test_one_that_does_not_answer_raises(own_queue: Queue, own_server: RedisServer) -> None:
    with hanging(own_server), pytest.raises(QueueUnavailableError):
        await own_queue.inspector.tallies()
