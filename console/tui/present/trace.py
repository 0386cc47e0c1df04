"""The way of a lead to rows: one time line a job, gaps said, bars to scale where there is room."""

from __future__ import annotations

from collections.abc import Sequence

from api.models import Lead
from console import loglines
from console.format import Cell, Line, Tone, clock_ms, safe, took, wrap
from console.masking import mask_email, mask_name
from console.trace import JobTrace, Kind, Step, Trace
from console.tui.present.grid import Column, Row

BAR = 24
GAP_S = 1.0
"""A gap that is worth a row of its own."""
COLUMNS = (
    Column("time", 12),
    Column("since", 8, right=True),
    Column("what", 9),
    Column("", 20, grow=1),
    Column("", BAR, from_width=110),
)


def heading(found: Trace, *, revealed: bool) -> str:
    """Whose trace it is: the lead, or the job while there is no row."""
    if found.leads:
        return lead_name(found.leads[-1], revealed=revealed)
    return f"{safe(found.jobs[-1].source, 12)} {safe(found.jobs[-1].external_id, 60)}" if found.jobs else ""


def lead_name(lead: Lead, *, revealed: bool) -> str:
    """Name, address and form of a lead in one line."""
    name = safe(lead.full_name, 80) if revealed else mask_name(lead.full_name)
    email = safe(lead.email, 120) if revealed else mask_email(lead.email)
    form = safe(lead.form_name or lead.form_id, 60)
    parts = (name or "no name", email, form)
    return " · ".join(part for part in parts if part)


def outcome(job: JobTrace) -> Cell:
    """How it ended, or where it is, and after how long."""
    tone = Tone.OK if job.place == "stored" else Tone.WARN
    return Cell(f"{safe(job.place, 20)} {'in' if job.ended else 'after'} {took(job.took_s)}", tone)


def rows(found: Trace) -> list[Row]:
    """Every job's time line, the oldest first. Keys are "JOB/NUMBER" of a step, "JOB/gap NUMBER" and "JOB"."""
    out: list[Row] = []
    for job in found.jobs:
        if len(found.jobs) > 1:
            head = Cell(f"job {safe(job.job_id, 40)}", Tone.STRONG)
            out.append(Row(job.job_id, (Cell(""), Cell(""), Cell("job", Tone.STRONG), head, outcome(job))))
        out += _job(job)
    return out


def _job(job: JobTrace) -> list[Row]:
    out: list[Row] = []
    start = job.steps[0].at
    whole = max([job.took_s, *(step.at + step.took_s - start for step in job.steps if step.kind is not Kind.LOG)])
    for n, step in enumerate(job.steps):
        if step.gap_s >= GAP_S:
            text = Cell(f"{took(step.gap_s)} in which nothing happened", Tone.DIM)
            out.append(Row(f"{job.job_id}/gap {n}", (Cell(""), Cell(""), Cell("…", Tone.DIM), text, Cell(""))))
        lasted = f"  {took(step.took_s)}" if step.took_s else ""
        out.append(
            Row(
                f"{job.job_id}/{n}",
                (
                    Cell(clock_ms(step.at), Tone.DIM),
                    Cell(f"+{took(max(step.at - start, 0.0))}", Tone.DIM),
                    Cell(name_of(step, job), Tone.DIM if step.kind is Kind.LOG else Tone.STRONG),
                    Cell(safe(step.text, 300) + lasted, tone_of(step, job)),
                    Cell(_bar(step, start, whole), Tone.ACCENT),
                ),
            )
        )
    return out


def name_of(step: Step, job: JobTrace) -> str:
    """What a step is called: a log line by its service, the end by its outcome."""
    if step.kind is Kind.LOG:
        return safe(step.service, 9)
    return safe(job.place, 9) if step.kind in (Kind.END, Kind.PLACE) else step.kind.value


def tone_of(step: Step, job: JobTrace) -> Tone:
    """Trouble stands out, log lines stand back."""
    if step.level >= loglines.ERROR:
        return Tone.BAD
    if step.level >= loglines.WARN:
        return Tone.WARN
    if step.kind is Kind.END:
        return Tone.OK if job.place == "stored" else Tone.WARN
    return Tone.DIM if step.kind is Kind.LOG else Tone.PLAIN


def _bar(step: Step, start: float, whole_s: float) -> str:
    """Where a step that lasted stands between request and end."""
    if not step.took_s or whole_s <= 0:
        return ""
    first = min(int((step.at - start) / whole_s * BAR), BAR - 1)
    length = max(1, round(step.took_s / whole_s * BAR))
    return " " * max(first, 0) + "━" * min(length, BAR - first)


def step_of(found: Trace, key: str) -> tuple[JobTrace, Step | None] | None:
    """The job, and the step if there is one, that a row's key stands for."""
    job_id, _, n = key.partition("/")
    job = next((job for job in found.jobs if job.job_id == job_id), None)
    if job is None:
        return None
    return job, job.steps[int(n)] if n.isdecimal() and int(n) < len(job.steps) else None


def whole_step(job: JobTrace, step: Step, width: int) -> Sequence[Line]:
    """One step in full."""
    pairs = (("job", job.job_id), ("lead", f"{job.source} {job.external_id}"), ("request", job.request_id))
    head = [(Cell(f"{name:<9}", Tone.DIM), Cell(safe(text, 200) or "–")) for name, text in pairs]
    when = f"{clock_ms(step.at)}  {name_of(step, job)}" + (f"  took {took(step.took_s)}" if step.took_s else "")
    body = [(Cell(part, tone_of(step, job)),) for part in wrap(safe(step.text, 8_000), width)]
    return [*head, (), (Cell(when, Tone.DIM),), *body]
