"""Engines of every kind that can be had here: over TCP, by a context, on a real ssh host."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
import redis.asyncio

from console.errors import UnreachableError
from console.stack.docker import DockerRuntime
from console.stack.docker.pump import Listener
from tests.console.docker.waiting import until_true
from tests.live.proxies import link
from tests.live.stacks import LiveStack, steps
from tests.servers import free_port, wait_until

pytestmark = [pytest.mark.docker, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveStack]:
    """db and redis, with nothing published."""
    made = LiveStack(tmp_path_factory.mktemp("stack"))
    try:
        made.up("db", "redis")
        yield made
    finally:
        made.remove()


@pytest.fixture
async def tcp() -> AsyncIterator[int]:
    """A loopback port that leads to the engine."""
    listener = Listener(link)
    yield await listener.listen()
    await listener.close()


async def whole(runtime: DockerRuntime, where: str) -> None:
    """Look, read, reach and change: everything goes by that way."""
    found = await runtime.snapshot()
    assert found.where == where
    assert {one.name for one in found.services if one.up} >= {"db", "redis"}
    assert [line async for batch in runtime.logs(["db"], tail=5) for line in batch]
    ends = await runtime.endpoints()
    async with await psycopg.AsyncConnection.connect(ends.database_url) as connection:
        assert await (await connection.execute("SELECT 1")).fetchone() == (1,)

    async def pings() -> bool:
        # A relay that has to be found over ssh may take longer than the client waits; the next try knows the way.
        try:
            async with redis.asyncio.Redis.from_url(ends.redis_url) as client:
                return bool(await client.ping())
        except redis.exceptions.TimeoutError:
            return False

    await until_true(pings, "Redis", 60)
    await steps(runtime.restart(["redis"]))
    seen = await runtime.volumes()
    assert [volume.name for volume in seen.volumes] == ["postgres_data", "redis_data"]
    # On a loopback port the engine's folder is this machine's; over ssh the disk is asked for in a container.
    assert seen.disk_total == shutil.disk_usage("/var/lib/docker").total
    assert 0 < seen.disk_free < seen.disk_total

    async def back() -> bool:
        return any(one.name == "redis" and one.up for one in (await runtime.snapshot()).services)

    await until_true(back, "redis after its restart", 60)


async def test_an_engine_over_tcp(stack: LiveStack, tcp: int) -> None:
    runtime = stack.runtime(f"tcp://127.0.0.1:{tcp}")
    try:
        await whole(runtime, f"tcp://127.0.0.1:{tcp}")
    finally:
        await runtime.close()


async def test_the_engine_of_a_context(
    stack: LiveStack, tcp: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins = Path.home() / ".docker" / "cli-plugins"
    if plugins.is_dir():
        (tmp_path / "cli-plugins").symlink_to(plugins)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    stack.docker("context", "create", "far", "--docker", f"host=tcp://127.0.0.1:{tcp}")
    stack.docker("context", "use", "far")
    runtime = stack.runtime()
    try:
        await whole(runtime, f"tcp://127.0.0.1:{tcp}")
    finally:
        await runtime.close()


async def test_nobody_listens_over_tcp(stack: LiveStack) -> None:
    port = free_port()
    runtime = stack.runtime(f"tcp://127.0.0.1:{port}")
    try:
        with pytest.raises(UnreachableError, match=f"No Docker Engine at tcp://127.0.0.1:{port}"):
            await runtime.snapshot()
    finally:
        await runtime.close()


@pytest.fixture
def ssh_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """An sshd on loopback with keys of its own, which the command `ssh` knows."""
    daemon = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    if daemon is None or os.geteuid() != 0:
        pytest.skip("no sshd to run as root; tests/live/engine.sh installs openssh-server")
    tmp_path.chmod(0o755)
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True)
    (tmp_path / "authorized").write_bytes((tmp_path / "user.pub").read_bytes())
    port = free_port()
    (tmp_path / "sshd_config").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {tmp_path}/host\nAuthorizedKeysFile {tmp_path}/authorized\n"
        "StrictModes no\nUsePAM no\nPidFile none\nPermitRootLogin prohibit-password\n"
    )
    (tmp_path / "known").write_text(f"[127.0.0.1]:{port} {(tmp_path / 'host.pub').read_text()}")
    (tmp_path / "bin").mkdir()
    ssh = tmp_path / "bin" / "ssh"
    options = f"-F none -i {tmp_path}/user -o UserKnownHostsFile={tmp_path}/known"
    ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} {options} "$@"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    Path("/run/sshd").mkdir(exist_ok=True)
    process = subprocess.Popen([daemon, "-D", "-e", "-f", tmp_path / "sshd_config"], stderr=sys.stderr)
    wait_until(lambda: answers_at(port), "sshd")
    yield port
    process.terminate()
    process.wait(10)


def answers_at(port: int) -> bool:
    """Whether something listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


async def test_an_engine_on_a_real_ssh_host(stack: LiveStack, ssh_port: int) -> None:
    runtime = stack.runtime(f"ssh://root@127.0.0.1:{ssh_port}")
    try:
        await whole(runtime, f"ssh://root@127.0.0.1:{ssh_port}")
    finally:
        await runtime.close()


async def test_an_ssh_host_that_lets_nobody_in_is_quoted(stack: LiveStack, ssh_port: int, tmp_path: Path) -> None:
    (tmp_path / "authorized").write_text("")
    runtime = stack.runtime(f"ssh://root@127.0.0.1:{ssh_port}")
    try:
        with pytest.raises(
            UnreachableError, match=r"No Docker Engine at ssh://.*: root@127\.0\.0\.1: Permission denied"
        ):
            await runtime.snapshot()
    finally:
        await runtime.close()
