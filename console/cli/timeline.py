"""Draws a trace for a person on the command line: one time line a job, gaps of a second or more said."""

from __future__ import annotations

from api.models import Lead
from console import loglines
from console.cli import terminal
from console.cli.output import Output
from console.format import Cell, Tone, clock_ms, fit, safe, took, wrap
from console.masking import mask_email, mask_name
from console.trace import JobTrace, Kind, Step, Trace

GAP_S = 1.0
"""A gap that is worth a line of its own."""
_NAME = 10
_AT = 12
_SINCE = 9


def show_trace(output: Output, found: Trace, *, reveal: bool) -> None:
    """The leads, then each job's time line."""
    for lead in found.leads:
        output.line(*_lead(lead, reveal=reveal))
    for n, job in enumerate(found.jobs):
        if n or found.leads:
            output.line()
        _show_job(output, job)


def _lead(lead: Lead, *, reveal: bool) -> tuple[Cell | str, ...]:
    name = safe(lead.full_name, 200) if reveal else mask_name(lead.full_name)
    email = safe(lead.email, 320) if reveal else mask_email(lead.email)
    form = safe(lead.form_name or lead.form_id, 80)
    rest = "  ".join(filter(None, (name, email, form)))
    return (Cell(f"lead {lead.id}", Tone.STRONG), f"  {rest}", Cell("  test" if lead.is_test else "", Tone.WARN))


def _show_job(output: Output, job: JobTrace) -> None:
    tone = Tone.OK if job.place == "stored" else Tone.WARN
    output.line(
        Cell(f"job {safe(job.job_id, 40)}", Tone.STRONG),
        f"  {safe(job.source, 20)} {safe(job.external_id, 60)}  ",
        Cell(f"{job.place} {'in' if job.ended else 'after'} {took(job.took_s)}", tone),
    )
    width = terminal.width(output.stream)
    start = job.steps[0].at
    for step in job.steps:
        if step.gap_s >= GAP_S:
            output.line(Cell(f"{'':{_AT}}  {'':{_SINCE}}  … {took(step.gap_s)} in which nothing happened", Tone.DIM))
        _show_step(output, step, start, width)


def _show_step(output: Output, step: Step, start: float, width: int | None) -> None:
    name = step.service if step.kind is Kind.LOG else step.kind.value
    lasted = f" ({took(step.took_s)})" if step.took_s else ""
    indent = _AT + 2 + _SINCE + 2 + _NAME + 1
    parts = wrap(step.text + lasted, max(width - indent, 20)) if width else [step.text + lasted]
    since = f"+{took(max(step.at - start, 0.0))}"
    faint = Tone.DIM if step.kind is Kind.LOG else Tone.STRONG
    output.line(
        Cell(clock_ms(step.at), Tone.DIM),
        f"  {since:>{_SINCE}}  ",
        Cell(fit(safe(name, _NAME), _NAME) + " ", faint),
        Cell(parts[0], _tone(step)),
    )
    for part in parts[1:]:
        output.line(" " * indent, Cell(part, _tone(step)))


def _tone(step: Step) -> Tone:
    if step.level >= loglines.ERROR:
        return Tone.BAD
    if step.level >= loglines.WARN:
        return Tone.WARN
    if step.kind is Kind.END:
        return Tone.OK
    return Tone.DIM if step.kind is Kind.LOG else Tone.PLAIN
