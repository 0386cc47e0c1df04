"""HTTP/1.1 over real sockets: how requests are framed and refused, kept alive, asked for, cut off."""

from __future__ import annotations

import socket
import struct
import time

import httpx
import pytest

from api.signatures import sign_meta
from tests.api.web.conftest import SECRETS, Queue, WebProcess
from tests.api.web.test_app import leads
from tests.api.web.test_process import CLOSE, HOST, head, post, statuses

LIVE = b"GET /health/live HTTP/1.1\r\n" + HOST
SMUGGLED = post(leads(666), b"Connection: close")


def signed(body: bytes) -> bytes:
    return b"X-Hub-Signature-256: " + sign_meta(SECRETS[0], body).encode()


def test_a_connection_is_kept_for_the_next_request(web: WebProcess, redis_url: str, queue: Queue) -> None:
    with socket.create_connection(("127.0.0.1", web.port), 10) as sock:
        for n in range(3):
            sock.sendall(post(leads(n)))
            answer = sock.recv(1_000)
            assert statuses(answer) == [200]
            assert b"connection:" not in answer.lower()
    assert len(queue.ready()) == 3


def test_many_requests_sent_ahead_are_all_answered_in_order(web: WebProcess, redis_url: str, queue: Queue) -> None:
    requests = [post(leads(n), b"X-Request-Id: r-%d" % n) for n in range(60)]
    requests[7] = post(leads(7), b"X-Request-Id: r-7", signature=b"sha256=0")
    answer = web.raw(b"".join(requests), LIVE + CLOSE + b"\r\n")
    assert statuses(answer) == [200] * 7 + [401] + [200] * 53
    ids = [line.split()[1] for line in answer.split(b"\r\n") if line.startswith(b"x-request-id: r-")]
    assert ids == [b"r-%d" % n for n in range(60)]
    assert [job.external_id for job in queue.ready()] == [str(n) for n in range(60) if n != 7]


@pytest.mark.parametrize("step", [1, 7])
def test_a_request_in_small_pieces(step: int, web: WebProcess, redis_url: str, queue: Queue) -> None:
    request = post(leads(1), b"Connection: close")
    assert statuses(web.raw(*(request[n : n + step] for n in range(0, len(request), step)))) == [200]
    assert len(queue.ready()) == 1


def test_http_1_0_is_answered_and_closed_unless_it_asks(web: WebProcess) -> None:
    assert statuses(web.raw(b"GET /health/live HTTP/1.0\r\n\r\n")) == [200]
    answer = web.raw(b"GET /health/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /nothing HTTP/1.0\r\n\r\n")
    assert statuses(answer) == [200, 404]
    assert answer.lower().count(b"connection: keep-alive") == 1


@pytest.mark.parametrize(
    ("framing", "rest"),
    [
        pytest.param((b"Content-Length: 5", b"Transfer-Encoding: chunked"), b"0\r\n\r\n", id="length and chunks"),
        pytest.param((b"Transfer-Encoding: chunked", b"Content-Length: 5"), b"0\r\n\r\n", id="chunks and length"),
        pytest.param((b"Content-Length: 5", b"Content-Length: 5"), b"aaaaa", id="the same length twice"),
        pytest.param((b"Content-Length: 5, 5",), b"aaaaa", id="two lengths in one"),
        pytest.param((b"Content-Length: +5",), b"aaaaa", id="plus"),
        pytest.param((b"Content-Length: 0x5",), b"aaaaa", id="hexadecimal"),
        pytest.param((b"Content-Length : 5",), b"aaaaa", id="blank before the colon"),
        pytest.param((b"Content-Length:",), b"", id="empty length"),
        pytest.param((b"Content-Length: 99999999999999999999999",), b"", id="length beyond 64 bits"),
        pytest.param((b"Transfer-Encoding: gzip",), b"aaaaa", id="not chunked at all"),
        pytest.param((b"Transfer-Encoding: chunked, identity",), b"0\r\n\r\n", id="not chunked at last"),
        pytest.param((b"Transfer-Encoding: xchunked",), b"0\r\n\r\n", id="nearly chunked"),
        pytest.param((b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"), b"0\r\n\r\n", id="two encodings"),
        pytest.param((b"X: a\r\n Content-Length: 5",), b"aaaaa", id="folded header"),
        pytest.param((b"X: a\nContent-Length: 5",), b"aaaaa", id="bare line feed"),
        pytest.param((b"X: a\rContent-Length: 5",), b"aaaaa", id="bare carriage return"),
        pytest.param((b"X: a\0b", b"Content-Length: 5"), b"aaaaa", id="nul"),
        pytest.param((b"X Y: a", b"Content-Length: 5"), b"aaaaa", id="blank in a name"),
        pytest.param((b": a", b"Content-Length: 5"), b"aaaaa", id="no name"),
        pytest.param((b"Transfer-Encoding: chunked",), b"5\naaaaa\r\n0\r\n\r\n", id="chunk size with a bare line feed"),
        pytest.param((b"Transfer-Encoding: chunked",), b"0x5\r\naaaaa\r\n0\r\n\r\n", id="chunk size with 0x"),
        pytest.param((b"Transfer-Encoding: chunked",), b"-5\r\naaaaa\r\n0\r\n\r\n", id="negative chunk size"),
        pytest.param((b"Transfer-Encoding: chunked",), b"5\r\naaaaaX\r\n0\r\n\r\n", id="chunk longer than its size"),
        pytest.param((b"Transfer-Encoding: chunked",), b"fffffffffffffffff\r\n", id="chunk size beyond 64 bits"),
    ],
)
def test_what_is_not_plainly_framed_ends_the_connection(
    framing: tuple[bytes, ...], rest: bytes, web: WebProcess, redis_url: str, queue: Queue
) -> None:
    answer = web.raw(head(*framing) + rest + SMUGGLED)
    assert [status // 100 for status in statuses(answer)] == [4]
    assert b"connection: close" in answer.lower()
    assert queue.ready() == []


@pytest.mark.parametrize("extension", [b"", b";a=b", b';a="b"'])
def test_chunk_extensions_and_trailers_mean_nothing(
    extension: bytes, web: WebProcess, redis_url: str, queue: Queue
) -> None:
    body = leads(1)
    chunks = b"%x%b\r\n%b\r\n0\r\nX-Request-Id: trailer\r\nHost: other\r\n\r\n" % (len(body), extension, body)
    answer = web.raw(head(signed(body), b"Transfer-Encoding: chunked", CLOSE.strip(), b"X-Request-Id: h") + chunks)
    assert statuses(answer) == [200]
    assert [job.request_id for job in queue.ready()] == ["h"]


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /health/live HTTP/1.1\r\n\r\n", 400),
        (b"GET /health/live HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        (LIVE + b"Expect: the-unexpected\r\n\r\n", 417),
        (b"GET /health/live HTTP/2.0\r\n" + HOST + b"\r\n", 505),
        (LIVE + b"X: %b\r\n\r\n" % (b"a" * 200_000), 431),
        (LIVE + b"".join(b"X-%d: a\r\n" % n for n in range(101)) + b"\r\n", 431),
        (LIVE + b"X: a\r\n" * 101 + b"\r\n", 431),
        (b"GET /%b HTTP/1.1\r\n" % (b"a" * 20_000) + HOST + b"\r\n", 431),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ],
    ids=["no host", "two hosts", "expect", "version", "long", "many", "repeated", "target", "http/2", "tls"],
)
def test_a_head_that_is_no_good_is_refused_and_the_rest_unread(
    request_bytes: bytes, status: int, web: WebProcess, redis_url: str, queue: Queue
) -> None:
    answer = web.raw(request_bytes + SMUGGLED)
    assert statuses(answer)[0] in {status, 400}
    assert len(statuses(answer)) == 1
    assert queue.ready() == []


@pytest.mark.parametrize("part", ["head", "chunk extension", "trailer"])
def test_what_the_parser_must_keep_is_bounded(part: str, web: WebProcess) -> None:
    begin = {
        "head": LIVE + b"X: ",
        "chunk extension": head(b"Transfer-Encoding: chunked") + b"5;a=",
        "trailer": head(b"Transfer-Encoding: chunked") + b"1\r\na\r\n0\r\nX: ",
    }[part]
    with socket.create_connection(("127.0.0.1", web.port), 10) as sock:
        sock.sendall(begin)
        sent = 0
        answer = b""
        sock.settimeout(0.01)
        while not answer and sent < 5_000_000:
            try:
                sock.sendall(b"a" * 16_384)
                sent += 16_384
                answer = sock.recv(1_000)
            except TimeoutError:
                continue
        assert statuses(answer)[0] in {400, 431}
        assert sent < 1_000_000


def test_a_protocol_that_is_not_spoken_is_not_switched_to(web: WebProcess) -> None:
    answer = web.raw(LIVE + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n")
    assert statuses(answer) == [200]
    assert statuses(web.raw(b"CONNECT other.test:443 HTTP/1.1\r\nHost: other.test:443\r\n\r\n"))[0] in {400, 404, 405}


def test_a_client_that_asks_first_is_refused_before_it_sends(web: WebProcess) -> None:
    with socket.create_connection(("127.0.0.1", web.port), 10) as sock:
        sock.sendall(head(b"Content-Length: 3000001", b"Expect: 100-continue"))
        answer = sock.recv(1_000)
    assert statuses(answer) == [413]


def test_a_client_that_asks_first_waits_for_its_turn(web: WebProcess, redis_url: str) -> None:
    body = leads(2)
    asking = head(signed(body), b"Content-Length: %d" % len(body), b"Expect: 100-continue", CLOSE.strip())
    with socket.create_connection(("127.0.0.1", web.port), 10) as sock:
        sock.sendall(post(leads(1)) + asking)
        answer = b""
        while b" 100 " not in answer:
            answer += sock.recv(1_000)
        assert statuses(answer) == [200, 100]
        sock.sendall(body)
        assert statuses(sock.recv(1_000)) == [200]


def test_a_short_refused_body_is_read_and_the_connection_kept(web: WebProcess, redis_url: str) -> None:
    refused = post(leads(1), b"Content-Encoding: gzip")
    assert statuses(web.raw(refused + post(leads(2), b"Connection: close"))) == [415, 200]


def test_the_answer_to_a_long_refused_body_is_not_lost(web: WebProcess) -> None:
    body = b"x" * 2_900_000
    for _ in range(5):
        answer = httpx.post(f"{web.url}/webhooks/meta", content=body, headers={"content-encoding": "br"}, timeout=10)
        assert answer.status_code == 415


def test_a_client_that_has_said_all_still_gets_its_answers(web: WebProcess, redis_url: str, queue: Queue) -> None:
    with socket.create_connection(("127.0.0.1", web.port), 10) as sock:
        sock.sendall(post(leads(1)) + post(leads(2)))
        sock.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := sock.recv(10_000):
            answer += piece
    assert statuses(answer) == [200, 200]
    assert len(queue.ready()) == 2


def test_a_client_that_stops_within_its_request_is_told(web: WebProcess) -> None:
    for cut in (LIVE[:-5], head(b"Content-Length: 100") + b"{"):
        with socket.create_connection(("127.0.0.1", web.port), 10) as sock:
            sock.sendall(cut)
            sock.shutdown(socket.SHUT_WR)
            assert statuses(sock.recv(10_000)) == [400]


def test_a_reset_connection_gives_its_room_back(web: WebProcess) -> None:
    for _ in range(20):
        sock = socket.create_connection(("127.0.0.1", web.port), 10)
        sock.sendall(head(b"Content-Length: 1000000") + b"x" * 200_000)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
    deadline = time.monotonic() + 10
    while b"leads_webhook_body_bytes 0.0" not in httpx.get(f"{web.url}/metrics").content:
        assert time.monotonic() < deadline


def test_every_answer_says_when_and_which_request(web: WebProcess) -> None:
    for path in ("/health/live", "/nothing", "/docs"):
        answer = httpx.get(web.url + path)
        assert answer.headers["date"].endswith(" GMT")
        assert answer.headers["x-request-id"]
        assert "server" not in answer.headers
