"""Who is meant by an address or a number, in rows and in payloads."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, cast

import pytest

from api.models import Job, JobPage, JobState, JobView, Lead, LeadDetails, LeadFilter, LeadPage
from console.forget import Forgetter, carries, phone_figures
from console.links import Links


@pytest.mark.parametrize(
    ("payload", "text", "mine"),
    [
        ({"email": "ana@gmail.com"}, "ana@gmail.com", True),
        ({"email": " Ana@Gmail.com "}, "ana@gmail.com", True),
        ({"deep": [{"values": ["x", "ana@gmail.com"]}]}, "ana@gmail.com", True),
        ({"email": "diana@gmail.com"}, "ana@gmail.com", False),
        ({"text": "write to ana@gmail.com"}, "ana@gmail.com", False),
        ({"phone": "+55 (11) 98765-4321"}, "+5511987654321", True),
        ({"phone": 5511987654321}, "5511987654321", True),
        ({"phone": "+55 11 98765-43210"}, "+5511987654321", False),
        ({"ok": True, "none": None}, "True", False),
    ],
)
def test_a_payload_carries_a_whole_value_only(payload: object, text: str, mine: bool) -> None:
    assert carries(json.dumps(payload), text) is mine


def test_what_is_not_json_is_searched_as_it_is() -> None:
    assert carries("{ana@gmail.com", "ANA@gmail.com")
    assert not carries("[" * 100_000, "ana@gmail.com")


@pytest.mark.parametrize(
    ("text", "figures"),
    [
        ("+55 11 98765-4321", "5511987654321"),
        ("(202) 555-0123", "2025550123"),
        ("+(49) 30 1234567", "49301234567"),
        ("+49 30 1234‑567", "49301234567"),
        ("０９０-1234-5678", "09012345678"),
        ("ana", ""),
        ("12345", ""),
        ("2026-11-24T12:00", ""),
    ],
)
def test_figures_of_what_looks_like_a_number(text: str, figures: str) -> None:
    assert phone_figures(text) == figures


WHEN = datetime(2026, 11, 24, tzinfo=UTC)
ANA = Lead(source="forms", external_id="msg_1", received_at=WHEN, id=3, email="ana@x.example", phone="(202) 555-0123")


def job(id_: str, external_id: str, payload: str) -> Job:
    """A job of a web form."""
    return Job(id=id_, source="forms", external_id=external_id, payload=payload, received_at=1.0)


ASKED = job("01M8A", "msg_2", json.dumps({"data": {"employees": 3, "phone": "(202) 555-0123"}}))
BROKEN = job("01M8B", "unreadable-1", "{3 yes")


class Known:
    """Links, an inspector and a reader that know one lead and two jobs."""

    async def read(self, ask: Callable[[Any], Awaitable[Any]]) -> Any:
        """What the reader, or the inspector, answers."""
        return await ask(self)

    inspect = read

    async def find(self, text: str) -> tuple[LeadDetails, ...]:
        """The lead by its number."""
        return (LeadDetails(ANA),) if text == str(ANA.id) else ()

    async def page(self, where: LeadFilter, _cursor: str, _limit: int) -> LeadPage:
        """The lead by its address or the figures of its number."""
        return LeadPage((ANA,) if where.text.lower() in ("ana@x.example", "2025550123") else ())

    async def jobs(self, state: JobState, *, cursor: str, limit: int) -> JobPage:
        """The jobs are dead letters."""
        del cursor, limit
        return JobPage(tuple(JobView(job, state) for job in (ASKED, BROKEN)) if state is JobState.DEAD else ())


@pytest.mark.parametrize(
    ("text", "leads", "jobs"),
    [
        ("3", [3], []),
        ("yes", [], []),
        ("", [], []),
        ("msg_2", [], ["01M8A"]),
        ("ANA@x.example", [3], []),
        ("(202) 555-0123", [3], ["01M8A"]),
        ("202-555-0123", [3], ["01M8A"]),
    ],
)
async def test_only_an_address_or_a_number_is_looked_for_among_answers(
    text: str, leads: list[int], jobs: list[str]
) -> None:
    person = await Forgetter(cast("Links", Known()), "somebody").find(text)
    assert ([lead.id for lead in person.leads], [view.job.id for view in person.jobs]) == (leads, jobs)
