"""A stand-in for Meta's Graph API, run inside the stack's network: every lead that is asked for is there.

Standard library only, for the bare Python image. `GET /{version}/?ids=a,b` and `GET /{version}/{id}`.
"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


def lead(lead_id: str) -> dict[str, Any]:
    """What Graph says of a lead; the name tells which one it is."""
    answers = {"full_name": f"Ana {lead_id}", "email": f"ana{lead_id}@example.com", "phone_number": "+1 202 555 0123"}
    return {
        "id": lead_id,
        "created_time": "2026-11-24T08:00:00+0000",
        "form_id": "77",
        "platform": "fb",
        "field_data": [{"name": name, "values": [value]} for name, value in answers.items()],
    }


class Handler(BaseHTTPRequestHandler):
    """Answers as Graph does when all is well."""

    def do_GET(self) -> None:
        """One lead, or many by id."""
        parts = urlsplit(self.path)
        ids = parse_qs(parts.query).get("ids", [""])[0]
        last = parts.path.rstrip("/").rsplit("/", 1)[-1]
        answer = {one: lead(one) for one in ids.split(",")} if ids else lead(last)
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    ThreadingHTTPServer(("", 8080), Handler).serve_forever()
