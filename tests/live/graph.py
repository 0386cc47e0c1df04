"""A stand-in for Meta's Graph API, run inside the stack's network: every lead that is asked for is there.

Standard library only, for the bare Python image. `GET /{version}/?ids=a,b` and `GET /{version}/{id}`; form 77 of page
1029 lists LISTED leads, one a minute back from now, and the page is set up well. Page 1030 is not subscribed.
"""

from __future__ import annotations

import json
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

PAGE, FORM, UNSUBSCRIBED = "1029", "77", "1030"
LISTED = 120
FIRST = 900_000
STARTED_AT = time.time()


def lead(lead_id: str, created_at: float = STARTED_AT) -> dict[str, Any]:
    """What Graph says of a lead; the name tells which one it is."""
    answers = {"full_name": f"Ana {lead_id}", "email": f"ana{lead_id}@example.com", "phone_number": "+1 202 555 0123"}
    return {
        "id": lead_id,
        "created_time": time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime(created_at)),
        "form_id": FORM,
        "platform": "fb",
        "field_data": [{"name": name, "values": [value]} for name, value in answers.items()],
    }


def listed(after: int, limit: int) -> dict[str, Any]:
    """A part of the form's leads, newest first; the cursor counts those before it."""
    part = range(after, min(after + limit, LISTED))
    data = [lead(str(FIRST + LISTED - n), STARTED_AT - n * 60) for n in part]
    paging: dict[str, Any] = {"cursors": {"before": str(after), "after": str(part.stop)}}
    if part.stop < LISTED:
        paging["next"] = f"http://graph:8080/v25.0/{FORM}/leads?after={part.stop}"
    return {"data": data, "paging": paging}


def answer(path: list[str], query: dict[str, list[str]]) -> dict[str, Any]:
    """What Graph answers to that path, without the version."""
    form = {"id": FORM, "name": "Live", "status": "ACTIVE", "page_id": PAGE}
    subscribed = ["leadgen"] if path and path[0] == PAGE else []
    token = {"app_id": "1", "type": "SYSTEM_USER", "is_valid": True, "scopes": ["leads_retrieval"], "expires_at": 0}
    known: dict[tuple[str, ...], dict[str, Any]] = {
        ("me",): {"id": "1", "name": "Live"},
        ("debug_token",): {"data": token},
        (FORM,): form,
        (PAGE, "leadgen_forms"): {"data": [form]},
        **{(page,): {"id": page, "has_lead_access": {"can_access_lead": True}} for page in (PAGE, UNSUBSCRIBED)},
    }
    if tuple(path) in known:
        return known[tuple(path)]
    if path[1:] == ["subscribed_apps"]:
        return {"data": [{"id": "1", "name": "Live", "subscribed_fields": subscribed}]}
    if path == [FORM, "leads"]:
        return listed(int(query.get("after", ["0"])[0]), int(query.get("limit", ["25"])[0]))
    return lead(path[-1])


class Handler(BaseHTTPRequestHandler):
    """Answers as Graph does when all is well."""

    def do_GET(self) -> None:
        """One thing, or many leads by id."""
        parts = urlsplit(self.path)
        query = parse_qs(parts.query)
        ids = query.get("ids", [""])[0]
        path = [part for part in parts.path.split("/") if part][1:]
        found = {one: lead(one) for one in ids.split(",")} if ids else answer(path, query)
        data = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    ThreadingHTTPServer(("", 8080), Handler).serve_forever()
