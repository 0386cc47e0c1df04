"""Reads what hangs on pages and forms: a page's forms, a form and its page, a form's leads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from api.errors import GraphError
from api.graph import answers
from api.graph.answers import GraphLead
from api.graph.transport import Answer, Transport
from api.graph.verdict import Action, Trouble

LEAD_IDS = "id,created_time,ad_id,form_id"
"""What a webhook tells of a lead: no personal data."""

LISTED = 500
"""Leads, or forms, that a call asks for; the Graph API may give fewer."""

MAX_FORM_CALLS = 1_000
_FORM = "id,name,status,page_id"
_MAX_CURSOR = 2_000


class GraphTroubleError(GraphError):
    """A call that failed, with what to do about it. `answered`: the Graph API itself said so."""

    def __init__(self, trouble: Trouble, *, answered: bool) -> None:
        super().__init__(trouble.error)
        self.trouble = trouble
        self.answered = answered


@dataclass(frozen=True, slots=True)
class LeadsPage:
    """A part of a form's leads, newest first.

    Attributes:
        after: cursor of the next part, "" at the end.
        limit: leads that may be asked for in the next call.
    """

    leads: tuple[GraphLead, ...]
    after: str = ""
    limit: int = LISTED


@dataclass(frozen=True, slots=True)
class Form:
    """A lead form. `page` is its page's id, "" where the answer had none."""

    id: str
    name: str = ""
    page: str = ""
    status: str = ""


class Edges:
    """Listings over a transport, with its limits, each with the token of the page it is for.

    Every method raises GraphTroubleError when a call fails, and GraphError when an answer is not what was asked for.
    """

    def __init__(self, way: Transport, url: str) -> None:
        """`url` is where calls go, without the version: cursors that point elsewhere are not followed."""
        self._way = way
        self._url = url

    async def leads(
        self, page: str, form: str, *, since: float, after: str = "", limit: int = LISTED, fields: str = LEAD_IDS
    ) -> LeadsPage:
        """Leads of a form that were created after `since` (epoch seconds), from a cursor on.

        Fewer are asked for where the Graph API finds that so many are too many.
        """
        newer = [{"field": "time_created", "operator": "GREATER_THAN", "value": int(since)}]
        query = {"fields": fields, "filtering": json.dumps(newer, separators=(",", ":"))}
        query |= {"after": after} if after else {}
        while True:
            answer = await self._way.get(page, f"{form}/leads", {**query, "limit": str(limit)})
            if not answer.trouble or answer.trouble.action is not Action.SPLIT or limit == 1:
                break
            limit = max(1, limit // 2)
        demand_sound(answer)
        found = answers.listed(answer.text, answer.value, answer.cleaned)
        if found is None:
            raise GraphError("Graph API: the listing has no data")
        return LeadsPage(tuple(found), self._next(answer), limit)

    async def forms(self, page: str) -> tuple[Form, ...]:
        """All forms of a page, archived ones too."""
        found: dict[str, Form] = {}
        seen: set[str] = set()
        query = {"fields": _FORM, "limit": str(LISTED)}
        for _ in range(MAX_FORM_CALLS):
            answer = demand_sound(await self._way.get(page, f"{page}/leadgen_forms", query))
            data = answer.value.get("data")
            if not isinstance(data, list):
                raise GraphError("Graph API: the listing has no data")
            found |= {form.id: form for form in map(_form_of, data) if form}
            after = self._next(answer)
            if not after or after in seen:
                break
            seen.add(after)
            query["after"] = after
        return tuple(found.values())

    async def form(self, page: str, form: str) -> Form:
        """One form, read with the token of `page` ("": the only token there is)."""
        answer = demand_sound(await self._way.get(page, form, {"fields": _FORM}))
        found = _form_of(answer.value)
        if found is None:
            raise GraphError("Graph API: the answer is no form")
        return found

    def _next(self, answer: Answer) -> str:
        after = answers.next_cursor(answer.value, self._url)
        return after if len(after) <= _MAX_CURSOR else ""


def demand_sound(answer: Answer) -> Answer:
    """The answer itself.

    Raises:
        GraphTroubleError: there is trouble with it.
    """
    if answer.trouble:
        raise GraphTroubleError(answer.trouble, answered=answer.failed is None)
    return answer


def _form_of(value: Any) -> Form | None:
    if not isinstance(value, dict) or not _is_id(value.get("id")):
        return None
    page = value.get("page_id")
    texts = (value.get("name"), page if _is_id(page) else "", value.get("status"))
    return Form(str(value["id"]), *(text[:500] if isinstance(text, str) else "" for text in texts))


def _is_id(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 40 and value.isascii() and value.isdigit()
