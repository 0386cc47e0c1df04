"""What a trace finds among the queued jobs: exact ids first, a fragment of a job id only where nothing has the id."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, cast

import msgspec
import pytest

from api.models import Job, JobPage, JobState, JobView, Lead, LeadDetails, LeadFilter, LeadPage
from console.links import Links
from console.sources.trace import Tracer

LEAD = Lead(source="forms", external_id="msg_1", received_at=datetime(2026, 11, 24, tzinfo=UTC), id=15)
OTHER = JobView(Job(id="01M815XYZ", source="meta", external_id="4711", payload="{}", received_at=1.0), JobState.DEAD)
MINE = JobView(Job(id="01M8000AB", source="meta", external_id="15", payload="{}", received_at=1.0), JobState.DEAD)
NEAR = JobView(Job(id="01M8111CD", source="forms", external_id="8000abc", payload="{}", received_at=1.0), JobState.DEAD)


class Known:
    """Links, an inspector and a reader that know these rows and jobs."""

    def __init__(self, rows: tuple[LeadDetails, ...], views: tuple[JobView, ...]) -> None:
        self.rows, self.views = rows, views

    async def inspect(self, ask: Callable[[Any], Awaitable[Any]]) -> Any:
        """What the inspector answers."""
        return await ask(self)

    read = inspect

    async def job(self, fragment: str) -> JobView | None:
        """The only job with the fragment in its id."""
        found = [view for view in self.views if fragment.upper() in view.job.id]
        return found[0] if len(found) == 1 else None

    async def jobs(self, state: JobState, *, cursor: str, limit: int, match: str) -> JobPage:
        """The jobs in the state that carry the text of the match in an id, or in the payload."""
        field, _, text = match.partition(":")
        said = {"payload": "payload", "": "payload"}.get(field, "external_id")
        there = [view for view in self.views if view.state is state]
        mine = [view for view in there if text.casefold() in getattr(view.job, said).casefold()]
        return JobPage(tuple(mine), "", len(mine))

    async def find(self, _text: str, _limit: int) -> tuple[LeadDetails, ...]:
        """All rows."""
        return self.rows

    async def page(self, where: LeadFilter, _cursor: str, _limit: int) -> LeadPage:
        """The rows with that address."""
        return LeadPage(tuple(row.lead for row in self.rows if row.lead and row.lead.email == where.text))


async def jobs_of(text: str, rows: tuple[LeadDetails, ...], views: tuple[JobView, ...]) -> list[str]:
    """The ids of the jobs that a trace of the text names."""
    found = await Tracer(cast("Links", Known(rows, views)), None).find(text)
    return [job.job_id for job in found.jobs]


@pytest.mark.parametrize(
    ("text", "rows", "views", "expected"),
    [
        ("15", (LeadDetails(LEAD),), (OTHER,), []),
        ("15", (LeadDetails(LEAD),), (OTHER, MINE), ["01M8000AB"]),
        ("15", (), (OTHER, MINE), ["01M8000AB"]),
        ("15xyz", (), (OTHER, MINE), ["01M815XYZ"]),
        ("01m815xyz", (LeadDetails(LEAD),), (OTHER,), ["01M815XYZ"]),
        ("471", (), (OTHER, MINE), []),
        ("15", (), (OTHER,), []),
        ("8000a", (), (OTHER, MINE, NEAR), ["01M8000AB"]),
        ("", (), (OTHER,), []),
    ],
    ids=[
        "row only",
        "row and job",
        "job before fragment",
        "fragment",
        "job id",
        "part of a lead's id",
        "number",
        "fragment in another lead's id",
        "nothing",
    ],
)
async def test_a_fragment_counts_only_where_nothing_has_the_id(
    text: str, rows: tuple[LeadDetails, ...], views: tuple[JobView, ...], expected: list[str]
) -> None:
    assert await jobs_of(text, rows, views) == expected


def asked(id_: str, email: str) -> JobView:
    """A job that waits, of somebody with that address."""
    payload = json.dumps({"data": {"email": email}})
    return JobView(Job(id=id_, source="forms", external_id=id_, payload=payload, received_at=1.0), JobState.READY)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("ana@x.example", ["01A"]), ("ANA@x.example", ["01A"]), ("ana@x.exam", []), ("jürgen@x.example", ["01C"])],
)
async def test_an_address_is_a_whole_one_in_the_queue(text: str, expected: list[str]) -> None:
    views = (asked("01A", "ana@x.example"), asked("01B", "diana@x.example"), asked("01C", "jürgen@x.example"))
    assert await jobs_of(text, (), views) == expected


class Stretches:
    """A reader whose first page was given up before it came to the lead."""

    async def read(self, ask: Callable[[Any], Awaitable[Any]]) -> Any:
        """What it answers."""
        return await ask(self)

    async def page(self, where: LeadFilter, cursor: str, _limit: int) -> LeadPage:
        """The lead is on the second page."""
        return (
            LeadPage((msgspec.structs.replace(LEAD, email=where.text),))
            if cursor
            else LeadPage((), "further", "looked so far")
        )

    async def find(self, _text: str, _limit: int) -> tuple[LeadDetails, ...]:
        """None has that for an id."""
        return ()

    async def details(self, _id: int) -> LeadDetails:
        """The lead."""
        return LeadDetails(LEAD)


async def test_an_address_is_looked_for_to_the_end_of_the_leads() -> None:
    (found,) = await Tracer(cast("Links", Stretches()), None).stored("ana@x.example")
    assert found.lead == LEAD


async def test_an_id_may_have_an_at_sign() -> None:
    view = JobView(Job(id="01A", source="forms", external_id="order@5", payload="{}", received_at=1.0), JobState.READY)
    assert await jobs_of("order@5", (), (view,)) == ["01A"]
    row = LeadDetails(msgspec.structs.replace(LEAD, external_id="order@5", email="order@5"))
    assert await Tracer(cast("Links", Known((row,), ())), None).stored("order@5") == (row,)
