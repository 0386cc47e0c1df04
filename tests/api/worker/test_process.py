"""`python -m api worker` as a process: end to end, stopped, killed, and started wrongly."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import api
from api.models import JobState, Outcome
from tests.api.worker.rig import Rig, form_job, meta_job, until
from tests.api.worker.standin import Call, Reply, error, leads


class Process:
    """A running worker process; `output` is what it wrote on stdout and stderr."""

    def __init__(self, process: asyncio.subprocess.Process, output: Path) -> None:
        self.process = process
        self.output = output

    def lines(self) -> list[dict[str, Any]]:
        """Its log so far."""
        return [json.loads(line) for line in self.output.read_text().splitlines() if line.endswith("}")]

    def kill(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    async def ended(self) -> int:
        """Its exit code."""
        return await asyncio.wait_for(self.process.wait(), 40)


@contextlib.asynccontextmanager
async def started(rig: Rig, folder: Path, **env: str) -> AsyncIterator[Process]:
    """A worker process on the rig's servers; killed at the end if it still runs."""
    given = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(Path(api.__file__).parents[1]),
        "DATABASE_URL": rig.database_url,
        "REDIS_URL": rig.redis_url,
        "META_ACCESS_TOKEN": rig.settings.meta_access_token,
        "META_APP_SECRET": "shhh",
        "META_GRAPH_URL": rig.graph.url,
        "WORKER_NAME": "w-1",
        "RETRY_BASE_S": "0.05",
    } | env
    output = folder / f"{given['WORKER_NAME']}.log"
    with output.open("ab") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "api", "worker", env=given, stdout=out, stderr=out, cwd="/"
        )
    try:
        yield Process(process, output)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_end_to_end_and_a_clean_stop(rig: Rig, tmp_path: Path) -> None:
    failed: set[str] = set()

    def answer(call: Call) -> Reply:
        if call.ids[0] not in failed:
            failed.add(call.ids[0])
            return error(2, "Service temporarily unavailable", status=500)
        return Reply(leads(call.ids))

    rig.graph.answer = answer
    jobs = [*(meta_job(str(n)) for n in range(1, 150)), *(form_job(f"msg_{n}") for n in range(150))]
    await rig.publish(*jobs)
    async with started(rig, tmp_path) as process:
        await rig.rows(299)
        await rig.idle()
        process.kill(signal.SIGTERM)
        assert await process.ended() == 0
        lines = process.lines()
    assert [line["event"] for line in lines if line["event"].startswith("worker.")] == [
        "worker.started",
        "worker.drained",
    ]
    stored = {line["job_id"] for line in lines if line["event"] == "lead.stored"}
    assert stored == {job.id for job in jobs}
    assert all({"request_id", "external_id", "ts", "level"} <= line.keys() for line in lines if "job_id" in line)
    text = process.output.read_text()
    for secret in (rig.settings.meta_access_token, "shhh", "appsecret_proof", "Person", "example.com", "11912345678"):
        assert secret not in text.replace(rig.graph.url, ""), secret
    assert (await rig.accounting()).balanced


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_stopped_in_the_middle_it_finishes_what_it_has_begun(
    rig: Rig, tmp_path: Path, number: signal.Signals
) -> None:
    held = asyncio.Event()

    async def answer(call: Call) -> Reply:
        await held.wait()
        return Reply(leads(call.ids))

    rig.graph.answer = answer
    jobs = [meta_job(str(n)) for n in range(1, 31)]
    await rig.publish(*jobs)
    async with started(rig, tmp_path) as process:
        await rig.state(jobs[0], JobState.IN_FLIGHT)

        async def asked() -> bool:
            return bool(rig.graph.calls)

        await until(asked, "the call")
        process.kill(number)
        held.set()
        assert await process.ended() == 0
    snapshot = await rig.inspector.snapshot()
    assert (snapshot.in_flight, [worker.name for worker in snapshot.workers if worker.in_flight]) == (0, [])
    accounting = await rig.accounting()
    assert accounting.deliveries[Outcome.STORED] + accounting.ready + accounting.retry == 30
    assert accounting.deliveries[Outcome.STORED] > 0
    assert accounting.balanced


@pytest.mark.faults
async def test_killed_again_and_again_nothing_is_lost_or_doubled(rig: Rig, tmp_path: Path) -> None:
    jobs = [*(form_job(f"msg_{n}") for n in range(3000)), *(meta_job(str(n)) for n in range(1, 600))]
    await rig.publish(*jobs)
    for goal in (200, 900, 1500):
        async with started(rig, tmp_path) as process:
            await rig.rows(min(goal, 1000))

            async def far(goal: int = goal) -> bool:
                return (await rig.inspector.snapshot()).depth <= len(jobs) - goal

            await until(far, f"{goal} jobs")
            process.kill(signal.SIGKILL)
            assert await process.ended() == -signal.SIGKILL
        accounting = await rig.accounting()
        assert accounting.balanced
    async with started(rig, tmp_path) as process:
        await rig.idle()
        process.kill(signal.SIGTERM)
        assert await process.ended() == 0
    accounting = await rig.accounting()
    assert accounting.deliveries == {Outcome.STORED: len(jobs), Outcome.DUPLICATE: 0, Outcome.DISCARDED: 0}
    assert (accounting.dead, accounting.balanced) == (0, True)


@pytest.mark.faults
async def test_another_worker_takes_over_from_a_killed_one(rig: Rig, tmp_path: Path) -> None:
    held = asyncio.Event()

    async def answer(call: Call) -> Reply:
        await held.wait()
        return Reply(leads(call.ids))

    rig.graph.answer = answer
    jobs = [meta_job(str(n)) for n in range(1, 31)]
    await rig.publish(*jobs)
    async with started(rig, tmp_path) as process:
        await rig.state(jobs[0], JobState.IN_FLIGHT)
        process.kill(signal.SIGKILL)
        await process.ended()
    held.set()
    async with started(rig, tmp_path, WORKER_NAME="w-2") as process:
        await rig.rows(30)
        await rig.idle()
        assert any(line["event"] == "worker.reclaimed" for line in process.lines())
    details = await rig.stored(jobs[0])
    assert (details.deliveries[0].worker, details.deliveries[0].attempts) == ("w-2", 1)


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({"DATABASE_URL": ""}, "DATABASE_URL"),
        ({"REDIS_URL": ""}, "REDIS_URL"),
        ({"MAX_ATTEMPTS": "many"}, "MAX_ATTEMPTS"),
        ({"RETRY_BASE_S": "-1"}, "RETRY_BASE_S"),
    ],
)
async def test_a_wrong_setting_is_named_in_one_line(rig: Rig, tmp_path: Path, env: dict[str, str], named: str) -> None:
    async with started(rig, tmp_path, **env) as process:
        assert await process.ended() == 2
        (line,) = process.output.read_text().splitlines()
    assert named in line
