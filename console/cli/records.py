"""Draws jobs and leads for a person on the command line: lists as tables, one as a sheet. Masked unless revealed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime

from api.models import Attempt, JobState, JobView, Lead, LeadDetails
from api.store.records import OperatorAction
from console.cli.output import Output
from console.cli.table import Column
from console.format import (
    Cell,
    Tone,
    age,
    clock_ms,
    job_shape,
    moment,
    number,
    safe,
    took,
)
from console.masking import mask_email, mask_json, mask_name, mask_phone, mask_value

_JOBS = (
    Column(""),
    Column("JOB"),
    Column("SOURCE", optional=3),
    Column("LEAD", least=10),
    Column("PAGE", least=6, optional=2),
    Column("AGE", right=True),
    Column("TRY", right=True),
    Column("WORKER", least=8, optional=4),
    Column("LAST ERROR", least=12, optional=1),
)
_LEADS = (
    Column("ID", right=True),
    Column("RECEIVED", right=True),
    Column("NAME", least=10),
    Column("E-MAIL", least=12),
    Column("PHONE", least=9, optional=3),
    Column("FORM", least=8, optional=2),
    Column("CAMPAIGN", least=10, optional=4),
    Column("STATUS"),
    Column("TOOK", right=True, optional=1),
)
_ACTIONS = (
    Column("WHEN", right=True),
    Column("WHO", least=8),
    Column("WHAT", least=6),
    Column("TARGET", least=12, optional=1),
    Column("RESULT", least=16),
)


def show_actions(output: Output, actions: Sequence[OperatorAction]) -> None:
    """A row an action, newest first."""
    now = time.time()
    rows = [
        (
            moment(one.at.timestamp(), now),
            safe(one.who, 60),
            safe(one.what, 20),
            safe(one.target, 200),
            safe(one.result, 200),
        )
        for one in actions
    ]
    output.table(_ACTIONS, rows)


def show_jobs(output: Output, jobs: Sequence[JobView]) -> None:
    """A row a job."""
    now = time.time()
    output.table(_JOBS, [_job_row(view, now) for view in jobs])


def _job_row(view: JobView, now: float) -> Sequence[str | Cell]:
    job = view.job
    shape = job_shape(JobState.STUCK if view.stuck else view.state)
    error = view.stuck or view.error
    return (
        shape,
        safe(job.id, 40),
        safe(job.source, 20),
        safe(job.external_id, 60),
        safe(job.page, 40),
        age(now - job.received_at),
        number(job.attempt),
        safe(view.worker, 40),
        Cell(safe(error, 200), shape.tone),
    )


def show_job(output: Output, view: JobView, *, reveal: bool) -> None:
    """Everything about one job."""
    job = view.job
    shape = job_shape(JobState.STUCK if view.stuck else view.state)
    output.line(shape, f" {safe(job.id, 40)} ", Cell(view.state.value, shape.tone))
    payload = safe(job.payload, 100_000) if reveal else mask_json(job.payload)
    _sheet(
        output,
        [
            ("lead", f"{job.source} {job.external_id}"),
            ("page", job.page),
            ("form", job.form if job.form != job.page else ""),
            ("number", f"#{number(job.seq)}" if job.seq else ""),
            ("received", f"{_at(job.received_at)}, {age(time.time() - job.received_at)} ago"),
            ("request", job.request_id),
            ("due", _at(view.due_at) if view.due_at else ""),
            ("worker", view.worker),
            ("stuck", view.stuck),
            ("error", view.error),
        ],
    )
    _attempts(output, job.history)
    output.line(Cell("payload  ", Tone.DIM), payload)


def show_leads(output: Output, leads: Sequence[Lead], *, reveal: bool) -> None:
    """A row a lead."""
    now = time.time()
    output.table(_LEADS, [_lead_row(lead, now, reveal=reveal) for lead in leads])


def _lead_row(lead: Lead, now: float, *, reveal: bool) -> Sequence[str | Cell]:
    name, email, phone = _personal(lead, reveal=reveal)
    spent = (lead.stored_at - lead.received_at).total_seconds() if lead.stored_at else None
    return (
        str(lead.id),
        moment(lead.received_at.timestamp(), now),
        name,
        email,
        phone,
        safe(lead.form_name or lead.form_id, 80),
        safe(lead.campaign_name or lead.campaign_id, 80),
        Cell(safe(lead.status, 20), Tone.OK if lead.status == "stored" else Tone.WARN),
        took(spent) if spent is not None else "–",
    )


def show_details(output: Output, details: LeadDetails, *, reveal: bool) -> None:
    """Everything about one lead, and what happened to each job that brought it."""
    if details.lead is not None:
        _show_lead(output, details.lead, reveal=reveal)
    for delivery in details.deliveries:
        output.line()
        tries = f"{delivery.attempts} {'try' if delivery.attempts == 1 else 'tries'}"
        text = f"{_when(delivery.finished_at)}  {delivery.outcome.value} in {took(delivery.took_s)}, {tries}"
        output.line(Cell(f"job {safe(delivery.job_id, 40)}", Tone.STRONG), f"  {text}")
        _attempts(output, [attempt for job_id, attempt in details.attempts if job_id == delivery.job_id])


def _show_lead(output: Output, lead: Lead, *, reveal: bool) -> None:
    name, email, phone = _personal(lead, reveal=reveal)
    notes = [word for word, true in (("test", lead.is_test), ("cleaned", lead.cleaned)) if true]
    output.line(Cell(f"lead {lead.id}", Tone.STRONG), "  ", name, *(Cell(f"  {note}", Tone.WARN) for note in notes))
    _sheet(
        output,
        [
            ("e-mail", email),
            ("phone", phone),
            ("source", f"{lead.source} {lead.external_id}"),
            ("form", _pair(lead.form_name, lead.form_id)),
            ("page", _pair(lead.page_name, lead.page_id)),
            ("ad", _pair(lead.ad_name, lead.ad_id)),
            ("campaign", _pair(lead.campaign_name, lead.campaign_id)),
            ("platform", lead.platform),
            ("status", lead.status),
            ("received", _when(lead.received_at)),
            ("stored", _when(lead.stored_at) if lead.stored_at else ""),
        ],
    )
    for field, values in lead.fields.items():
        answer = ", ".join(safe(value) if reveal else mask_value(value) for value in values)
        output.line(Cell(f"  {safe(field, 60)}: ", Tone.DIM), answer)
    for text, checked in lead.consent.items():
        output.line(Cell(f"  {safe(text, 200)}: ", Tone.DIM), "agreed" if checked else "not agreed")


def _personal(lead: Lead, *, reveal: bool) -> tuple[str, str, str]:
    """Name, e-mail, phone, fit to be shown."""
    if reveal:
        return safe(lead.full_name, 200), safe(lead.email, 320), safe(lead.phone, 64)
    return mask_name(lead.full_name), mask_email(lead.email), mask_phone(lead.phone)


def _sheet(output: Output, entries: Sequence[tuple[str, str]]) -> None:
    """Names and values, without those that are empty."""
    for name, value in entries:
        if value:
            output.line(Cell(f"{name:<9}", Tone.DIM), safe(value))


def _attempts(output: Output, attempts: Sequence[Attempt]) -> None:
    if not attempts:
        return
    rows: list[Sequence[str | Cell]] = [
        (
            f"{attempt.n}" if attempt.n else "wait",
            _at(attempt.started_at),
            safe(attempt.worker, 40),
            took(attempt.took_s),
            Cell(safe(attempt.error, 300), Tone.BAD) if attempt.error else Cell("ok", Tone.OK),
        )
        for attempt in attempts
    ]
    columns = (Column("TRY", right=True), Column("AT"), Column("WORKER", least=8), Column("TOOK", right=True),
               Column("OUTCOME"))  # fmt: skip
    output.table(columns, rows)


def _pair(name: str, id_: str) -> str:
    return f"{name} ({id_})" if name and id_ and name != id_ else name or id_


def _at(epoch_s: float) -> str:
    """Local day and time to the millisecond."""
    return f"{time.strftime('%Y-%m-%d', time.localtime(epoch_s))} {clock_ms(epoch_s)}" if 0 < epoch_s < 1e11 else "–"


def _when(at: datetime) -> str:
    return _at(at.timestamp())
