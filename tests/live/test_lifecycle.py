"""Bringing a stack up and down on a real engine: refusals, volumes that stay, the development overlay."""

from __future__ import annotations

import shutil
from pathlib import Path

import psycopg
import pytest

from console.errors import StackError, UnreachableError
from console.snapshots import State
from console.stack.docker import files
from tests.console.docker.waiting import until_true
from tests.live.stacks import COMPOSE, REPOSITORY, LiveStack, steps
from tests.servers import free_port

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]


@pytest.mark.parametrize("name", ["POSTGRES_PASSWORD", "REDIS_PASSWORD", "META_APP_SECRET", "META_VERIFY_TOKEN"])
async def test_nothing_starts_without_its_secrets(folder: LiveStack, name: str) -> None:
    rest = ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "META_APP_SECRET", "META_VERIFY_TOKEN")
    folder.settings(**{one: "x" for one in rest if one != name})
    runtime = folder.runtime()
    try:
        with pytest.raises(StackError, match=f"{name} is not set in .*stack.env") as caught:
            await steps(runtime.up())
        assert ".env.example" in caught.value.hint
        with pytest.raises(UnreachableError, match="The stack is not running"):
            await runtime.endpoints()
        assert {one.state for one in (await runtime.snapshot()).services} == {State.ABSENT}
    finally:
        await runtime.close()


async def test_a_service_that_cannot_start_is_said_with_its_last_words(folder: LiveStack) -> None:
    folder.settings(
        POSTGRES_PASSWORD="x",
        REDIS_PASSWORD="x",
        META_APP_SECRET="x",
        META_VERIFY_TOKEN="x",
        PORT=f"127.0.0.1:{folder.port}",
        LOG_LEVEL="loud",
        LEADS_IMAGE="leadstest_app:latest",
    )
    runtime = folder.runtime()
    try:
        with pytest.raises(StackError, match="LOG_LEVEL is not valid"):
            await steps(runtime.up())
    finally:
        await runtime.close()


async def test_volumes_stay_over_down_and_up(folder: LiveStack) -> None:
    runtime = folder.runtime()
    try:
        await steps(runtime.up(["db"]))
        where = await runtime.endpoints()
        async with await psycopg.AsyncConnection.connect(where.database_url, autocommit=True) as connection:
            await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        down = await steps(runtime.down())
        assert ("db", "removed", True) in [(step.service, step.text, step.ok) for step in down]
        assert {one.state for one in (await runtime.snapshot()).services} == {State.ABSENT}
        assert [one.name for one in (await runtime.volumes()).volumes] == ["postgres_data", "redis_data"]
        await steps(runtime.up(["db"]))
        where = await runtime.endpoints()
        async with await psycopg.AsyncConnection.connect(where.database_url) as connection:
            assert await (await connection.execute("SELECT answer FROM kept")).fetchone() == (42,)
        await steps(runtime.down(volumes=True))
        assert (await runtime.volumes()).volumes == ()
    finally:
        await runtime.close()


async def test_down_goes_by_the_labels_where_the_settings_are_gone(folder: LiveStack) -> None:
    runtime = folder.runtime()
    try:
        await steps(runtime.up(["redis"]))
        folder.env_file.unlink()
        await steps(runtime.down())
        assert {one.state for one in (await runtime.snapshot()).services} == {State.ABSENT}
    finally:
        await runtime.close()


async def test_development_publishes_on_loopback_and_reloads(tmp_path: Path) -> None:
    written = files.write(tmp_path / "stack")
    source = tmp_path / "stack" / "api"
    stack = LiveStack(tmp_path, base=written.files[0], overlays=(written.folder / "docker-compose.dev.yml",))
    database_port, redis_port = free_port(), free_port()
    with stack.env_file.open("a") as file:
        file.write(f"DEV_DB_PORT={database_port}\nDEV_REDIS_PORT={redis_port}\n")
    runtime = stack.runtime()
    try:
        await steps(runtime.up(["app"]))
        where = await runtime.endpoints()
        assert f"@127.0.0.1:{database_port}/" in where.database_url
        assert f"@127.0.0.1:{redis_port}/" in where.redis_url
        (source / "ids.py").write_text((source / "ids.py").read_text() + "\n")

        async def reloaded() -> bool:
            lines = [line.text async for batch in runtime.logs(["app"]) for line in batch]
            return sum('"web.started"' in line for line in lines) == 2

        await until_true(reloaded, "a second start of the web process", 60)
    finally:
        await runtime.close()
        stack.remove()


def test_what_is_written_is_what_the_image_is_built_from(tmp_path: Path) -> None:
    written = files.write(tmp_path, env="POSTGRES_PASSWORD=x\n")
    assert files.buildable(written)
    assert (tmp_path / ".dockerignore").read_text() == (REPOSITORY / ".dockerignore").read_text()
    assert written.files[0].read_text() == COMPOSE.read_text()
    shutil.rmtree(tmp_path / "api")
    assert not files.buildable(written)
