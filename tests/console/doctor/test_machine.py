"""The machine: engine, Compose, programs, port, disk, Python."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from console.checks import Limits
from console.doctor import machine
from console.errors import UnreachableError
from console.snapshots import VolumesSnapshot
from tests.console.docker.conftest import fake  # noqa: F401 - a fixture
from tests.console.docker.fake_engine import FakeEngine
from tests.console.doctor.said import texts, verdicts


async def test_an_engine_that_answers(fake: FakeEngine, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    assert verdicts(await machine.docker(fake.url)) == [("docker", "ok")]
    monkeypatch.setattr(machine, "DOCKER_LEAST", (999,))
    assert verdicts(await machine.docker(fake.url)) == [("docker", "fail")]


async def test_an_engine_that_is_away(tmp_path: Path) -> None:
    said = await machine.docker(f"unix://{tmp_path}/docker.sock")
    assert verdicts(said) == [("docker", "fail")]


@pytest.mark.parametrize(
    ("version", "verdict", "text"),
    [("v2.27.1-desktop.1", "ok", "2.27.1"), ("1.29.2", "fail", "too old"), ("", "fail", "not installed")],
)
async def test_compose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, verdict: str, text: str) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("console.stack.docker.compose.PLUGINS", ())
    if version:
        program = tmp_path / "docker-compose"
        program.write_text(f'#!/bin/sh\necho "{version}"\n')
        program.chmod(0o755)
    said = await machine.compose()
    assert verdicts(said) == [("compose", verdict)]
    assert text in texts(said)


async def test_the_programs_of_a_local_stack(tmp_path: Path) -> None:
    assert verdicts(await machine.programs(os.environ)) == [("programs", "ok")]
    said = await machine.programs({**os.environ, "LEADSCTL_PG_BIN": str(tmp_path)})
    assert verdicts(said) == [("programs", "fail")]


async def test_a_free_port(free_port: Callable[[], int]) -> None:
    port = free_port()
    for setting in (str(port), f"127.0.0.1:{port}"):
        assert verdicts(await machine.port(setting, "")) == [("port", "ok")]
    assert verdicts(await machine.port("", "")) == [("port", "ok")]


async def test_a_port_that_another_has() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = await machine.port(f"127.0.0.1:{port}", "")
        assert verdicts(said) == [("port", "fail")]
        assert f"sport = :{port}" in said[0].mend


@pytest.mark.parametrize("setting", ["http", "0", "70000", "1.2.3.4", ":80:"])
async def test_what_is_no_port(setting: str) -> None:
    assert verdicts(await machine.port(setting, "")) == [("port", "fail")]


class Volumes:
    """A runtime's volumes; without a snapshot it does not tell."""

    def __init__(self, snapshot: VolumesSnapshot | None) -> None:
        self.snapshot = snapshot

    async def read(self) -> VolumesSnapshot:
        if self.snapshot is None:
            raise UnreachableError("no engine")
        return self.snapshot


@pytest.mark.parametrize(
    ("total", "free", "verdict"),
    [
        (100_000_000_000, 50_000_000_000, "ok"),
        (100_000_000_000, 5_000_000_000, "fail"),
        (4_000_000_000, 900_000_000, "warn"),
    ],
)
async def test_the_disk_under_the_volumes(tmp_path: Path, total: int, free: int, verdict: str) -> None:
    volumes = Volumes(VolumesSnapshot((), 0.0, total, free))
    assert verdicts(await machine.disk(volumes, tmp_path, Limits())) == [("disk", verdict)]


async def test_the_disk_where_the_runtime_does_not_tell(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there"
    assert verdicts(await machine.disk(Volumes(None), folder, Limits(max_disk=100)))[0][1] in ("ok", "warn")
    assert verdicts(await machine.disk(Volumes(None), folder, Limits(max_disk=-1))) == [("disk", "fail")]


async def test_python() -> None:
    assert verdicts(await machine.python()) == [("python", "ok")]
    assert verdicts(await machine.python((3, 10, 12))) == [("python", "fail")]


@pytest.mark.parametrize(
    ("text", "expected"), [("v2.27.1-desktop", (2, 27, 1)), ("20.10.24+dfsg1", (20, 10, 24)), ("dev", ()), ("", ())]
)
def test_versions_are_numbers(text: str, expected: tuple[int, ...]) -> None:
    assert machine.numbers(text) == expected
