"""What runs inside the containers beside the service: the health probe and the development reloader."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest

from api.queue import Consumer
from console.stack.docker.files import packaged
from tests.servers import free_port, wait_until

HEALTHCHECK = packaged() / "healthcheck.py"
RELOAD = packaged() / "reload.py"


def probe(what: str, **env: str) -> tuple[int, str]:
    """Exit code and words of the probe."""
    command = [sys.executable, "-I", "-S", str(HEALTHCHECK), what]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=30)
    assert done.stderr == ""
    return done.returncode, done.stdout.strip()


@contextmanager
def service(status: int, body: bytes) -> Iterator[str]:
    """A web service with one answer; its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield str(server.server_port)
    server.shutdown()
    thread.join()
    server.server_close()


def answer(status: str, *, redis: str = "", postgres: str = "") -> bytes:
    """What /health/ready says, with these reasons."""
    checks = {
        name: {"ok": not why, "reason": why, "ms": 0.5} for name, why in (("redis", redis), ("postgres", postgres))
    }
    return json.dumps({"status": status, **checks, "queue": {"cause": "idle", "means": "nothing waits"}}).encode()


@pytest.mark.parametrize(
    ("status", "body", "code", "words"),
    [
        (200, answer("ready"), 0, "redis: ok, postgres: ok"),
        (
            503,
            answer("not ready", postgres="connection refused"),
            0,
            "redis: ok, postgres: connection refused",
        ),
        (
            503,
            answer("not ready", redis="out of memory"),
            1,
            "redis: out of memory, postgres: ok",
        ),
    ],
)
def test_the_web_service_is_well_while_it_takes_leads_in(status: int, body: bytes, code: int, words: str) -> None:
    with service(status, body) as port:
        assert probe("web", PORT=port) == (code, words)


def test_a_web_service_that_is_away_or_babbles() -> None:
    assert probe("web", PORT=str(free_port()))[0] == 1
    with service(200, b"hello") as port:
        assert probe("web", PORT=port)[0] == 1
    assert probe("nonsense") == (1, "usage: healthcheck.py web|worker")


async def test_a_worker_is_well_while_its_heart_beats(redis_url: str) -> None:
    name = "probed"
    env = {"REDIS_URL": redis_url, "WORKER_NAME": name}
    assert probe("worker", **env) == (1, "no heartbeat yet")
    consumer = Consumer(redis_url, "leads", name)
    await consumer.open()
    await consumer.beat(0, 0)
    code, words = probe("worker", **env)
    await consumer.close()
    assert code == 0
    assert words.startswith("heartbeat ")
    assert probe("worker", **env, QUEUE_NAMESPACE="other") == (1, "no heartbeat yet")


async def test_the_probe_reads_redis_as_the_service_does(redis_url: str, tmp_path: Path) -> None:
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(redis_url)
    where = {"REDIS_HOST": parts.hostname or "", "REDIS_PORT": str(parts.port)}
    assert probe("worker", **where, REDIS_PASSWORD=unquote(parts.password or "")) == (1, "no heartbeat yet")
    secret = tmp_path / "secret"
    secret.write_text(unquote(parts.password or "") + "\n")
    assert probe("worker", **where, REDIS_PASSWORD_FILE=str(secret)) == (1, "no heartbeat yet")
    code, words = probe("worker", **where, REDIS_PASSWORD="wrong")
    assert code == 1
    assert "redis: " in words


def test_a_password_with_any_character_travels() -> None:
    password = 'p@ss/w:or"d\\ #1'
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(20)
        env = {"REDIS_HOST": "127.0.0.1", "REDIS_PORT": str(server.getsockname()[1]), "REDIS_PASSWORD": password}
        with subprocess.Popen(
            [sys.executable, "-I", "-S", str(HEALTHCHECK), "worker"], env=env, stdout=subprocess.PIPE
        ) as process:
            link, _ = server.accept()
            with link:
                link.settimeout(20)
                heard = link.recv(4096)
            process.wait(20)
    assert f"${len(password)}\r\n{password}\r\n".encode() in heard
    assert quote(password).encode() not in heard


def test_a_change_of_a_source_starts_the_command_anew(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "a.py").write_text("1")
    runs = tmp_path / "runs"
    command = f"echo $$ >>{runs}; exec sleep 600"
    with subprocess.Popen(
        [sys.executable, str(RELOAD), str(source), command], stderr=subprocess.PIPE, env=dict(os.environ)
    ) as process:

        def pids() -> list[int]:
            return [int(line) for line in runs.read_text().split()] if runs.exists() else []

        try:
            wait_until(lambda: len(pids()) == 1, "the first run")
            (source / "notes.txt").write_text("no source")
            # With its time at once: else it would change twice.
            (source / "a.new").write_text("22")
            os.utime(source / "a.new", (1, 1))
            (source / "a.new").replace(source / "a.py")
            wait_until(lambda: len(pids()) == 2, "the second run")
            with pytest.raises(ProcessLookupError):
                os.kill(pids()[0], 0)
        finally:
            process.terminate()
            _, errors = process.communicate(timeout=30)
        assert errors == b"reload: a source file changed\n"
        with pytest.raises(ProcessLookupError):
            os.kill(pids()[1], 0)


TOLD_TO_END_AT_ONCE = """
import os, runpy, signal, subprocess, sys

class Popen(subprocess.Popen):
    def __init__(self, *args):
        super().__init__(*args)
        print(self.pid, flush=True)
        os.kill(os.getpid(), signal.SIGTERM)

subprocess.Popen = Popen
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_told_to_end_while_it_starts_the_command_it_leaves_none_behind(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", TOLD_TO_END_AT_ONCE, str(RELOAD), str(tmp_path), "exec sleep 600"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        try:
            assert process.wait(timeout=30) == 0
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
