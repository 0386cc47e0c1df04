"""Turns values into what a terminal may show: safe text, numbers, times, shapes. Pure; no toolkit.

Everything that came from outside goes through `safe` before it is shown anywhere. Colour is a `Tone`: what a cell
means, not how it looks; the front end maps it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from api import words
from api.models import JobState
from console.snapshots import State


class Tone(StrEnum):
    """What a piece of text means."""

    PLAIN = "plain"
    DIM = "dim"
    STRONG = "strong"
    ACCENT = "accent"
    OK = "ok"
    WARN = "warn"
    BAD = "bad"
    KEY = "key"
    MATCH = "match"
    CHART = "chart"
    FRAME = "frame"
    RULE = "rule"
    TAB = "tab"
    DANGER = "danger"
    HUE1 = "hue1"
    HUE2 = "hue2"
    HUE3 = "hue3"
    HUE4 = "hue4"
    HUE5 = "hue5"


class Cell(NamedTuple):
    """A piece of text that is safe to show, with its meaning."""

    text: str
    tone: Tone = Tone.PLAIN


Line = tuple[Cell, ...]
"""One line to draw, left to right."""

# --- words that the service says too ---------------------------------------------------------------------------------

ELLIPSIS = words.ELLIPSIS
MAX_TEXT = words.MAX_TEXT
safe = words.safe
number = words.number
rate = words.rate
age = words.age
clock = words.clock

# --- width -----------------------------------------------------------------------------------------------------------


def fit(text: str, width: int, *, right: bool = False) -> str:
    """`text` (already safe) in exactly `width` terminal cells: padded, or cut with an ellipsis."""
    if width <= 0:
        return ""
    text = _beginning(text, width)
    length = cell_len(text)
    if length > width:
        text = set_cell_size(text, width - 1).rstrip(" ") + ELLIPSIS
        length = cell_len(text)
    padding = " " * (width - length)
    return padding + text if right else text + padding


def width_of(text: str) -> int:
    """How many terminal cells `text` takes."""
    return cell_len(text)


def line_width(line: Line) -> int:
    """How many terminal cells a line takes."""
    return sum(cell_len(cell.text) for cell in line)


def is_wider(text: str, width: int) -> bool:
    """Whether `text` takes more than `width` terminal cells. As quick for a long text as for a short one."""
    return cell_len(_beginning(text, width)) > width


def _beginning(text: str, width: int) -> str:
    """So much of a text that what fits in `width` cells can be told from it: the toolkit looks at every character."""
    near = text[: 4 * width + 32]
    return near if cell_len(near) > width + 2 else text


def wrap(text: str, width: int, limit: int = 1_000) -> list[str]:
    """`text` (already safe) broken into lines of at most `width` cells, at spaces where there are some."""
    width = max(width, 1)
    lines: list[str] = []
    while text and len(lines) < limit:
        near = _beginning(text, width)
        if cell_len(near) <= width:
            lines.append(text)
            break
        head = set_cell_size(near, width)
        if not text.startswith(head):  # a wide character stood on the edge and was replaced by a space
            head = head[:-1]
        head = head or text[0]
        space = head.rfind(" ")
        if space > width // 3 and not text[len(head) :].startswith(" "):
            head = head[: space + 1]
        lines.append(head.rstrip(" "))
        text = text[len(head) :].lstrip(" ")
    return lines or [""]


def with_hint(text: str, hint: str) -> str:
    """What happened and what to do about it (both safe), as two sentences in one line."""
    if not hint:
        return text
    named = hint.startswith("leadsctl ")
    return f"{text.rstrip('.')}. {hint if named else hint[0].upper() + hint[1:]}"


_WORDS = re.compile(r" *[^ ]+| +")


def wrap_line(line: Line, width: int) -> list[Line]:
    """A line of cells broken at spaces into lines of at most `width` terminal cells; a longer word where it must be."""
    if line_width(line) <= width:
        return [line]
    rows: list[list[Cell]] = [[]]
    left = width = max(width, 1)
    for text, tone in line:
        for word in _WORDS.findall(text):
            if rows[-1] and cell_len(word) > left:
                rows.append([])
                left = width
            parts = wrap(word if rows[-1] else word.lstrip(" "), width)
            for number_in_word, part in enumerate(parts):
                if number_in_word:
                    rows.append([])
                if rows[-1] and rows[-1][-1].tone == tone:
                    rows[-1][-1] = Cell(rows[-1][-1].text + part, tone)
                else:
                    rows[-1].append(Cell(part, tone))
            left = width - sum(cell_len(cell.text) for cell in rows[-1])
    return [tuple(row) for row in rows]


def flow(facts: Sequence[Line], width: int) -> list[Line]:
    """Facts beside one another, a dot between them, on lines of at most `width` cells: none is broken that fits one."""
    rows: list[Line] = []
    for fact in facts:
        begun = (*rows[-1], Cell(" · ", Tone.DIM), *fact) if rows else fact
        if rows and line_width(begun) <= width:
            rows[-1] = begun
        else:
            rows += wrap_line(fact, width)
    return rows


# --- numbers and times -----------------------------------------------------------------------------------------------


def short_number(value: float) -> str:
    """At most six characters: 99999 → "99,999", 1234567 → "1.2 M"."""
    if abs(value) < 100_000:
        return f"{value:,.0f}"
    for unit in ("k", "M", "G"):
        value /= 1000
        if abs(value) < 999.5 or unit == "G":
            return f"{value:.0f} {unit}" if abs(value) >= 100 else f"{value:.1f} {unit}"
    return ""  # unreachable: the loop returns at "G"


def took(seconds: float) -> str:
    """How long something took: "4 ms", "0.8 s", "12 s", "3 min"."""
    if seconds < 0.0995:
        return f"{max(seconds, 0) * 1000:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 9.95 else age(seconds)


def size(count: float | None) -> str:
    """Bytes: "84 MB", "4.2 GB"; unknown is "–"."""
    if count is None:
        return "–"
    value = float(max(count, 0))
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 999.5 or unit == "TB":
            return f"{value:.1f} {unit}" if value < 9.95 and unit not in ("B", "kB") else f"{value:,.0f} {unit}"
        value /= 1000
    return ""  # unreachable: the loop returns at "TB"


def percent(value: float | None) -> str:
    """Of one core or a whole: "3 %"; unknown is "–"."""
    return "–" if value is None else f"{value:,.0f} %"


def clock_ms(epoch_s: float) -> str:
    """Local time of day to the millisecond: "12:04:31.120"; 0 is "–"."""
    if not 0 < epoch_s < 1e11:
        return "–"
    milliseconds = int(epoch_s * 1000 + 0.01)  # a float just below a whole one is meant to be that
    return f"{clock(milliseconds / 1000)}.{milliseconds % 1000:03d}"


def moment(epoch_s: float, now: float) -> str:
    """The time of day if it is within 20 h of `now`, else day and time: "24 Nov 12:04"; 0 is "–"."""
    if abs(now - epoch_s) < 72_000 or not 0 < epoch_s < 1e11:
        return clock(epoch_s)
    return time.strftime("%d %b %H:%M", time.localtime(epoch_s))


# --- shapes ----------------------------------------------------------------------------------------------------------

_STATES: dict[State, tuple[str, Tone]] = {
    State.FAILED: ("✖", Tone.BAD),
    State.UNHEALTHY: ("✖", Tone.BAD),
    State.RESTARTING: ("◐", Tone.WARN),
    State.STARTING: ("◐", Tone.WARN),
    State.STOPPING: ("◐", Tone.WARN),
    State.STOPPED: ("○", Tone.DIM),
    State.ABSENT: ("○", Tone.DIM),
    State.RUNNING: ("●", Tone.OK),
    State.HEALTHY: ("●", Tone.OK),
}
_JOB_STATES: dict[JobState, tuple[str, Tone]] = {
    JobState.READY: ("●", Tone.PLAIN),
    JobState.IN_FLIGHT: ("◐", Tone.ACCENT),
    JobState.RETRY: ("◐", Tone.WARN),
    JobState.STUCK: ("✖", Tone.BAD),
    JobState.DEAD: ("✖", Tone.BAD),
    JobState.DISCARDED: ("○", Tone.DIM),
}


def state_shape(state: State) -> Cell:
    """The mark of a service's or replica's state."""
    return Cell(*_STATES[state])


def job_shape(state: JobState) -> Cell:
    """The mark of a job's state."""
    return Cell(*_JOB_STATES[state])


_BARS = " ▁▂▃▄▅▆▇█"


def bars(values: Sequence[float | None], height: int = 1, top: float = 0.0) -> list[str]:
    """A chart `height` lines high, one column a value; unknown (None) is a gap, and anything above zero shows.

    `top` is the value of a full column; 0: the greatest of `values`.
    """
    top = top or max((v for v in values if v is not None), default=0.0)
    steps = 8 * height
    levels = [
        -1 if v is None else 0 if v <= 0 or top <= 0 else max(1, min(steps, round(v / top * steps))) for v in values
    ]
    rows = []
    for row in range(height - 1, -1, -1):
        floor = "▁" if row == 0 else " "
        rows.append("".join(" " if n < 0 else (_BARS[min(8, n - row * 8)] if n > row * 8 else floor) for n in levels))
    return rows
