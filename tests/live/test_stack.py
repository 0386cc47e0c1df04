"""The compose stack on a real engine: healthy, hardened, and a signed webhook becomes a row."""

from __future__ import annotations

import json
from contextlib import aclosing
from typing import Any

import httpx
import psycopg
import pytest
import redis.asyncio

from console import send
from console.snapshots import Role, State
from console.stack.docker import DockerRuntime
from tests.console.docker.waiting import until_true
from tests.live.stacks import APP_SECRET, PASSWORD, LiveStack, steps

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]


def inspect(stack: LiveStack, service: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = json.loads(stack.docker("inspect", stack.container(service)))
    return found[0]


async def test_the_snapshot_of_a_healthy_stack(runtime: DockerRuntime, stack: LiveStack) -> None:
    found = await runtime.snapshot()
    assert [(one.name, one.role) for one in found.services] == [
        ("app", Role.APP),
        ("worker", Role.WORKER),
        ("db", Role.DB),
        ("redis", Role.REDIS),
        ("graph", Role.OTHER),
    ]
    assert (found.runtime, found.project) == ("docker", stack.project)
    assert found.where.startswith("unix://")
    for service in found.services[:4]:
        [replica] = service.replicas
        assert replica.state is State.HEALTHY, service
        assert replica.restarts == 0
        assert replica.memory_limit > 0
        assert replica.started_at > 0
        assert service.image_created_at > 0
    by_role = {one.role: one for one in found.services}
    assert by_role[Role.APP].ports == (f"127.0.0.1:{stack.port}→3000",)
    assert by_role[Role.DB].ports == ("5432",)
    assert by_role[Role.REDIS].ports == ("6379",)
    assert by_role[Role.APP].replicas[0].name == f"{stack.project}_app"
    assert "redis: ok" in by_role[Role.APP].replicas[0].health
    assert "heartbeat" in by_role[Role.WORKER].replicas[0].health
    assert "accepting connections" in by_role[Role.DB].replicas[0].health
    assert by_role[Role.REDIS].replicas[0].health == "PONG"


async def test_whoever_keeps_looking_gets_statistics(runtime: DockerRuntime) -> None:
    async def known() -> bool:
        found = await runtime.snapshot()
        replicas = [replica for one in found.services[:4] for replica in one.replicas]
        return all(one.cpu_percent is not None and (one.memory_bytes or 0) > 100_000 for one in replicas)

    await until_true(known, "statistics of every container")


async def test_a_signed_webhook_becomes_a_row(runtime: DockerRuntime) -> None:
    where = await runtime.endpoints()
    webhook = send.meta_webhook(APP_SECRET.encode())
    answer = await send.deliver(where.web_url, webhook)
    assert (answer.status, json.loads(answer.body)) == (200, {"accepted": 1, "duplicates": 0, "ignored": 0})
    again = await send.deliver(where.web_url, webhook)
    assert json.loads(again.body)["duplicates"] == 1
    async with await psycopg.AsyncConnection.connect(where.database_url) as connection:

        async def stored() -> bool:
            await connection.rollback()
            found = await connection.execute(
                "SELECT full_name, email FROM leads WHERE external_id = %s", (webhook.external_id,)
            )
            return await found.fetchall() == [(f"Ana {webhook.external_id}", f"ana{webhook.external_id}@example.com")]

        await until_true(stored, "the row")


async def test_a_webhook_without_a_signature_is_refused(runtime: DockerRuntime) -> None:
    where = await runtime.endpoints()
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.post(f"{where.web_url}/webhooks/meta", content=b"{}")
        assert answer.status_code in (401, 403)
        ready = await client.get(f"{where.web_url}/health/ready")
        assert ready.json()["status"] == "ready"
        assert ready.json()["queue"]["cause"] != "no_worker"


@pytest.mark.parametrize("service", ["app", "worker", "db", "redis"])
def test_every_service_is_hardened(stack: LiveStack, service: str) -> None:
    found = inspect(stack, service)
    host = found["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert host["RestartPolicy"]["Name"] == "always"
    assert host["Memory"] > 0
    assert host["PidsLimit"] > 0
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-size": "10m", "max-file": "5"}}
    assert stack.docker("exec", found["Id"], "id", "-u").strip() != "0"
    assert "CapEff:\t0000000000000000" in stack.docker("exec", found["Id"], "cat", "/proc/1/status")


@pytest.mark.parametrize("service", ["app", "worker", "db", "redis"])
def test_no_password_shows_in_a_process_list(stack: LiveStack, service: str) -> None:
    shown = stack.docker("top", stack.container(service), "-eo", "pid,args")
    assert len(shown.splitlines()) > 1
    for secret in (PASSWORD, PASSWORD[:6], APP_SECRET, "EAAtoken"):
        assert secret not in shown


def test_only_the_web_port_is_published(stack: LiveStack) -> None:
    for service in ("worker", "db", "redis"):
        assert not inspect(stack, service)["HostConfig"]["PortBindings"]


def test_the_image_holds_what_the_service_needs_and_no_console(stack: LiveStack) -> None:
    app = stack.container("app")
    stack.docker("exec", app, "python", "-c", "import api.web.server, api.worker, api.store, uvloop, httptools")
    missing = (
        "import importlib.util as u, sys; sys.exit(any(u.find_spec(n) for n in ('textual','docker','console','pip')))"
    )
    stack.docker("exec", app, "python", "-c", missing)


def test_the_servers_demand_the_password_even_from_inside(stack: LiveStack) -> None:
    words = ("psql", "-At", "-U", "leads", "-c", "select 1")
    assert stack.docker("exec", stack.container("db"), *words).strip() == "1"
    for host in (("-h", "127.0.0.1"), ()):
        with pytest.raises(AssertionError, match="password authentication failed"):
            stack.docker("exec", "-e", "PGPASSWORD=wrong", stack.container("db"), *words, *host)
    cli = ("redis-cli", "ping")
    assert stack.docker("exec", stack.container("redis"), *cli).strip() == "PONG"
    assert "NOAUTH" in stack.docker("exec", "-e", "REDISCLI_AUTH=", stack.container("redis"), *cli)


async def test_a_statement_that_fails_leaves_no_personal_data_in_the_log(
    runtime: DockerRuntime, stack: LiveStack
) -> None:
    async with await psycopg.AsyncConnection.connect((await runtime.endpoints()).database_url) as connection:
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            await connection.execute("SELECT 'ana@example.com'::int")
    async with aclosing(runtime.logs(["db"])) as batches:
        text = "\n".join([line.text async for batch in batches for line in batch])
    assert "database system is ready" in text
    assert "ana@example.com" not in text


async def test_what_got_a_200_is_on_disk(runtime: DockerRuntime) -> None:
    client = redis.asyncio.Redis.from_url((await runtime.endpoints()).redis_url)
    async with client:
        config = await client.config_get("append*")
        assert (config["appendonly"], config["appendfsync"]) == ("yes", "always")
        assert (await client.config_get("maxmemory-policy"))["maxmemory-policy"] == "noeviction"


async def test_volumes_have_a_size_a_place_and_a_user(runtime: DockerRuntime) -> None:
    found = await runtime.volumes()
    assert [(one.name, one.mount, one.used_by) for one in found.volumes] == [
        ("postgres_data", "/var/lib/postgresql/data", ("db",)),
        ("redis_data", "/data", ("redis",)),
    ]
    assert (found.volumes[0].size_bytes or 0) > 1_000_000
    assert found.disk_total > found.disk_free > 0


async def test_stopping_and_starting_a_service_shows_at_once(runtime: DockerRuntime) -> None:
    async def worker() -> State:
        service = (await runtime.snapshot()).service(Role.WORKER)
        assert service is not None
        return service.state

    assert await worker() is State.HEALTHY
    await worker()
    stopped = await steps(runtime.stop(["worker"]))
    assert ("worker", "stopped", True) in [(step.service, step.text, step.ok) for step in stopped]
    assert await worker() is State.STOPPED
    started = await steps(runtime.start(["worker"]))
    assert ("worker", True) in [(step.service, step.ok) for step in started]

    async def healthy() -> bool:
        return await worker() is State.HEALTHY

    await until_true(healthy, "a healthy worker", 60)
    restarted = await steps(runtime.restart(["worker"]))
    assert ("worker", "started", True) in [(step.service, step.text, step.ok) for step in restarted]
    await until_true(healthy, "a healthy worker", 60)


async def test_a_worker_drains_when_it_is_stopped(runtime: DockerRuntime) -> None:
    await steps(runtime.stop(["worker"]))
    async with aclosing(runtime.logs(["worker"], tail=20)) as batches:
        lines = [json.loads(line.text) async for batch in batches for line in batch if line.text.startswith("{")]
    assert "worker.drained" in [line["event"] for line in lines]
    service = (await runtime.snapshot()).service(Role.WORKER)
    assert service is not None
    assert service.replicas[0].exit_code == 0
    await steps(runtime.start(["worker"]))
