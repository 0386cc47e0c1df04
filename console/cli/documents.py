"""Makes the documents that `--json` prints (console.cli.shapes) of what was read. Masked unless revealed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from api.models import Accounting, JobView, Lead, LeadDetails, LeadPage, Outcome, QueueSnapshot
from console.backfill.records import Report
from console.cause import why
from console.checks import CheckReport
from console.cli.shaped import shaped
from console.cli.shapes import (
    AccountingDocument,
    AttemptDocument,
    BackfillDocument,
    CheckDocument,
    DeliveryDocument,
    JobDocument,
    LeadDetailsDocument,
    LeadDocument,
    LeadsDocument,
    TraceDocument,
)
from console.history import Rates
from console.masking import mask_email, mask_json, mask_name, mask_phone, mask_value
from console.send import Answer
from console.trace import Trace


def queue_document(queue: QueueSnapshot) -> dict[str, Any]:
    """queue status: api.models.QueueSnapshot with `depth` (still to be stored) and why it is as it is.

    `cause` is a sentence, `cause_kind` a word that stays the same: one of api.cause.Kind, as in the metrics.
    """
    fields: Mapping[str, Any] = msgspec.to_builtins(queue)
    cause = why(queue, None, Rates())
    return {"depth": queue.depth, "cause": cause.text, "cause_kind": cause.kind.value, **fields}


def job_document(view: JobView, *, reveal: bool) -> JobDocument:
    """queue show."""
    job = view.job
    return shaped(
        JobDocument,
        view,
        job,
        state=view.state.value,
        payload=job.payload if reveal else mask_json(job.payload),
        history=tuple(shaped(AttemptDocument, attempt, job_id=job.id) for attempt in job.history),
        masked=not reveal,
    )


def lead_document(lead: Lead, *, reveal: bool) -> LeadDocument:
    """A lead, masked unless `reveal`."""
    if reveal:
        return shaped(LeadDocument, lead, masked=False)
    return shaped(
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
        deliveries=tuple(shaped(DeliveryDocument, delivery) for delivery in details.deliveries),
        attempts=tuple(shaped(AttemptDocument, attempt, job_id=job_id) for job_id, attempt in details.attempts),
    )


def trace_document(found: Trace, *, reveal: bool) -> TraceDocument:
    """trace."""
    return TraceDocument(tuple(lead_document(lead, reveal=reveal) for lead in found.leads), found.jobs, found.notices)


def check_document(report: CheckReport) -> CheckDocument:
    """check."""
    return CheckDocument(
        report.ok, report.findings, accounting_document(report.accounting), queue_document(report.queue)
    )


def accounting_document(found: Accounting) -> AccountingDocument:
    """Where everything accepted is."""
    deliveries = {outcome.value: found.deliveries.get(outcome, 0) for outcome in Outcome}
    return shaped(AccountingDocument, found, deliveries=deliveries)


def backfill_document(report: Report) -> BackfillDocument:
    """backfill --dry-run."""
    return shaped(BackfillDocument, report, ok=report.result().ok)


def send_document(answer: Answer) -> dict[str, Any]:
    """send: console.send.Answer with `accepted`."""
    fields: Mapping[str, Any] = msgspec.to_builtins(answer)
    return {"accepted": answer.accepted, **fields}
