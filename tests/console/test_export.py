"""Leads as CSV and JSON lines: nothing a spreadsheet would run, nothing personal unless revealed, any size."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.models import Lead, LeadFilter, LeadPage
from console.export import BOM, COLUMNS, PAGE, Layout, export, harmless

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
LEAD = Lead(
    source="meta", external_id="4711", received_at=AT, id=7, job_id="J1", full_name="Ana Silva", email="ana@gmail.com",
    phone="+55 11 98765-4321", phone_e164="+5511987654321", fields={"city": ["Porto", "Lisboa"]},
    consent={"terms": True},
)  # fmt: skip
SECRETS = ("Silva", "ana@", "98765", "87654", "orto", "isboa")


class Pages:
    """Leads by the page, as the store gives them; notes the filters it was asked with."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.asked: list[tuple[str, int, bool]] = []

    async def page(self, where: LeadFilter, *, cursor: str = "", limit: int = 50, full: bool = False) -> LeadPage:
        """The leads after the cursor."""
        self.asked.append((cursor, limit, full))
        start = int(cursor or 0)
        end = min(start + limit, self.count)
        leads = tuple(Lead(source="meta", external_id=str(n), received_at=AT, id=n) for n in range(start, end))
        return LeadPage(leads, str(end) if end < self.count else "")


def rows(layout: Layout, *leads: Lead) -> list[dict[str, str]]:
    """What a reader of the CSV gets."""
    text = (layout.head + layout.body(leads)).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.mark.parametrize("format_", ["csv", "jsonl"])
def test_personal_data_is_masked_unless_revealed(format_: str) -> None:
    masked = Layout(format_, answers=("city",) if format_ == "csv" else ()).body([LEAD]).decode()
    assert [word for word in SECRETS if word in masked] == []
    shown = Layout(format_, reveal=True).body([LEAD]).decode()
    assert "Ana Silva" in shown
    assert "Lisboa" in shown


def test_json_lines_have_every_field() -> None:
    (line,) = Layout("jsonl", reveal=True).body([LEAD]).splitlines()
    found = json.loads(line)
    assert set(found) == set(COLUMNS)
    assert (found["email"], found["fields"], found["stored_at"]) == (
        "ana@gmail.com",
        {"city": ["Porto", "Lisboa"]},
        None,
    )


def test_answers_get_columns_of_their_own() -> None:
    (row,) = rows(Layout(answers=("city", "budget"), reveal=True), LEAD)
    assert (row["city"], row["budget"]) == ("Porto; Lisboa", "")
    assert json.loads(row["fields"]) == LEAD.fields


@given(st.text(max_size=20))
def test_no_cell_is_run_as_a_formula(text: str) -> None:
    lead = Lead(source="forms", external_id="1", received_at=AT, full_name=text, form_name=text, fields={text: [text]})
    (row,) = rows(Layout(answers=(text,), reveal=True), lead)
    for cell in (*row, *row.values()):
        assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
    assert row["full_name"].removeprefix("'") == text.removeprefix("'")


def test_a_phone_number_keeps_its_plus_behind_an_apostrophe() -> None:
    (row,) = rows(Layout(reveal=True), LEAD)
    assert row["phone"] == "'+55 11 98765-4321"
    (row,) = rows(Layout(reveal=True, exact=True), LEAD)
    assert row["phone"] == "+55 11 98765-4321"
    assert harmless("Ana") == "Ana"


def test_the_mark_for_excel_comes_first() -> None:
    assert Layout(bom=True).head.startswith(BOM)
    assert not Layout().head.startswith(BOM)
    assert Layout("jsonl", bom=True).head == b""


@pytest.mark.parametrize(
    ("count", "most", "written"), [(0, 0, 0), (5, 0, 5), (2 * PAGE + 3, 0, 2 * PAGE + 3), (9, 4, 4)]
)
async def test_pages_are_written_one_after_the_other(count: int, most: int, written: int) -> None:
    source, out = Pages(count), io.BytesIO()
    steps = [step.done async for step in export(source, LeadFilter(), Layout(), out, most=most)]
    assert steps[-1] == written
    found = list(csv.DictReader(io.StringIO(out.getvalue().decode(), newline="")))
    assert [row["id"] for row in found] == [str(n) for n in range(written)]
    assert all(full for _, _, full in source.asked)
