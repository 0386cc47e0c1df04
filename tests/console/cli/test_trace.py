"""trace on a real local stack: from the request to the row, by any id, masked."""

from __future__ import annotations

import pytest

from tests.console.cli.conftest import Stack


@pytest.fixture
def ids(stack: Stack, stored: int) -> dict[str, str]:
    """The ids of a stored lead, by their kind."""
    (found,) = stack("leads", "show", str(stored), "--json").document["found"]
    (delivery,) = found["deliveries"]
    return {
        "lead": str(stored),
        "external": delivery["external_id"],
        "job": delivery["job_id"],
        "request": delivery["request_id"],
    }


@pytest.mark.parametrize("kind", ["lead", "external", "job", "request"])
def test_a_stored_lead_is_followed_by_any_of_its_ids(stack: Stack, ids: dict[str, str], kind: str) -> None:
    call = stack("trace", ids[kind], "--json")
    assert call.code == 0, call.err
    (job,) = call.document["jobs"]
    kinds = [step["kind"] for step in job["steps"]]
    assert kinds[:2] == ["request", "queued"]
    assert "end" in kinds[2:]
    assert (job["job_id"], job["place"]) == (ids["job"], "stored")
    services = {step["service"] for step in job["steps"] if step["kind"] == "log"}
    assert services == {"app", "worker"}


def test_an_address_finds_its_leads_and_stays_masked(stack: Stack, ids: dict[str, str]) -> None:
    call = stack("trace", "ANA@gmail.com")
    assert call.code == 0, call.err
    assert ids["job"] in call.text
    assert f"lead {ids['lead']}" in call.text
    assert "Ana Silva" not in call.text
    assert "ana@gmail.com" not in call.text + call.err
    assert "webhook.accepted" in call.text


def test_log_lines_can_be_left_out(stack: Stack, ids: dict[str, str]) -> None:
    (job,) = stack("trace", ids["job"], "--no-logs", "--json").document["jobs"]
    assert "log" not in [step["kind"] for step in job["steps"]]


def test_a_dead_letter_is_followed_to_where_it_is(stack: Stack, dead: str) -> None:
    (job,) = stack("trace", dead, "--json").document["jobs"]
    assert (job["place"], job["ended"]) == ("dead", False)
    assert "now" in [step["kind"] for step in job["steps"]]
    (again,) = stack("trace", job["request_id"], "--json").document["jobs"]
    assert again["job_id"] == dead


def test_nothing_is_said_to_be_nothing(stack: Stack) -> None:
    call = stack("trace", "no-such-id")
    assert (call.code, call.out) == (1, b"")
    assert "nothing stored or queued has that id" in call.err
