"""dockerd itself, stopped and killed under a running console, and started again: shown, retried, healed."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.console.cli.calls import leadsctl
from tests.live.consoles import opened, sees
from tests.live.engines import IMAGE, OwnEngine

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

PROJECT = "leadsrestart"
COMPOSE = f"""
services:
  app: &service
    image: {IMAGE}
    network_mode: none
    restart: always
    stop_grace_period: 1s
    command: ["sh", "-c", 'i=0; while :; do i=$$((i+1)); echo "line $$i of a run"; sleep 1; done']
  worker: *service
  db: *service
  redis: *service
"""


@pytest.fixture
def engine() -> Iterator[OwnEngine]:
    """A second engine on this machine, with a stack that only writes lines."""
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        pytest.skip("no dockerd to run as root; tests/live/engine.sh installs docker.io")
    made = OwnEngine(Path(tempfile.mkdtemp(prefix="eng")))
    try:
        made.start()
        made.load()
        (made.folder / "compose.yml").write_text(COMPOSE)
        words = ("compose", "--project-name", PROJECT, "--file", str(made.folder / "compose.yml"), "up", "--detach")
        done = made.run(*words)
        assert done.returncode == 0, done.stderr
        yield made
    finally:
        made.remove(PROJECT)


def runs(text: str) -> bool:
    """All four services run, by what the screen shows, and nothing is wrong with the engine."""
    return len(re.findall("running", text)) >= 4 and "No Docker Engine at" not in text


def last_line(text: str) -> str:
    """The number in the last line of the log on the screen, "" if there is none."""
    return next(reversed(re.findall(r"line (\d+) of a run", text)), "")


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGKILL])
async def test_an_engine_that_is_started_again_under_the_console(engine: OwnEngine, by: signal.Signals) -> None:
    words = ["--project", PROJECT, "--file", str(engine.folder / "compose.yml")]
    env = {"DOCKER_HOST": engine.url}
    async with opened(words, engine.url) as terminal:
        await sees(terminal, runs)
        await asyncio.to_thread(engine.end, by)
        await sees(terminal, lambda text: "No Docker Engine at" in text)
        call = await asyncio.to_thread(leadsctl, "--docker", *words, "ps", env=env)
        assert (call.code, call.out) == (3, b"")
        assert terminal.process.poll() is None
        await asyncio.to_thread(engine.start)
        await sees(terminal, runs)
        terminal.send("2")
        # Numbers begin anew with each run: what has been read of the one before may count higher for a long time.
        for _ in range(4):
            before = last_line(terminal.text())
            await sees(terminal, lambda text, before=before: last_line(text) not in ("", before))  # type: ignore[misc]
    call = await asyncio.to_thread(leadsctl, "--docker", *words, "ps", "--json", env=env)
    assert [service["state"] for service in call.document["services"]] == ["running"] * 4
