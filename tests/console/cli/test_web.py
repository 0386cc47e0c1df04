"""leadsctl web: on loopback only, behind a token that opens it once, with the flags that were given."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest

from console.browser import as_environment

ORIGIN_ELSEWHERE = {"Origin": "http://evil.example"}


@dataclass
class Served:
    """A running leadsctl web."""

    url: str
    process: subprocess.Popen[str]

    @property
    def port(self) -> int:
        port = urlsplit(self.url).port
        assert port
        return port

    def get(self, path: str, **headers: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        response.read()
        connection.close()
        return response

    def open(self) -> str:
        """Spend the token; the cookie."""
        parts = urlsplit(self.url)
        response = self.get(f"{parts.path}?{parts.query}")
        assert response.status == 303
        cookie = response.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        return cookie.split(";")[0]


@contextmanager
def serving(tmp_path: Path, *flags: str) -> Iterator[Served]:
    state = tmp_path / "stack"
    command = [sys.executable, "-m", "console", "--local", "--dir", str(state), *flags, "web", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout
    try:
        yield Served(json.loads(process.stdout.readline())["url"], process)
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        process.stdout.close()


def test_only_the_address_that_was_printed_opens_it_and_only_once(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        for path in ("/", "/?token=x", "/?token=", "/ws", "/static/js/textual.js", "/download/x"):
            assert served.get(path).status == 403, path
        cookie = served.open()
        page = served.get("/", Cookie=cookie)
        assert page.status == 200
        assert "default-src 'self'" in page.headers["Content-Security-Policy"]
        assert page.headers["Cache-Control"] == "no-store"
        assert served.get("/static/js/textual.js", Cookie=cookie).status == 200
        parts = urlsplit(served.url)
        assert served.get(f"/?{parts.query}").status == 403, "the token is spent"
        assert served.get("/", Cookie=cookie, **ORIGIN_ELSEWHERE).status == 403
        assert served.get("/", Cookie=cookie, Host=f"evil.example:{served.port}").status == 403
        assert served.get("/", Cookie=cookie + "x").status == 403


def test_it_listens_on_loopback_only(tmp_path: Path) -> None:
    with serving(tmp_path) as served:
        assert urlsplit(served.url).hostname == "127.0.0.1"
        listening = Path(f"/proc/{served.process.pid}/net/tcp").read_text().splitlines()[1:]
        hosts = {
            socket.inet_ntoa(bytes.fromhex(host)[::-1])
            for line in listening
            for host, _, port in [line.split()[1].partition(":")]
            if int(port, 16) == served.port and line.split()[3] == "0A"
        }
        assert hosts == {"127.0.0.1"}


async def test_the_console_comes_through_the_socket_read_only(tmp_path: Path) -> None:
    with serving(tmp_path, "--read-only") as served:
        cookie = served.open()
        origin = f"http://127.0.0.1:{served.port}"
        seen = b""
        async with aiohttp.ClientSession(headers={"Cookie": cookie, "Origin": origin}) as session:
            async with session.ws_connect(f"{origin}/ws?width=100&height=30") as ws, asyncio.timeout(60):
                async for message in ws:
                    if message.type is aiohttp.WSMsgType.BINARY:
                        seen += message.data
                    if b"Latest leads" in seen and b" help " in seen:
                        break
            assert b"restart" not in seen


@pytest.mark.parametrize(
    ("options", "environment"),
    [
        (
            {"runtime": "local", "read_only": True, "project": ""},
            {"LEADSCTL_RUNTIME": "local", "LEADSCTL_READ_ONLY": "true"},
        ),
        ({"files": (Path("a"), Path("b"))}, {"LEADSCTL_FILES": f"a{os.pathsep}b"}),
        ({"redis_url": "redis://:secret@h"}, {"LEADSCTL_REDIS_URL": "redis://:secret@h"}),
        ({"read_only": False, "dir": None}, {}),
    ],
)
def test_flags_reach_the_console_through_its_environment(
    options: dict[str, object], environment: dict[str, str]
) -> None:
    assert as_environment(options) == environment
