"""The way in: handshakes that succeed and fail, certificates that hold, end soon, or are not trusted."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from email.utils import formatdate
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from api.errors import RejectedError
from api.sources.meta import handshake
from console.doctor import webhook
from tests.console.doctor.said import texts, verdicts

TOKEN = "verify-token-of-the-tests"
TLS = b"\x16"
"""With this begins a client that speaks TLS (RFC 8446, handshake record)."""


def shake(target: str) -> tuple[int, bytes]:
    """As the web service answers."""
    try:
        return 200, handshake(urlsplit(target).query, TOKEN)
    except RejectedError as error:
        return error.status, error.reason.encode()


@asynccontextmanager
async def serving(
    answer: Callable[[str], tuple[int, bytes]] = shake, *, secure: ssl.SSLContext | None = None, date_s: float = 0.0
) -> AsyncIterator[str]:
    """A server on loopback; its URL."""

    busy: set[asyncio.Task[None] | None] = set()

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        busy.add(asyncio.current_task())
        date = formatdate(time.time() + date_s, usegmt=True)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, UnicodeDecodeError):
            if await reader.readexactly(1) == TLS:
                raise ConnectionError
            status, body = answer((await reader.readuntil(b"\r\n\r\n")).decode().split(" ")[1])
            head = f"HTTP/1.1 {status} x\r\nDate: {date}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode() + body)
            await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()

    server = await asyncio.start_server(one, "127.0.0.1", 0, ssl=secure)
    async with server:
        scheme = "https" if secure else "http"
        yield f"{scheme}://localhost:{server.sockets[0].getsockname()[1]}"
        await asyncio.gather(*filter(None, busy), return_exceptions=True)


async def test_the_handshake_succeeds() -> None:
    asked: list[str] = []

    def answer(target: str) -> tuple[int, bytes]:
        asked.append(target)
        return shake(target)

    async with serving(answer) as url:
        said = await webhook.local(url, TOKEN)
    assert verdicts(said) == [("webhook", "ok"), ("clock", "ok")]
    assert urlsplit(asked[0]).path == "/webhooks/meta"
    assert parse_qs(urlsplit(asked[0]).query)["hub.mode"] == ["subscribe"]


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (lambda _: (200, b"<html>welcome"), "not with the challenge"),
        (lambda _: (404, b""), "is not there"),
        (lambda _: (302, b""), "redirects"),
        (lambda _: (503, b""), "answers 503"),
    ],
)
async def test_answers_that_are_wrong(answer: Callable[[str], tuple[int, bytes]], text: str) -> None:
    async with serving(answer) as url:
        said = await webhook.local(url, TOKEN)
    assert verdicts(said)[0] == ("webhook", "fail")
    assert text in said[0].text


async def test_another_verify_token() -> None:
    async with serving() as url:
        said = await webhook.local(url, "another")
    assert verdicts(said)[0] == ("webhook", "fail")
    assert "META_VERIFY_TOKEN" in said[0].text
    assert "another" not in texts(said)


async def test_no_verify_token() -> None:
    assert verdicts(await webhook.local("http://127.0.0.1:1", "")) == [("webhook", "fail")]


async def test_nobody_answers_and_the_token_is_not_told(free_port: Callable[[], int]) -> None:
    said = await webhook.local(f"http://127.0.0.1:{free_port()}", TOKEN)
    assert verdicts(said) == [("webhook", "fail")]
    assert TOKEN not in texts(said)


async def test_a_clock_that_is_off() -> None:
    async with serving(date_s=-30.0) as url:
        assert verdicts(await webhook.local(url, TOKEN))[1] == ("clock", "warn")


@pytest.mark.parametrize("url", ["http://leads.example", "leads.example", "ftp://x", "https://"])
async def test_what_is_no_public_address(url: str) -> None:
    assert verdicts(await webhook.public(url, TOKEN)) == [("public webhook", "fail")]


def certificate(folder: Path, days: int) -> ssl.SSLContext:
    """A certificate for localhost, which signs itself."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", str(key), "-out", str(cert), "-days", str(days), "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    return context


@pytest.mark.parametrize(("days", "verdict"), [(60, "ok"), (5, "warn")])
async def test_a_certificate_and_until_when_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, verdict: str
) -> None:
    secure = certificate(tmp_path, days)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    async with serving(secure=secure) as url:
        said = await webhook.public(url, TOKEN)
        assert verdicts(said)[:2] == [("public webhook", "ok"), ("certificate", verdict)]
        assert verdicts(await webhook.public(f"{url}/webhooks/meta", TOKEN))[0] == ("public webhook", "ok")


async def test_a_certificate_that_nobody_trusts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    async with serving(secure=certificate(tmp_path, 60)) as url:
        said = await webhook.public(url, TOKEN)
    assert verdicts(said) == [("public webhook", "fail")]
    assert "certificate is not trusted" in said[0].text


async def test_no_tls_at_all(free_port: Callable[[], int]) -> None:
    async with serving() as url:
        said = await webhook.public(url.replace("http:", "https:"), TOKEN)
    assert verdicts(said) == [("public webhook", "fail")]


@pytest.mark.parametrize(
    "url", ["https://[", "https://[::1", "https://h:x", "https://\udcff", "https://a\0b", "https://xn--a"]
)
async def test_an_address_that_is_none_is_said(url: str) -> None:
    said = await webhook.public(url, TOKEN)
    assert verdicts(said) == [("public webhook", "fail")]
    assert "the address is none" in texts(said)
