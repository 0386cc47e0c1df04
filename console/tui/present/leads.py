"""Leads to rows, details and a trace. Masked unless revealed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from api.models import Attempt, Delivery, Lead, LeadDetails, Outcome
from console.format import Cell, Line, Tone, clock, clock_ms, fit, moment, number, safe, took, wrap
from console.masking import mask_email, mask_json, mask_name, mask_phone, mask_value
from console.tui.present.grid import Column, Row
from console.tui.present.queue import short_id

COLUMNS = (
    Column("stored", 8),
    Column("name", 10, grow=3),
    Column("e-mail", 14, grow=3),
    Column("phone", 13, grow=1, from_width=100),
    Column("form", 10, grow=3),
    Column("page", 10, grow=2, from_width=130),
    Column("campaign", 12, grow=3, from_width=150),
    Column("source", 6, from_width=90),
    Column("status", 7, from_width=60),
    Column("took", 6, right=True, from_width=65),
)


def none_yet(read_only: bool) -> str:
    """What an empty list says, with what can be done about it from here."""
    return "No leads yet." if read_only else "No leads yet. Send a test one: leadsctl send (or press T)."


def epoch(at: datetime | None) -> float:
    """Epoch seconds of a database time, 0 if there is none."""
    return at.timestamp() if at else 0.0


def lead_row(lead: Lead, now: float, *, revealed: bool = False) -> Row:
    """A lead in a list."""
    stored = epoch(lead.stored_at or lead.received_at)
    delay = (lead.stored_at - lead.received_at).total_seconds() if lead.stored_at else 0.0
    return Row(
        str(lead.id),
        (
            Cell(moment(stored, now)[:12], Tone.DIM),
            Cell((safe(lead.full_name, 120) if revealed else mask_name(lead.full_name)) or "–"),
            Cell((safe(lead.email, 120) if revealed else mask_email(lead.email)) or "–", Tone.DIM),
            Cell((safe(lead.phone, 60) if revealed else mask_phone(lead.phone)) or "–", Tone.DIM),
            Cell(safe(lead.form_name or lead.form_id, 80) or "–"),
            Cell(safe(lead.page_name or lead.page_id, 80) or "–", Tone.DIM),
            Cell(safe(lead.campaign_name or lead.campaign_id, 80) or "–", Tone.DIM),
            Cell(safe(lead.source, 12), Tone.DIM),
            _status(lead),
            Cell(took(delay) if lead.stored_at else "–", Tone.WARN if delay > 60 else Tone.PLAIN),
        ),
    )


def _status(lead: Lead) -> Cell:
    if lead.is_test:
        return Cell("test", Tone.DIM)
    status = safe(lead.status, 20)
    return Cell(status, Tone.OK if status == "stored" else Tone.WARN)


def title(lead: Lead, *, revealed: bool) -> str:
    """What a lead is called."""
    name = safe(lead.full_name, 80) if revealed else mask_name(lead.full_name)
    return f"{name or 'no name'} · {safe(lead.source, 12)} {safe(lead.external_id, 60)}"


def details(found: LeadDetails, width: int, *, revealed: bool, waiting: bool = False, error: str = "") -> list[Line]:
    """Fields, consent, trace and raw answer of a lead. `waiting`: its deliveries are not known."""
    lead = found.lead
    if lead is None:
        return [(Cell("This lead is not stored any more.", Tone.WARN),)]
    shown = safe if revealed else mask_value
    pairs = [
        ("name", safe(lead.full_name, 300) if revealed else mask_name(lead.full_name)),
        ("e-mail", safe(lead.email, 300) if revealed else mask_email(lead.email)),
        ("phone", _phone(lead) if revealed else mask_phone(lead.phone)),
        ("form", _named(lead.form_name, lead.form_id)),
        ("page", _named(lead.page_name, lead.page_id)),
        ("campaign", _named(lead.campaign_name, lead.campaign_id)),
        ("ad", _named(lead.ad_name, lead.ad_id)),
        ("platform", safe(lead.platform, 40)),
    ]
    label = 12
    lines = [line for name, text in pairs if text for line in _pair(name, text, label, width)]
    if error and waiting:
        lines += [(), _head("trace", "", width), *((Cell(p, Tone.BAD),) for p in wrap(f"✖ {error}", width))]
    elif waiting:
        lines += [(), _head("trace", "", width), (Cell("reading…", Tone.DIM),)]
    else:
        lines += [(), *trace(found, width)]
        lines += [(Cell(p, Tone.WARN),) for p in wrap(f"◐ not read again: {error}", width)] if error else []
    if lead.fields:
        lines += [(), _head("answers", "" if revealed else "masked · v reveal", width)]
        for name, values in list(lead.fields.items())[:60]:
            text = ", ".join(shown(v) for v in values[:20])
            lines += _pair(safe(name, 60), text or "–", min(24, width // 3), width)
    if lead.consent:
        lines += [(), _head("consent", "", width)]
        for name, yes in list(lead.consent.items())[:20]:
            mark = Cell("● yes" if yes else "○ no", Tone.OK if yes else Tone.DIM)
            lines.append((Cell(fit(safe(name, 80), min(24, width // 3)) + " ", Tone.DIM), mark))
    if lead.cleaned:
        lines.append((Cell("◐ characters that cannot be stored were replaced", Tone.WARN),))
    raw = safe(lead.raw, 4_000) if revealed else mask_json(lead.raw)
    lines += [(), _head("raw", "" if revealed else "masked · v reveal", width)]
    lines += [(Cell(part, Tone.DIM),) for part in wrap(raw, width)[:60]]
    return lines


def _phone(lead: Lead) -> str:
    same = lead.phone_e164 in ("", lead.phone)
    return safe(lead.phone, 80) if same else f"{safe(lead.phone, 80)} ({safe(lead.phone_e164, 40)})"


def _named(name: str, identity: str) -> str:
    shown = f"({safe(identity, 40)})" if identity and identity != name else ""
    return " ".join(part for part in (safe(name, 160), shown) if part)


def _head(name: str, note: str, width: int) -> Line:
    dashes = max(width - len(name) - len(note) - 4, 0)
    return (Cell(f"{name} ", Tone.STRONG), Cell("─" * dashes, Tone.RULE), Cell(f" {note}" if note else "", Tone.DIM))


def _pair(name: str, text: str, label: int, width: int) -> list[Line]:
    parts = wrap(text, max(width - label - 1, 10))[:6]
    return [(Cell(fit(name if not i else "", label) + " ", Tone.DIM), Cell(part)) for i, part in enumerate(parts)]


# --- trace -----------------------------------------------------------------------------------------------------------


def trace(found: LeadDetails, width: int) -> list[Line]:
    """One time line a delivery: request, attempts (with bars to scale), row."""
    if not found.deliveries:
        return [_head("trace", "", width), (Cell("No delivery is recorded for this lead.", Tone.DIM),)]
    lines: list[Line] = []
    for delivery in found.deliveries:
        attempts = [attempt for job_id, attempt in found.attempts if job_id == delivery.job_id]
        lines += [_head(f"trace {short_id(delivery.job_id)}", _ended(delivery), width)]
        lines += _delivery(delivery, attempts, width)
    return lines


def _ended(delivery: Delivery) -> str:
    return f"{delivery.outcome} in {took(delivery.took_s)}"


def _delivery(delivery: Delivery, attempts: Sequence[Attempt], width: int) -> list[Line]:
    start, end = epoch(delivery.received_at), epoch(delivery.finished_at)
    steps: list[tuple[float, str, str, Tone, float]] = [
        (start, "request", f"{safe(delivery.request_id, 60) or '–'}", Tone.PLAIN, 0.0),
        (start, "queued", f"as #{number(delivery.seq)}, {short_id(delivery.job_id)}", Tone.PLAIN, 0.0),
    ]
    before = start
    for attempt in attempts:
        if attempt.started_at - before > 1.0 and before > start:
            steps.append((before, "", f"waited {took(attempt.started_at - before)}", Tone.DIM, 0.0))
        name = f"attempt {attempt.n}" if attempt.n else "held back"
        text = f"{safe(attempt.worker, 30)}  {safe(attempt.error, 200) or 'done'}"
        steps.append((attempt.started_at, name, text, Tone.WARN if attempt.error else Tone.OK, attempt.took_s))
        before = attempt.started_at + attempt.took_s
    tone = Tone.OK if delivery.outcome is Outcome.STORED else Tone.WARN
    row = f"row #{number(delivery.lead_id)} by {safe(delivery.worker, 30) or '–'}" if delivery.lead_id else "no row"
    steps.append((end, str(delivery.outcome), row, tone, 0.0))
    bar_width = 24 if width >= 84 else 0
    lines: list[Line] = []
    for at, name, text, tone_of, lasted in steps:
        stamp = clock_ms(at) if name else " " * 12
        bar = _bar(at - start, lasted, max(end - start, 0.001), bar_width)
        room = max(width - 12 - 2 - 10 - 2 - bar_width - 1, 12)
        parts = wrap(text, room)[:3]
        for i, part in enumerate(parts):
            lead_in = (Cell(f"{stamp if not i else '':12}  ", Tone.DIM), Cell(fit(name if not i else "", 10) + "  "))
            lines.append((*lead_in, Cell(fit(part, room), tone_of), Cell(f" {bar if not i else ''}", Tone.ACCENT)))
    return lines


def _bar(offset_s: float, lasted_s: float, whole_s: float, width: int) -> str:
    if not width or not lasted_s:
        return ""
    first = min(int(offset_s / whole_s * width), width - 1)
    length = max(1, round(lasted_s / whole_s * width))
    return " " * max(first, 0) + "━" * min(length, width - first)


def day(at: datetime | None) -> str:
    """Local date and time of a database time."""
    return at.astimezone().strftime("%d %b %Y ") + clock(at.timestamp()) if at else "–"
