"""A Graph API on loopback that answers what a test tells it to."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from console.demo.loopback import Answered, Asked, Loopback


@dataclass(frozen=True)
class Call:
    """A request: the ids it asks for, its query (one value a name), and whether it asks for names."""

    ids: list[str]
    query: dict[str, str]

    @property
    def names(self) -> bool:
        """Whether it asks for names of forms and pages rather than for leads."""
        return self.query.get("fields") == "id,name"


@dataclass(frozen=True)
class Reply:
    """An answer. `body` is JSON-encoded unless it is text or bytes; `cut` as in Answered."""

    body: Any
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int = -1

    @property
    def encoded(self) -> bytes:
        """The body as it is sent."""
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode("utf-8", "surrogatepass")


def lead(lead_id: str, **more: Any) -> dict[str, Any]:
    """A sound lead."""
    values = {"full_name": f"Person {lead_id}", "email": f"{lead_id}@example.com", "phone_number": "+5511912345678"}
    answers = [{"name": name, "values": [value]} for name, value in values.items()]
    return {"id": lead_id, "created_time": "2026-09-28T20:10:00+0000", "form_id": "77", "field_data": answers} | more


def leads(ids: list[str]) -> Any:
    """A sound answer to a call for these ids."""
    return lead(ids[0]) if len(ids) == 1 else {lead_id: lead(lead_id) for lead_id in ids}


def error(code: int, message: str = "no", subcode: int = 0, status: int = 400) -> Reply:
    """A Graph error."""
    return Reply({"error": {"message": message, "code": code, "error_subcode": subcode}}, status)


class StandIn(Loopback):
    """Serves while its `async with` block runs. `answer` may be replaced at any time; `calls` are those for leads,
    `all` those for names as well (answered from `names` unless `on_names` answers them); `open` are being answered now.
    """

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self.all: list[Call] = []
        self.open: list[Call] = []
        self.answer: Callable[[Call], Awaitable[Reply] | Reply] = lambda call: Reply(leads(call.ids))
        self.on_names: Callable[[Call], Reply | None] = lambda _: None
        self.names: dict[str, str] = {"77": "Imóveis SP", "1029": "Casa & Co"}

    async def answer_to(self, asked: Asked) -> Answered:
        """As the test says; names by themselves."""
        query = {name: values[0] for name, values in asked.query.items()}
        ids = query["ids"].split(",") if "ids" in query else [asked.path.rsplit("/", 1)[-1]]
        call = Call(ids, query)
        self.all.append(call)
        if call.names:
            known = Reply({i: {"id": i, "name": self.names[i]} for i in ids if i in self.names})
            reply = self.on_names(call) or known
        else:
            self.calls.append(call)
            self.open.append(call)
            try:
                given = self.answer(call)
                reply = given if isinstance(given, Reply) else await given
            finally:
                self.open.remove(call)
        return Answered(reply.status, reply.encoded, reply.headers, reply.cut)
