"""A project that is not ours, with the pipeline in it under other names: `leadsctl -p NAME`."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import AsyncIterator

import psycopg
import pytest
import redis.asyncio

from console.errors import StackError
from console.snapshots import Role, State
from console.stack.docker import DockerRuntime
from console.stack.piping import output
from tests.console.docker.waiting import until_true
from tests.live.stacks import steps

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]

PROJECT = """
services:
  cache:
    image: redis:7-alpine
    command: ["redis-server", "--appendonly", "yes"]
  sessions:
    image: redis:7-alpine
    labels: {leadsctl.role: other}
  sql:
    image: postgres:15-alpine
    environment: {POSTGRES_PASSWORD: "s3cret/x", POSTGRES_USER: me, POSTGRES_DB: things}
  hungry:
    image: python:3.13-slim
    mem_limit: 16m
    memswap_limit: 16m
    command: ["python3", "-c", "x = bytearray(200_000_000)"]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> object:
    """Its name; it runs, from a file that nobody tells the console of."""
    name = f"leadstest{secrets.token_hex(4)}"
    file = tmp_path_factory.mktemp("other") / "compose.yml"
    file.write_text(PROJECT)
    words = ["docker", "compose", "--project-name", name, "--file", str(file)]
    subprocess.run([*words, "up", "--detach"], check=True, capture_output=True)
    yield name
    subprocess.run([*words, "down", "--volumes", "-t", "2"], check=True, capture_output=True)


@pytest.fixture
async def runtime(project: str) -> AsyncIterator[DockerRuntime]:
    """A connection by the name alone."""
    made = DockerRuntime(project=project)
    yield made
    await made.close()


async def test_services_have_their_roles_and_nothing_else_is_taken_for_one(runtime: DockerRuntime) -> None:
    found = {one.name: one.role for one in (await runtime.snapshot()).services}
    assert found == {
        "app": Role.APP,
        "worker": Role.WORKER,
        "sql": Role.DB,
        "cache": Role.REDIS,
        "hungry": Role.OTHER,
        "sessions": Role.OTHER,
    }


async def test_one_that_ran_out_of_memory_says_so(runtime: DockerRuntime) -> None:
    async def ended() -> bool:
        [hungry] = [one for one in (await runtime.snapshot()).services if one.name == "hungry"]
        return hungry.state is State.FAILED

    await until_true(ended, "the end of hungry", 60)
    [hungry] = [one for one in (await runtime.snapshot()).services if one.name == "hungry"]
    assert (hungry.replicas[0].oom_killed, hungry.replicas[0].exit_code) == (True, 137)


async def test_queue_and_leads_are_reached(runtime: DockerRuntime) -> None:
    async def answers() -> bool:
        ends = await runtime.endpoints()
        try:
            async with await psycopg.AsyncConnection.connect(ends.database_url) as connection:
                found = await connection.execute("SELECT current_user, current_database()")
                return await found.fetchone() == ("me", "things")
        except psycopg.OperationalError:
            return False

    await until_true(answers, "Postgres", 60)
    async with redis.asyncio.Redis.from_url((await runtime.endpoints()).redis_url) as client:
        assert (await client.config_get("appendonly"))["appendonly"] == "yes"


async def test_verbs_and_programs_mean_the_service_of_that_role(runtime: DockerRuntime) -> None:
    told = await steps(runtime.restart(["redis"]))
    assert {step.service for step in told if step.service} == {"cache"}

    async def answers() -> bool:
        # This project has no health checks: a container that has been started is all that a restart waits for.
        try:
            return await output(runtime.execute("redis", ["redis-cli", "ping"])) == b"PONG\n"
        except StackError:
            return False

    await until_true(answers, "Redis after its restart", 60)
    assert [line async for batch in runtime.logs(["redis"]) for line in batch if line.service == "cache"]
