"""The two lines above every screen: the stack and its figures; the screens, how old the readings are, the time."""

from __future__ import annotations

from collections.abc import Sequence

from console.format import Cell, Line, Tone, age, clock, fit, line_width, number, rate, safe, short_number
from console.history import Rates
from console.tui.present.services import overall
from console.tui.present.supply import LIVE_S, Supply, freshness
from console.tui.state import STALE_AFTER_S, Kind, Known

SHOWN = (Kind.STACK, Kind.QUEUE, Kind.LEADS)


SHAPES = ("whole", "short", "tight", "snug", "bare")


def figures(known: Known, width: int) -> Line:
    """The first line. What there is no room for is shortened, then left out, the least telling first."""
    lines = (_figures(known, shape) for shape in SHAPES)
    return next((line for line in lines if line_width(line) <= width), _figures(known, "bare"))


def _figures(known: Known, shape: str) -> Line:
    stack, queue, leads = known.stack.value, known.queue.value, known.leads.value
    roomy = shape in ("whole", "short")
    gap = Cell("   " if shape == "whole" else "  ")
    runtime = safe(stack.runtime, 20) if stack else "…"
    where = f" · {runtime}" if roomy else f"·{runtime}" if shape != "bare" else ""
    parts: list[Line] = [(Cell(f" {safe(known.title, 30)}", Tone.STRONG), Cell(where, Tone.DIM)), (_health(known),)]
    if queue is None:
        parts.append((Cell("queue –", Tone.DIM),))
    elif _old(known, Kind.QUEUE):  # the last good figures, greyed; what flows now is not known
        figure = f"queue {fit(short_number(queue.depth), 6, right=True)}"
        flow = ("  ▲      –  ▼      –" if roomy else " ▲   – ▼   –") if shape != "bare" else ""
        parts.append((Cell(figure + flow, Tone.DIM),))
        between = "  " if roomy else " "
        parts.append((Cell(f"stuck {short_number(queue.stuck)}{between}dead {short_number(queue.dead)}", Tone.DIM),))
    else:
        depth = (Cell("queue ", Tone.DIM), Cell(fit(short_number(queue.depth), 6, right=True), Tone.STRONG))
        parts.append((*depth, *_flow(known.history.rates, roomy=roomy)) if shape != "bare" else depth)
        parts.append(
            (
                Cell("stuck ", Tone.DIM),
                Cell(short_number(queue.stuck), Tone.BAD if queue.stuck else Tone.DIM),
                Cell("  dead " if roomy else " dead ", Tone.DIM),
                Cell(short_number(queue.dead), Tone.WARN if queue.dead else Tone.DIM),
            )
        )
    tone = Tone.DIM if _old(known, Kind.LEADS) else Tone.STRONG
    if leads is not None and roomy:
        parts.append((Cell("today ", Tone.DIM), Cell(number(leads.today), tone)))
    elif leads is not None and shape == "tight":
        parts.append((Cell(short_number(leads.today), tone), Cell(" today", Tone.DIM)))
    out: list[Cell] = []
    for part in parts:
        out += [*part, gap]
    return tuple(out[:-1])


def _old(known: Known, kind: Kind) -> bool:
    """Whether what is known of that kind may not hold any more."""
    return known.health(kind).supply in (Supply.FAILED, Supply.STALE)


def _flow(rates: Rates, *, roomy: bool) -> Line:
    """Jobs a second in and out, in a width that does not change with them."""
    if roomy:
        return (Cell(f"  ▲{fit(rate(rates.arriving), 7, right=True)}  ▼{fit(rate(rates.leaving), 7, right=True)}"),)
    arriving, leaving = (fit(rate(r).removesuffix("/s"), 4, right=True) for r in (rates.arriving, rates.leaving))
    return (Cell(f" ▲{arriving} ▼{leaving}"),)


def _health(known: Known) -> Cell:
    if known.stack.error:
        return Cell("✖ unreachable", Tone.BAD)
    if known.queue.value is not None and known.queue.value.paused:
        return Cell("◐ paused", Tone.WARN)
    now = overall(known.stack.value)
    return Cell(f"⧖ {now.text[2:]}", Tone.DIM) if _old(known, Kind.STACK) else now


TABS = ("Overview", "Logs", "Queue", "Leads", "Volumes", "Activity")
WHOLE = 72
"""From so many cells on there is room for all their names beside the clock."""


def tabs(current: str, width: int) -> tuple[Line, list[tuple[int, int, str]]]:
    """The screens with their keys, and where each stands: (first cell, end, name)."""
    gap = "  " if width >= 96 else " "
    cells: list[Cell] = [Cell(" ")]
    spans = []
    at = 1
    for key, name in enumerate(TABS, 1):
        here = name.lower() == current
        shown = name if here or width >= WHOLE else name[:3]
        text = f"{key} {shown}"
        cells += [Cell(f"{key} ", Tone.KEY), Cell(shown, Tone.TAB if here else Tone.DIM), Cell(gap)]
        spans.append((at, at + len(text), name.lower()))
        at += len(text) + len(gap)
    return tuple(cells), spans


def ages(known: Known, width: int) -> Line:
    """How old the readings are, and the clock; in a narrow space the oldest one only."""
    now = known.now()
    time = Cell(f"  {clock(now)} ")
    each = [freshness(kind.value, known.reading(kind), now, STALE_AFTER_S[kind]) for kind in SHOWN]
    if width >= 46:
        return (*_joined(each), time)
    bad = [cell for cell in each if cell.tone in (Tone.BAD, Tone.WARN)]
    if bad:
        return (Cell(fit(bad[0].text, max(width - 11, 0)).rstrip(), bad[0].tone), time)
    if any(known.health(kind).supply is not Supply.FRESH for kind in SHOWN):
        return (Cell("reading…", Tone.DIM), time)
    oldest = max(now - known.reading(kind).taken_at for kind in SHOWN)
    said = "live" if oldest < LIVE_S else f"read {age(oldest)} ago" if width >= 24 else age(oldest)
    return (Cell(said, Tone.DIM), time)


def _joined(cells: Sequence[Cell]) -> Line:
    out: list[Cell] = []
    for cell in cells:
        out += [cell, Cell(" · ", Tone.DIM)]
    return tuple(out[:-1])
