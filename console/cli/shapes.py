"""The JSON that `--json` prints, one frozen shape a document; `version` stands before the fields of each.

A shape only ever gains fields within a version. Times called `…_at` are epoch seconds in what comes from the runtime
and the queue, RFC 3339 texts in what comes from the store; ages and durations (`…_s`) are seconds, sizes bytes.
Personal data is masked, and `masked` true, unless `--reveal` was given.

    ps                      StackDocument
    queue list              JobsDocument           queue show      JobDocument
    leads, list, search     LeadsDocument          leads show      LeadsFoundDocument
    queue, queue status     api.models.QueueSnapshot with `depth` (still to be stored) and `cause` (why it is so)
    check                   CheckDocument          send            console.send.Answer with `accepted`
    logs                    one console.cli.loglines.LogDocument a line
    up down start stop restart, queue retry discard undo edit pause resume
                            console.ports.Result: ok, text, changed, hint, exit_code
    config, config show     console.cli.config.ConfigDocument
    init                    directory, env_file, env_kept, missing (settings that must still be filled in)

What goes wrong is told on standard error with --json too, and by the exit code; standard output then stays empty, or
holds a Result with `ok` false.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from api.models import Accounting, JobView, Lead, LeadDetails, LeadPage, Outcome, QueueSnapshot
from console.cause import why
from console.history import Rates
from console.masking import mask_email, mask_json, mask_name, mask_phone, mask_value
from console.send import Answer
from console.snapshots import Replica, Role, StackSnapshot, State
from console.sources.check import CheckReport, Finding

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ServiceDocument:
    """A service; `state` is the worst among its replicas, `up` how many of the `wanted` serve."""

    name: str
    role: Role
    state: State
    up: int
    wanted: int
    image: str
    version: str
    image_created_at: float
    ports: tuple[str, ...]
    replicas: tuple[Replica, ...]


@dataclass(frozen=True, slots=True)
class StackDocument:
    """The stack."""

    runtime: str
    project: str
    where: str
    taken_at: float
    services: tuple[ServiceDocument, ...]


@dataclass(frozen=True, slots=True)
class AttemptDocument:
    """One finished try at a job."""

    n: int
    worker: str
    started_at: float
    took_s: float
    error: str
    job_id: str = ""


@dataclass(frozen=True, slots=True)
class JobDocument:
    """A queued job (see api.models.Job and JobView). `payload` is JSON text."""

    id: str
    state: str
    source: str
    external_id: str
    page: str
    form: str
    seq: int
    received_at: float
    request_id: str
    attempt: int
    since: float
    due_at: float
    worker: str
    idle_s: float
    deliveries: int
    error: str
    stuck: str
    payload: str
    history: tuple[AttemptDocument, ...]
    masked: bool


@dataclass(frozen=True, slots=True)
class JobsDocument:
    """A page of jobs; `cursor` continues it, "" at the end."""

    state: str
    jobs: tuple[JobDocument, ...]
    cursor: str
    scanned: int


@dataclass(frozen=True, slots=True)
class LeadDocument:
    """A stored lead (see api.models.Lead). `raw` is JSON text, "" while masked and in lists."""

    id: int
    source: str
    external_id: str
    job_id: str
    status: str
    full_name: str
    email: str
    phone: str
    phone_e164: str
    page_id: str
    page_name: str
    form_id: str
    form_name: str
    ad_id: str
    ad_name: str
    campaign_id: str
    campaign_name: str
    platform: str
    fields: dict[str, list[str]]
    consent: dict[str, bool]
    raw: str
    is_test: bool
    cleaned: bool
    received_at: datetime
    created_at: datetime | None
    stored_at: datetime | None
    masked: bool


@dataclass(frozen=True, slots=True)
class LeadsDocument:
    """A page of leads, newest first. `notice` says when the search had to read every row."""

    leads: tuple[LeadDocument, ...]
    cursor: str
    notice: str


@dataclass(frozen=True, slots=True)
class DeliveryDocument:
    """The end of one job."""

    job_id: str
    seq: int
    source: str
    external_id: str
    outcome: Outcome
    attempts: int
    request_id: str
    received_at: datetime
    finished_at: datetime
    took_s: float
    lead_id: int
    worker: str


@dataclass(frozen=True, slots=True)
class LeadDetailsDocument:
    """One lead with all that happened to it. `lead` is null for a job that ended without one."""

    lead: LeadDocument | None
    deliveries: tuple[DeliveryDocument, ...]
    attempts: tuple[AttemptDocument, ...]


@dataclass(frozen=True, slots=True)
class LeadsFoundDocument:
    """What has the id that was asked for; usually one."""

    found: tuple[LeadDetailsDocument, ...]


@dataclass(frozen=True, slots=True)
class AccountingDocument:
    """See api.models.Accounting; `accounted` is the sum over all places."""

    balanced: bool
    accepted: int
    accounted: int
    ready: int
    in_flight: int
    retry: int
    dead: int
    deliveries: dict[str, int]
    settling: int
    missing: tuple[str, ...]
    doubled: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CheckDocument:
    """Whether all is well, and why not."""

    ok: bool
    findings: tuple[Finding, ...]
    accounting: AccountingDocument
    queue: dict[str, Any]


def stack_document(snapshot: StackSnapshot) -> StackDocument:
    """ps."""
    return _shaped(StackDocument, snapshot, services=tuple(_shaped(ServiceDocument, s) for s in snapshot.services))


def queue_document(queue: QueueSnapshot) -> dict[str, Any]:
    """queue status: api.models.QueueSnapshot with `depth` (still to be stored) and `cause` (why it is as it is)."""
    fields: Mapping[str, Any] = msgspec.to_builtins(queue)
    return {"depth": queue.depth, "cause": why(queue, None, Rates()).text, **fields}


def job_document(view: JobView, *, reveal: bool) -> JobDocument:
    """queue show."""
    job = view.job
    return _shaped(
        JobDocument,
        view,
        job,
        state=view.state.value,
        payload=job.payload if reveal else mask_json(job.payload),
        history=tuple(_shaped(AttemptDocument, attempt, job_id=job.id) for attempt in job.history),
        masked=not reveal,
    )


def lead_document(lead: Lead, *, reveal: bool) -> LeadDocument:
    """A lead, masked unless `reveal`."""
    if reveal:
        return _shaped(LeadDocument, lead, masked=False)
    return _shaped(
        LeadDocument,
        lead,
        full_name=mask_name(lead.full_name),
        email=mask_email(lead.email),
        phone=mask_phone(lead.phone),
        phone_e164=mask_phone(lead.phone_e164),
        fields={name: [mask_value(value) for value in values] for name, values in lead.fields.items()},
        raw="",
        masked=True,
    )


def leads_document(page: LeadPage, *, reveal: bool) -> LeadsDocument:
    """leads list, leads search."""
    return LeadsDocument(tuple(lead_document(lead, reveal=reveal) for lead in page.leads), page.cursor, page.notice)


def details_document(details: LeadDetails, *, reveal: bool) -> LeadDetailsDocument:
    """One of leads show."""
    return LeadDetailsDocument(
        lead=lead_document(details.lead, reveal=reveal) if details.lead else None,
        deliveries=tuple(_shaped(DeliveryDocument, delivery) for delivery in details.deliveries),
        attempts=tuple(_shaped(AttemptDocument, attempt, job_id=job_id) for job_id, attempt in details.attempts),
    )


def check_document(report: CheckReport) -> CheckDocument:
    """check."""
    return CheckDocument(
        report.ok, report.findings, accounting_document(report.accounting), queue_document(report.queue)
    )


def accounting_document(found: Accounting) -> AccountingDocument:
    """Where everything accepted is."""
    deliveries = {outcome.value: found.deliveries.get(outcome, 0) for outcome in Outcome}
    return _shaped(AccountingDocument, found, deliveries=deliveries)


def send_document(answer: Answer) -> dict[str, Any]:
    """send: console.send.Answer with `accepted`."""
    fields: Mapping[str, Any] = msgspec.to_builtins(answer)
    return {"accepted": answer.accepted, **fields}


def _shaped(shape: type[T], *values: object, **fields: Any) -> T:
    """A `shape` with `fields`, and whatever else it has from the first of `values` that has it."""
    for name in shape.__dataclass_fields__:  # type: ignore[attr-defined]
        if name not in fields:
            fields[name] = next(getattr(value, name) for value in values if hasattr(value, name))
    return shape(**fields)
