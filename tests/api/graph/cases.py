"""The recorded Graph API answers, and a transport that gives them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

CASES: dict[str, dict[str, Any]] = {
    case["name"]: case
    for case in json.loads((Path(__file__).parents[2] / "data" / "meta" / "graph_responses.json").read_text())
}


def response(name: str) -> httpx.Response:
    """The answer of a case."""
    case = CASES[name]
    return httpx.Response(
        case["status"], headers=case["headers"], content=case["body"].encode("utf-8", "surrogatepass")
    )


def lead(lead_id: str, **more: Any) -> dict[str, Any]:
    """A sound lead."""
    return {"id": lead_id, "field_data": [{"name": "email", "values": [f"{lead_id}@example.com"]}]} | more


def several(ids: list[str]) -> httpx.Response:
    """A sound answer to `?ids=`."""
    return httpx.Response(200, json={lead_id: lead(lead_id) for lead_id in ids})


def ids_of(request: httpx.Request) -> list[str]:
    """What a request asks for."""
    ids = request.url.params.get("ids")
    return ids.split(",") if ids else [request.url.path.rsplit("/", 1)[-1]]


@dataclass
class Scripted(httpx.AsyncBaseTransport):
    """Answers by a function, and keeps the requests."""

    answer: Callable[[httpx.Request], httpx.Response]
    requests: list[httpx.Request] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        given = self.answer(request)
        return httpx.Response(given.status_code, headers=given.headers, stream=httpx.ByteStream(given.content))

    @property
    def asked(self) -> list[list[str]]:
        """The ids of each call."""
        return [ids_of(request) for request in self.requests]
