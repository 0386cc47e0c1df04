"""`python -m api web` as users run it: raw HTTP, start without servers, drain, kill, wrong ports."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.signatures import sign_meta
from tests import servers
from tests.api.web.conftest import SECRETS, Queue, WebProcess
from tests.api.web.test_app import leads

HOST = b"Host: leads.test\r\n"
CLOSE = b"Connection: close\r\n"


def post(body: bytes, *headers: bytes, signature: bytes = b"") -> bytes:
    """A complete POST of a Meta webhook, signed well unless told otherwise."""
    signature = signature or sign_meta(SECRETS[0], body).encode()
    return head(b"X-Hub-Signature-256: " + signature, b"Content-Length: %d" % len(body), *headers) + body


def head(*headers: bytes) -> bytes:
    return b"POST /webhooks/meta HTTP/1.1\r\n" + HOST + b"".join(line + b"\r\n" for line in headers) + b"\r\n"


def statuses(answer: bytes) -> list[int]:
    """The status codes of all answers in a connection's bytes."""
    return [int(part[:3]) for part in answer.split(b"HTTP/1.1 ")[1:]]


def test_requests_sent_at_once_are_answered_in_order(web: WebProcess, redis_url: str, queue: Queue) -> None:
    answer = web.raw(post(leads(1)) + post(b"{}", signature=b"x") + post(leads(2, 3), b"Connection: close"))
    assert statuses(answer) == [200, 401, 200]
    assert [job.external_id for job in queue.ready()] == ["1", "2", "3"]


def test_a_chunked_body(web: WebProcess, redis_url: str, queue: Queue) -> None:
    body = leads(1, 2)
    signature = b"X-Hub-Signature-256: " + sign_meta(SECRETS[0], body).encode()
    chunks = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (body[:10], body[10:50], body[50:])]
    request = head(signature, b"Transfer-Encoding: chunked", b"Connection: close")
    assert statuses(web.raw(request, *chunks, b"0\r\n\r\n")) == [200]
    assert len(queue.ready()) == 2


def test_a_client_that_asks_first_is_told_to_go_on(web: WebProcess, redis_url: str) -> None:
    body = leads(1)
    with socket.create_connection(("127.0.0.1", web.port), 10) as sock:
        sock.sendall(post(body, b"Expect: 100-continue", b"Connection: close")[: -len(body)])
        assert sock.recv(100).startswith(b"HTTP/1.1 100 ")
        sock.sendall(body)
        assert sock.recv(1_000).startswith(b"HTTP/1.1 200 ")


def test_a_slow_body_is_given_up(web: WebProcess) -> None:
    length = b"Content-Length: 100"
    for request in (head(length) + b"{", head(b"Content-Length: 100000") + b"{", head(b"Transfer-Encoding: chunked")):
        answer = web.raw(request)
        assert statuses(answer) == [408]
        assert b"connection: close" in answer.lower()


def test_a_body_too_large_is_refused_before_it_is_sent(web: WebProcess) -> None:
    answer = web.raw(head(b"Content-Length: 3000001"))
    assert statuses(answer) == [413]
    assert b"connection: close" in answer.lower()


def test_a_body_that_grows_too_large_is_refused(web: WebProcess) -> None:
    chunk = b"f4240\r\n" + b"x" * 1_000_000 + b"\r\n"
    with socket.create_connection(("127.0.0.1", web.port), 10) as sock:
        sock.sendall(head(b"Transfer-Encoding: chunked"))
        for _ in range(3):
            sock.sendall(chunk)
        sock.sendall(b"1\r\nx\r\n")
        assert statuses(sock.recv(1_000)) == [413]


def test_header_bytes_that_are_not_ascii(web: WebProcess) -> None:
    for signature in (b"sha256=\xe9" + b"0" * 63, b"\xff", "sha256=é".encode()):
        assert statuses(web.raw(post(b"{}", b"X-Request-Id: \xe9", b"Connection: close", signature=signature))) == [401]


def test_a_signature_sent_twice_is_refused(web: WebProcess) -> None:
    body = leads(1)
    again = b"X-Hub-Signature-256: " + sign_meta(SECRETS[0], body).encode()
    assert statuses(web.raw(post(body, again, b"Connection: close"))) == [401]


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"garbage\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n",
        b"GET / HTTP/1.1\r\n" + HOST + CLOSE + b"X: " + b"a" * 600_000 + b"\r\n\r\n",
        b"GET /%00%ff/../../etc/passwd?x=%zz HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n",
        b"GET http://other.test/nothing HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n",
        b"BREW! /health/live HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n",
        head(b"Content-Length: 1", b"Content-Length: 2") + b"xx",
        head(b"Content-Length: -1"),
        head(b"Transfer-Encoding: chunked") + b"zz\r\n",
    ],
)
def test_what_is_no_good_http_gets_a_4xx_and_harms_nobody(web: WebProcess, request_bytes: bytes) -> None:
    assert 400 <= statuses(web.raw(request_bytes))[0] < 500
    assert httpx.get(f"{web.url}/health/live").status_code == 200


def test_a_client_that_goes_away_harms_nobody(web: WebProcess, redis_url: str) -> None:
    for request in (head(b"Content-Length: 100") + b"{", head(b"Content-Length: 100000") + b"{", post(leads(1))):
        with socket.create_connection(("127.0.0.1", web.port), 10) as sock:
            sock.sendall(request)
    assert httpx.post(f"{web.url}/webhooks/meta", content=b"").status_code == 401
    assert not [line for line in web.log() if line["level"] == "error"]


def test_head_has_a_length_and_no_body(web: WebProcess) -> None:
    answer = web.raw(b"HEAD /docs HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n")
    lines, _, body = answer.partition(b"\r\n\r\n")
    assert body == b""
    length = len(httpx.get(f"{web.url}/docs").content)
    assert b"content-length: %d" % length in lines


def test_every_webhook_is_one_line_of_json(web: WebProcess, redis_url: str) -> None:
    before = len(web.log())
    web.raw(post(leads(1), b"X-Request-Id: req-42", b"Connection: close"))
    web.raw(post(leads(1), b"Connection: close", signature=b"sha256=\xe9"))
    servers.wait_until(lambda: len(web.log()) == before + 2, "the log")
    lines = web.log()[before:]
    assert [line["event"] for line in lines] == ["webhook.accepted", "webhook.rejected"]
    assert lines[0]["request_id"] == "req-42"


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[servers.RedisServer]:
    """A Redis of this test's own, not started yet."""
    server = servers.RedisServer(tmp_path / "redis")
    yield server
    server.stop()


@pytest.fixture
def own_web(own_redis: servers.RedisServer, database_url: str, tmp_path: Path) -> Iterator[WebProcess]:
    """A web process of this test's own, started, before its Redis."""
    env = {
        "REDIS_URL": own_redis.url,
        "DATABASE_URL": database_url,
        "META_APP_SECRET": SECRETS[0].decode(),
        "META_VERIFY_TOKEN": "v",
    }
    process = WebProcess(tmp_path / "web", env).start()
    yield process
    if process.process is not None and process.process.poll() is None:
        process.stop(signal.SIGKILL)


def send(web: WebProcess, body: bytes) -> httpx.Response:
    headers = {"x-hub-signature-256": sign_meta(SECRETS[0], body)}
    return httpx.post(f"{web.url}/webhooks/meta", content=body, headers=headers, timeout=10)


def test_it_starts_without_redis_and_heals_when_redis_comes(
    own_web: WebProcess, own_redis: servers.RedisServer
) -> None:
    refused = send(own_web, leads(1))
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
    ready = httpx.get(f"{own_web.url}/health/ready", timeout=10)
    assert (ready.status_code, ready.json()["redis"]["reason"]) == (503, "connection refused")
    own_redis.start()
    servers.wait_until(lambda: send(own_web, leads(1)).status_code == 200, "the way to Redis")
    servers.wait_until(lambda: httpx.get(f"{own_web.url}/health/ready").json()["redis"]["ok"], "readiness")
    own_redis.kill()
    assert send(own_web, leads(2)).status_code == 503
    own_redis.start()
    servers.wait_until(lambda: send(own_web, leads(2)).status_code == 200, "the way back to Redis")


async def test_on_sigterm_it_answers_what_was_begun_and_exits_0(
    own_web: WebProcess, own_redis: servers.RedisServer
) -> None:
    own_redis.start()
    body = leads(1)
    request = post(body)
    reader, writer = await asyncio.open_connection("127.0.0.1", own_web.port)
    writer.write(request[:-10])
    await writer.drain()
    idle_reader, idle_writer = await asyncio.open_connection("127.0.0.1", own_web.port)
    idle_writer.write(b"GET /health/live HTTP/1.1\r\n" + HOST + b"\r\n")
    assert await idle_reader.readuntil(b"}")
    assert own_web.process is not None
    own_web.process.send_signal(signal.SIGTERM)
    while own_web.listens():
        await asyncio.sleep(0.01)
    writer.write(request[-10:])
    assert (await asyncio.wait_for(reader.readuntil(b"\r\n"), 10)).startswith(b"HTTP/1.1 200")
    assert await asyncio.wait_for(asyncio.to_thread(own_web.process.wait), 10) == 0
    writer.close()
    idle_writer.close()
    assert own_web.log()[-1]["event"] == "web.stopped"
    assert own_web.log()[-1]["drained"] is True


def test_a_request_that_never_ends_does_not_hold_up_the_stop(
    own_redis: servers.RedisServer, database_url: str, tmp_path: Path
) -> None:
    env = {
        "REDIS_URL": own_redis.url,
        "DATABASE_URL": database_url,
        "META_APP_SECRET": "s",
        "META_VERIFY_TOKEN": "v",
        "DRAIN_TIMEOUT": "0.2",
        "BODY_TIMEOUT": "600",
    }
    web = WebProcess(tmp_path / "late", env).start()
    with socket.create_connection(("127.0.0.1", web.port), 10) as sock:
        sock.sendall(head(b"Content-Length: 10") + b"{")
        assert httpx.get(f"{web.url}/health/live").status_code == 200
        assert web.stop() == 0
    assert web.log()[-1]["drained"] is False


def test_kill_9_leaves_nothing_that_holds_the_port(own_web: WebProcess) -> None:
    assert own_web.process is not None
    pid = own_web.process.pid
    assert not Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    assert own_web.stop(signal.SIGKILL) == -signal.SIGKILL
    again = WebProcess(own_web.folder / "again", own_web.env, own_web.port).start()
    assert httpx.get(f"{again.url}/health/live").status_code == 200
    assert again.stop() == 0


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({}, "PORT"),
        ({"WEB_PROCESSES": "2"}, "PORT"),
        ({"HOST": "203.0.113.7"}, "HOST"),
        ({"HOST": "no such host"}, "HOST"),
    ],
)
def test_where_it_cannot_listen_it_says_so_in_one_line(changed: dict[str, str], name: str, own_web: WebProcess) -> None:
    env = {"PATH": os.environ["PATH"], "HOST": "127.0.0.1", "PORT": str(own_web.port), **own_web.env, **changed}
    command = [sys.executable, "-m", "api", "web"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"api web: {name} ")
    assert done.stdout == ""
    assert httpx.get(f"{own_web.url}/health/live").status_code == 200
