"""A stand-in for Meta's Graph API that answers each call after a fixed delay and counts what it was asked.

    python -m tests.bench.graph PORT DELAY_S

`GET /{version}/?ids=a,b` answers an object by id, `GET /{version}/{id}` one lead, `GET /stats` the counts.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests import servers
from tests.bench.processes import await_http, python, running

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Calls:
    """What the stand-in was asked: calls, leads in all of them, and the most calls it had open at once."""

    calls: int = 0
    leads: int = 0
    most_at_once: int = 0


class Counter:
    """The counts of a running stand-in."""

    def __init__(self) -> None:
        self.calls = self.leads = self.most_at_once = self.open = 0

    def begin(self, leads: int) -> None:
        """A call comes in, for so many leads."""
        self.calls += bool(leads)
        self.leads += leads
        self.open += 1
        self.most_at_once = max(self.most_at_once, self.open)


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection, kept alive; one request at a time."""

    def __init__(self, counter: Counter, delay_s: float) -> None:
        self._counter = counter
        self._delay_s = delay_s
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            found = _LENGTH.search(head)
            size = end + 4 + (int(found.group(1)) if found else 0)
            if len(self._buffer) < size:
                return
            body, self._buffer = self._buffer[end + 4 : size], self._buffer[size:]
            self._answer(head.split(b" ", 2)[1].decode(), body.decode())

    def _answer(self, target: str, body: str) -> None:
        url = urlsplit(target)
        if url.path == "/stats":
            counts = {name: getattr(self._counter, name) for name in ("calls", "leads", "most_at_once")}
            self._send(counts, counted=False)
            return
        asked = parse_qs(url.query) | parse_qs(body)
        if "ids" in asked:
            ids = asked["ids"][0].split(",")
            answer: dict[str, Any] = {lead: _lead(lead) for lead in ids}
        else:
            ids = [url.path.rsplit("/", 1)[-1]]
            answer = _lead(ids[0])
        if "field_data" not in asked.get("fields", [""])[0]:
            # Names of pages and forms: asked for once, and no leads.
            ids = []
        self._counter.begin(len(ids))
        asyncio.get_running_loop().call_later(self._delay_s, self._send, answer)

    def _send(self, answer: dict[str, Any], *, counted: bool = True) -> None:
        self._counter.open -= counted
        text = json.dumps(answer).encode()
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(text) + text
        )


def _lead(lead: str) -> dict[str, Any]:
    return {
        "id": lead,
        "created_time": "2026-02-03T10:11:12+0000",
        "ad_id": "23850070060050",
        "ad_name": "spring",
        "campaign_id": "23850070060051",
        "campaign_name": "spring campaign",
        "form_id": "602010080901",
        "is_organic": False,
        "platform": "fb",
        "field_data": [
            {"name": "full_name", "values": [f"Lead {lead}"]},
            {"name": "email", "values": [f"lead{lead}@example.com"]},
            {"name": "phone_number", "values": ["+4915112345678"]},
        ],
    }


async def serve(port: int, delay_s: float) -> None:
    """Serve for ever."""
    counter = Counter()
    server = await asyncio.get_running_loop().create_server(lambda: Connection(counter, delay_s), "127.0.0.1", port)
    await server.serve_forever()


class StandIn:
    """A stand-in that runs as a process of its own. `url` is what META_GRAPH_URL takes."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"

    def calls(self) -> Calls:
        """What it was asked until now."""
        with urllib.request.urlopen(f"{self.url}/stats", timeout=5) as response:
            return Calls(**json.load(response))


@contextlib.contextmanager
def stand_in(folder: Path, delay_s: float) -> Iterator[StandIn]:
    """Start one; it is ended afterwards."""
    port, log = servers.free_port(), folder / "graph.log"
    with running(python("-m", "tests.bench.graph", str(port), str(delay_s)), {}, log) as process:
        found = StandIn(port)
        await_http(f"{found.url}/stats", process, log)
        yield found


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), float(sys.argv[2])))
