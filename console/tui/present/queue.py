"""The queue to a panel, to rows of jobs, to a job's details."""

from __future__ import annotations

from contextlib import suppress

import msgspec

from api.models import Attempt, JobState, JobView, QueueSnapshot
from console.cause import Cause, empty_in_s
from console.format import (
    Cell,
    Line,
    Tone,
    age,
    bars,
    clock,
    clock_ms,
    fit,
    flow,
    moment,
    number,
    rate,
    safe,
    short_number,
    took,
    width_of,
    wrap,
)
from console.history import QueueHistory
from console.masking import mask_json
from console.tui.present.grid import Column, Row

SPAN_S = 300.0
"""What the depth chart spans."""

JOB_COLUMNS = (
    Column("job", 11),
    Column("source", 6, from_width=90),
    Column("lead", 11, grow=2),
    Column("page", 6, grow=1, from_width=63),
    Column("age", 6, right=True),
    Column("attempt", 7, right=True, from_width=55),
    Column("worker", 10, from_width=90),
    Column("last error", 12, grow=6),
)
STATE_TITLES = {
    JobState.READY: "ready",
    JobState.IN_FLIGHT: "in flight",
    JobState.RETRY: "retry",
    JobState.STUCK: "stuck",
    JobState.DEAD: "dead",
    JobState.DISCARDED: "discarded",
}


def count_of(queue: QueueSnapshot, state: JobState) -> int:
    """How many jobs are in that state."""
    return int(getattr(queue, state.value.replace("-", "_")))


def panel(queue: QueueSnapshot, history: QueueHistory, cause: Cause, width: int, height: int) -> list[Line]:
    """The Overview's queue: a chart with its numbers, the states, the cause. In 4 lines there is nothing of ages."""
    depth = short_number(queue.depth)
    said = _said(cause, width, max(2, height - 3) if height < 9 else 2)
    chart_rows = max(1, min(6, height - 4 - len(said)))
    columns = max(width - 8, 8)
    values = history.depth.columns(columns, queue.taken_at, SPAN_S)
    top = max((v for v in values if v is not None), default=0.0)
    chart = bars(values, chart_rows, max(top, 8.0))
    lines: list[Line] = []
    for index, row in enumerate(chart):
        label = depth if index == chart_rows - 1 else short_number(top) if not index and chart_rows > 2 else ""
        tone = Tone.STRONG if index == chart_rows - 1 else Tone.DIM
        lines.append((Cell(row, Tone.CHART), Cell(fit(label, width - columns, right=True), tone)))
    lines.append(_states(queue, width))
    if height >= 9:
        lines.extend(_flow(history, queue, width))
    eta = empty_in_s(queue, history.rates)
    ages = [f"oldest {age(queue.oldest_ready_s)}"] if queue.ready else []
    if eta is not None:
        ages.append(f"empty in about {age(eta)}")
    if height >= 5:
        lines.append((Cell(" · ".join(ages), Tone.DIM),))
    return [*lines, *said]


def _said(cause: Cause, width: int, most: int) -> list[Line]:
    parts = wrap(cause.text, width - 2)
    if len(parts) > most:
        parts = [*parts[: most - 1], fit(" ".join(parts[most - 1 :]), width - 2)]
    tone = Tone.DIM if cause.tone is Tone.OK else cause.tone
    return [(Cell(f"{cause.shape} " if not i else "  ", cause.tone), Cell(part, tone)) for i, part in enumerate(parts)]


def _states(queue: QueueSnapshot, width: int) -> Line:
    spaced = " · " if width >= 36 else " "
    cells = []
    for name, count in (("ready", queue.ready), ("in flight", queue.in_flight), ("retry", queue.retry)):
        cells += [Cell(f"{name} ", Tone.DIM), Cell(short_number(count)), Cell(spaced, Tone.DIM)]
    return tuple(cells[:-1])


def _flow(history: QueueHistory, queue: QueueSnapshot, width: int) -> list[Line]:
    rates = history.rates
    columns = max(width - 16, 4)
    rings = (("▲ in", history.arriving, rates.arriving), ("▼ out", history.leaving, rates.leaving))
    drawn = [ring.columns(columns, queue.taken_at, SPAN_S) for _, ring, _ in rings]
    top = max((v for values in drawn for v in values if v is not None), default=1.0)
    return [
        (
            Cell(fit(name, 6), Tone.DIM),
            Cell(bars(values, 1, max(top * 1.3, 1.0))[0], Tone.CHART),
            Cell(fit(rate(now), width - columns - 6, right=True)),
        )
        for (name, _, now), values in zip(rings, drawn, strict=True)
    ]


# --- jobs ------------------------------------------------------------------------------------------------------------


def short_id(job_id: str) -> str:
    """An id in 11 cells: both ends tell ids apart."""
    text = safe(job_id, 64)
    return text if len(text) <= 11 else f"{text[:4]}…{text[-6:]}"


def short_lead(external_id: str) -> str:
    """A sender's id in 11 cells: the last digits tell ids apart."""
    text = safe(external_id, 80)
    return text if width_of(text) <= 11 else f"{text[:5]}…{text[-5:]}"


def job_row(view: JobView, now: float, *, wide: bool = False, max_attempts: int = 8) -> Row:
    """A job in the queue's table; `wide` leaves room for whole ids of leads."""
    job = view.job
    return Row(
        job.id,
        (
            Cell(short_id(job.id)),
            Cell(safe(job.source, 12), Tone.DIM),
            Cell(safe(job.external_id, 60) if wide else short_lead(job.external_id)),
            Cell(safe(job.page, 40) or "–", Tone.DIM),
            Cell(age(now - job.received_at), Tone.WARN if view.stuck else Tone.PLAIN),
            Cell(f"{job.attempt} of {max_attempts}" if job.attempt else "–", Tone.PLAIN if job.attempt else Tone.DIM),
            Cell(safe(view.worker, 40) or "–", Tone.DIM),
            _trouble(view, now),
        ),
    )


def _trouble(view: JobView, now: float) -> Cell:
    if view.stuck:
        return Cell(safe(view.stuck, 200), Tone.BAD)
    error = safe(view.error, 200)
    if view.state is JobState.RETRY:
        due = f"in {age(view.due_at - now)}" if view.due_at > now else "due"
        return Cell(f"{due}: {error}" if error else due, Tone.WARN)
    if error:
        return Cell(error, Tone.BAD if view.state is JobState.DEAD else Tone.PLAIN)
    return Cell("–", Tone.DIM)


def job_details(view: JobView, now: float, width: int, *, revealed: bool) -> list[Line]:
    """Times, attempts with their errors, payload."""
    job = view.job
    came: list[Line] = [
        (Cell("received ", Tone.DIM), Cell(clock_ms(job.received_at))),
        (Cell(f"{age(now - job.received_at)} ago", Tone.DIM),),
        (Cell("as ", Tone.DIM), Cell(f"#{number(job.seq)}")),
        (Cell("request ", Tone.DIM), Cell(safe(job.request_id, 60) or "–")),
    ]
    stands: list[Line] = [
        (Cell(f"{STATE_TITLES[view.state]} since ", Tone.DIM), Cell(moment(view.since, now))),
        *([(Cell(f"due {clock(view.due_at)}", Tone.WARN),)] if view.due_at else []),
        (Cell(f"{safe(job.source, 12)} ", Tone.DIM), Cell(safe(job.external_id, 80))),
        (Cell("form ", Tone.DIM), Cell(safe(job.form, 60) or "–")),
        (Cell("page ", Tone.DIM), Cell(safe(job.page, 60) or "–")),
    ]
    lines = [*flow(came, width), *flow(stands, width)]
    lines += [line for attempt in job.history for line in attempt_lines(attempt, width)]
    if view.state is JobState.IN_FLIGHT or (view.state is JobState.STUCK and view.worker):
        tone = Tone.BAD if view.stuck else Tone.ACCENT
        what = safe(view.stuck, 200) or f"in flight for {age(view.idle_s)}"
        lines.append(
            (Cell(f"{job.attempt or '·':>2}  ", Tone.DIM), Cell(f"{safe(view.worker, 30)}  "), Cell(what, tone))
        )
    elif view.stuck or (view.error and not (job.history and job.history[-1].error == view.error)):
        lines.extend((Cell(p, Tone.BAD),) for p in wrap(safe(view.stuck or view.error, 400), width)[:3])
    return lines + payload_lines(job.payload, width, revealed=revealed)


def attempt_lines(attempt: Attempt, width: int) -> list[Line]:
    """One attempt: number, time, worker, duration, error (wrapped under itself)."""
    head = (
        f"{attempt.n or '·':>2}  {clock(attempt.started_at)}  {fit(safe(attempt.worker, 30), 10)}  "
        f"{took(attempt.took_s):>6}  "
    )
    text = safe(attempt.error, 400) or "done"
    parts = wrap(text, max(width - len(head), 20))
    tone = Tone.WARN if attempt.error else Tone.OK
    return [(Cell(head if not i else " " * len(head), Tone.DIM), Cell(part, tone)) for i, part in enumerate(parts[:4])]


def payload_lines(payload: str, width: int, *, revealed: bool) -> list[Line]:
    """The payload, masked unless revealed."""
    if not revealed:
        text, note = mask_json(payload), "payload, masked (v reveal) "
    else:
        text, note = safe(payload, 8_000), "payload "
    parts = wrap(note + text, width)
    first = parts[0][len(note) :] if len(parts[0]) > len(note) else ""
    return [(Cell(note, Tone.DIM), Cell(first)), *((Cell(part),) for part in parts[1:])]


def pretty(payload: str) -> str:
    """A payload for editing: indented if it is JSON, and what cannot be shown written as JSON escapes it (\\u202e)."""
    with suppress(msgspec.MsgspecError, UnicodeEncodeError):
        payload = msgspec.json.format(payload, indent=2)
    return "".join(char if char == "\n" or safe(char) == char else _escaped(char) for char in payload)


def _escaped(char: str) -> str:
    code = ord(char)
    if code > 0xFFFF:
        code -= 0x10000
        return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
    return f"\\u{code:04x}"
