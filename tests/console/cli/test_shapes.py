"""The JSON shapes: which fields they have, what is masked, that hostile text stays harmless."""

from __future__ import annotations

import io
import json
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest

from api.models import (
    Accounting,
    Attempt,
    Delivery,
    Job,
    JobState,
    JobView,
    Lead,
    LeadDetails,
    LeadPage,
    Outcome,
    QueueSnapshot,
    WorkerView,
)
from console.checks import Limits, Observed, judge
from console.cli import documents, shaped, shapes
from console.cli.loglines import log_document
from console.cli.output import Output, encode
from console.ports import Result
from console.send import Answer
from console.snapshots import LogLine, Replica, Role, Service, StackSnapshot, State
from console.trace import Trace, traced

AT = datetime(2026, 11, 24, 12, tzinfo=UTC)
LEAD = Lead(
    source="meta", external_id="4711", received_at=AT, id=7, job_id="J1", full_name="Ana Silva", email="ana@gmail.com",
    phone="+55 11 98765-4321", phone_e164="+5511987654321", fields={"city": ["Porto", "Lisboa"]},
    consent={"terms": True}, raw='{"email": "ana@gmail.com"}', stored_at=AT,
)  # fmt: skip
JOB = Job(
    id="J1", source="forms", external_id="msg_1", payload='{"email":"ana@gmail.com","form_id":"77"}', received_at=1.0,
    history=(Attempt(n=1, worker="w", started_at=2.0, error="no"),),
)  # fmt: skip
DELIVERY = Delivery("J1", 1, "meta", "4711", Outcome.STORED, 1, "r", AT, AT)
BALANCED = Accounting(3, 1, 0, 0, 1, {Outcome.STORED: 1})
SECRETS = ("Silva", "ana@", "98765", "87654", "Porto", "Lisboa")


def as_json(document: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(encode(document))
    return found


DEAD = documents.job_document(JobView(JOB, JobState.DEAD), reveal=False)
DOCUMENTS = {
    "ps": shaped.stack_document(
        StackSnapshot("local", "leads", "/d", (Service("app", Role.APP, (Replica("a", "a", State.HEALTHY),)),), 1.0)
    ),
    "queue status": documents.queue_document(QueueSnapshot(1.0, workers=(WorkerView("w", 0.1, alive=True),))),
    "queue list": shapes.JobsDocument("dead", (DEAD,), "", 1),
    "queue show": DEAD,
    "leads list": documents.leads_document(LeadPage((LEAD,)), reveal=False),
    "leads show": shapes.LeadsFoundDocument((
        documents.details_document(
            LeadDetails(
                LEAD,
                (DELIVERY,),
                (("J1", Attempt(n=1, worker="w", started_at=1.0)),),
            ),
            reveal=False,
        ),
    )),
    "trace": documents.trace_document(
        Trace((LEAD,), traced([LeadDetails(LEAD, (DELIVERY,))], [JobView(JOB, JobState.DEAD)])), reveal=False
    ),
    "check": documents.check_document(judge(Observed(BALANCED, QueueSnapshot(1.0, aof="always")), Limits())),
    "send": documents.send_document(Answer("http://h/webhooks/meta", "4711", 200, "{}", 0.1, "r")),
    "logs": log_document(LogLine(1.0, "app", "app", "x")),
    "result": Result(ok=True, text="done"),
}  # fmt: skip

SHAPES = {
    "ps": "runtime project where taken_at services notes",
    "queue status": "depth cause cause_kind taken_at ready in_flight retry dead discarded stuck accepted duplicates"
    " oldest_ready_s oldest_in_flight_s next_retry_s paused workers pauses notices server memory_bytes aof aof_ok"
    " arriving leaving memory_limit refuses aof_file",
    "queue list": "state jobs cursor scanned",
    "queue show": "id state source external_id page form seq received_at request_id attempt since due_at worker idle_s"
    " deliveries error stuck payload history masked",
    "leads list": "leads cursor notice",
    "leads show": "found",
    "trace": "leads jobs notices",
    "check": "ok findings accounting queue",
    "send": "accepted url external_id status body took_s request_id",
    "logs": "at service replica stream text cut",
    "result": "ok text changed hint exit_code",
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_shape_has_its_fields_and_the_version_first(name: str) -> None:
    """A field that goes, or changes its meaning, breaks scripts: then VERSION must grow with this list."""
    assert list(as_json(DOCUMENTS[name])) == ["version", *SHAPES[name].split()]
    assert as_json(DOCUMENTS[name])["version"] == 1


def test_inner_shapes_have_their_fields() -> None:
    assert list(as_json(DOCUMENTS["ps"])["services"][0]) == (
        ["name", "role", "state", "up", "wanted", "image", "version", "image_created_at", "ports", "replicas", "drift"]
    )
    found = as_json(DOCUMENTS["leads show"])["found"][0]
    assert list(found["lead"]) == [field.name for field in fields(shapes.LeadDocument)]
    assert list(found["deliveries"][0]) == [field.name for field in fields(shapes.DeliveryDocument)]
    assert list(found["attempts"][0]) == ["n", "worker", "started_at", "took_s", "error", "job_id"]
    accounting = as_json(DOCUMENTS["check"])["accounting"]
    assert (accounting["balanced"], accounting["accounted"]) == (True, 3)
    assert accounting["deliveries"] == {"stored": 1, "duplicate": 0, "discarded": 0}


@pytest.mark.parametrize("name", ["queue list", "queue show", "leads list", "leads show"])
def test_personal_data_is_masked(name: str) -> None:
    text = encode(DOCUMENTS[name]).decode()
    assert [secret for secret in SECRETS if secret in text] == []
    assert '"masked":true' in text


def test_reveal_shows_it_whole() -> None:
    lead = as_json(documents.lead_document(LEAD, reveal=True))
    assert (lead["full_name"], lead["email"], lead["phone_e164"]) == (LEAD.full_name, LEAD.email, LEAD.phone_e164)
    assert (lead["fields"], lead["raw"], lead["masked"]) == (LEAD.fields, LEAD.raw, False)
    assert as_json(documents.job_document(JobView(JOB, JobState.DEAD), reveal=True))["payload"] == JOB.payload


def test_times_of_leads_are_rfc_3339() -> None:
    assert as_json(DOCUMENTS["leads list"])["leads"][0]["received_at"] == "2026-11-24T12:00:00Z"


def test_json_on_a_terminal_moves_nothing_and_is_still_the_same_text() -> None:
    hostile = "\x1b[2J\x9b31m\u202eevil\u2066\x7f\u2028ok é 山"
    text = encode(log_document(LogLine(1.0, "app", "app", hostile)))
    assert not set(text.decode()) & set("\x1b\x9b\u202e\u2066\x7f\u2028")
    assert json.loads(text)["text"] == hostile


def test_documents_come_after_the_lines_before_them() -> None:
    raw = io.BytesIO()
    output = Output(io.TextIOWrapper(raw, encoding="utf-8"), json=True)
    output.line("first")
    output.document({"n": 1})
    assert raw.getvalue() == b'first\n{"version":1,"n":1}\n'
