"""What was done and what came to pass, to rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from console.format import Cell, Tone, clock, moment, safe
from console.tui.present.grid import Column, Row
from console.tui.state import Doing, Happening

if TYPE_CHECKING:
    from api.store.records import OperatorAction

COLUMNS = (
    Column("time", 8),
    Column("who", 8, grow=1),
    Column("what", 10),
    Column("target", 10, grow=2, from_width=64),
    Column("", 20, grow=6),
)
_SHAPES = {Tone.BAD: "✖", Tone.WARN: "◐", Tone.OK: "●"}


SAME_S = 5.0
"""A verb of this session and its record in the store are this close."""
SAME_LENGTH = 1_000
"""Characters of a target that are compared: the store cuts long ones."""


def recorded(actions: Iterable[OperatorAction], happenings: Iterable[Happening]) -> list[Happening]:
    """What the store has recorded, without what this session did itself. Ids are negative.

    Each thing done here stands for one record at most: somebody else may have done the same at the same moment.
    """
    left: dict[tuple[str, str], list[OperatorAction]] = {}
    for action in actions:
        left.setdefault((_what(action), safe(action.target, SAME_LENGTH)), []).append(action)
    for done in happenings:
        if done.source == "you" and done.record is not None:
            same = left.get((done.what, safe(done.record, SAME_LENGTH)), [])
            near = [action for action in same if abs(action.at.timestamp() - done.at) < SAME_S]
            if near:
                same.remove(min(near, key=lambda action: _unlike(action, done)))
    return [
        Happening(action.at.timestamp(), safe(action.who, 60), what, safe(action.target, 120), safe(action.result, 400),
                  id=-action.id)
        for (what, _), same in left.items()
        for action in same
    ]  # fmt: skip


def _what(action: OperatorAction) -> str:
    return safe(action.what, 40).replace("-", " ")


def _unlike(action: OperatorAction, done: Happening) -> tuple[bool, float]:
    other = not done.text.startswith(safe(action.result, 400))
    return other, abs(action.at.timestamp() - done.at)


def matching(happenings: Iterable[Happening], text: str) -> list[Happening]:
    """Those that have every word of `text` somewhere, newest first."""
    words = text.lower().split()
    found = [h for h in happenings if all(w in f"{h.source} {h.what} {h.target} {h.text}".lower() for w in words)]
    return sorted(found, key=lambda h: (h.at, h.id), reverse=True)


def activity_rows(happenings: Iterable[Happening], doing: Iterable[Doing], now: float) -> list[Row]:
    """In the order given; what is still under way on top. What is not of today has its day."""
    rows = [_under_way(d, now) for d in doing]
    rows.extend(
        Row(
            str(h.id),
            (
                Cell(moment(h.at, now)[:12], Tone.DIM),
                Cell(h.source, Tone.ACCENT if h.source == "you" else Tone.DIM),
                Cell(h.what),
                Cell(h.target, Tone.STRONG),
                Cell(f"{_SHAPES.get(h.tone, '·')} {h.text}" if h.text else "", h.tone),
            ),
        )
        for h in happenings
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
