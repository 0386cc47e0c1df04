"""What was done and what came to pass, to rows."""

from __future__ import annotations

from collections.abc import Iterable

from console.format import Cell, Tone, clock, safe
from console.tui.present.grid import Column, Row
from console.tui.state import Doing, Happening

COLUMNS = (
    Column("time", 8),
    Column("who", 7),
    Column("what", 10),
    Column("target", 10, grow=2),
    Column("", 20, grow=6),
)
_SHAPES = {Tone.BAD: "✖", Tone.WARN: "◐", Tone.OK: "●"}


def activity_rows(happenings: Iterable[Happening], doing: Iterable[Doing], now: float) -> list[Row]:
    """Newest first; what is still under way on top."""
    rows = [_under_way(d, now) for d in doing]
    rows.extend(
        Row(
            str(h.id),
            (
                Cell(clock(h.at), Tone.DIM),
                Cell(h.source, Tone.ACCENT if h.source == "you" else Tone.DIM),
                Cell(h.what),
                Cell(h.target, Tone.STRONG),
                Cell(f"{_SHAPES.get(h.tone, '·')} {h.text}" if h.text else "", h.tone),
            ),
        )
        for h in reversed(list(happenings))
    )
    return rows


def _under_way(doing: Doing, now: float) -> Row:
    step = doing.step
    text = safe(step.text, 200) if step else "begun"
    if step and step.total:
        text += f" ({step.done} of {step.total})"
    return Row(
        f"doing-{doing.id}",
        (
            Cell(clock(doing.started_at), Tone.DIM),
            Cell("you", Tone.ACCENT),
            Cell("under way", Tone.ACCENT),
            Cell(doing.label, Tone.STRONG),
            Cell(f"◐ {text} · {now - doing.started_at:.0f} s", Tone.ACCENT),
        ),
    )
