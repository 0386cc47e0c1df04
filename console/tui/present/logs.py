"""A log entry to the lines that show it: columns when folded, the whole object when unfolded."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from console.format import Cell, Line, Tone, clock, clock_ms, fit, is_wider, number, safe, took, width_of, wrap
from console.loglines import DEBUG, ERROR, LEVELS, MAX_JSON, WARN, fields_of, parse
from console.tui.logbook import Entry, LogFilter
from console.tui.present.queue import short_id

LEVEL_TONES = {DEBUG: Tone.DIM, WARN: Tone.WARN, ERROR: Tone.BAD}
HUES = (Tone.HUE1, Tone.HUE2, Tone.HUE3, Tone.HUE4, Tone.HUE5)
MAX_FIELDS = 24
MAX_LINES = 400
SHOWN_TEXT = 4_000


@dataclass(frozen=True, slots=True)
class LogLook:
    """How lines are drawn. `times`: "ms", "s" or "" (none); `services`: every known name, for colours and widths."""

    times: str = "ms"
    wrap: bool = False
    services: tuple[str, ...] = ()
    who_width: int = 7
    regex: re.Pattern[str] | None = None


def hue(service: str, services: Sequence[str]) -> Tone:
    """The colour of a service."""
    return HUES[services.index(service) % len(HUES)] if service in services else Tone.DIM


def entry_lines(entry: Entry, look: LogLook, width: int) -> list[Line]:
    """The lines of an entry in `width` cells: one, or more when wrapped or unfolded."""
    prefix = _prefix(entry, look)
    used = sum(width_of(c.text) for c in prefix)
    room = max(width - used, 8)
    gist = _highlighted(_gist(entry), look.regex)
    if look.wrap:
        rows = wrapped(gist, room)
        lines: list[Line] = [(*prefix, *rows[0]), *((Cell(" " * used), *row) for row in rows[1:])]
    else:
        lines = [(*prefix, *_whole_fields(gist, room))]
    if entry.unfolded:
        lines += [(Cell("  " + " " * (used if width > 100 else 0)), *line) for line in unfolded(entry, width - 4)]
    return lines


def _prefix(entry: Entry, look: LogLook) -> Line:
    line = entry.line
    stamp = clock_ms(line.at) if look.times == "ms" else clock(line.at) if look.times else ""
    who = line.replica if line.replica and line.replica.startswith(line.service) else line.service
    level = LEVELS[entry.level]
    return (
        Cell(f"{stamp} " if stamp else "", Tone.DIM),
        Cell(fit(safe(who, 40), look.who_width) + " ", hue(line.service, look.services)),
        Cell(f"{level:<5} ", LEVEL_TONES.get(entry.level, Tone.DIM)),
    )


def _gist(entry: Entry) -> Line:
    parsed = parse(entry.line.text)
    tone = LEVEL_TONES.get(parsed.level, Tone.PLAIN)
    cut = (Cell(" … cut", Tone.DIM),) if entry.line.cut else ()
    if not parsed.event and not parsed.fields:
        return (Cell(safe(parsed.text, SHOWN_TEXT), tone), *cut)
    cells = [Cell(fit(safe(parsed.event, 120), 18) if parsed.fields else safe(parsed.event, 400), tone)]
    fields = parsed.fields
    if parsed.level >= WARN:  # what went wrong comes first where there is little room
        fields = tuple(sorted(fields, key=lambda field: field[0] not in ("error", "reason")))
    for name, value in fields[:MAX_FIELDS]:
        cells += _field(name, value)
    return (*cells, *cut)


def _field(name: str, value: Any) -> list[Cell]:
    if name == "took_ms" and isinstance(value, (int, float)):
        return [Cell(f"  {took(value / 1000)}", Tone.DIM)]
    if name == "took_s" and isinstance(value, (int, float)):
        return [Cell(f"  {took(value)}", Tone.DIM)]
    if name == "job_id" and isinstance(value, str):
        return [Cell("  job=", Tone.DIM), Cell(short_id(value))]
    if isinstance(value, bool) or value is None:
        text = {True: "yes", False: "no", None: "–"}[value]
    elif isinstance(value, float):
        text = f"{value:.4g}"
    elif isinstance(value, (int, str)):
        text = safe(value, 160)
    else:
        text = safe(msgspec.json.encode(value).decode(), 160)
    if " " in text:
        text = f'"{text}"'
    return [
        Cell(f"  {safe(name, 40)}=", Tone.DIM),
        Cell(text, Tone.WARN if name in ("error", "reason") else Tone.PLAIN),
    ]


def _whole_fields(cells: Line, room: int) -> Line:
    """`cells`, cut before a field of which little more than its name would be seen."""
    used = 0
    for index, (text, tone) in enumerate(cells):
        if index and tone is Tone.DIM and text.endswith("=") and used + width_of(text) + 6 > room:
            left = sum(width_of(cell.text) for cell in cells[index:])
            return cells if used + left <= room else (*cells[:index], Cell(" …", Tone.DIM))
        used += width_of(text)
    return cells


def _highlighted(cells: Line, regex: re.Pattern[str] | None) -> Line:
    if regex is None:
        return cells
    text = "".join(cell.text for cell in cells)[:SHOWN_TEXT]
    spans = [m.span() for _, m in zip(range(60), regex.finditer(text), strict=False) if m.end() > m.start()]
    if not spans:
        return cells
    out: list[Cell] = []
    at = 0
    for piece, tone in cells:
        end = at + len(piece)
        cursor = at
        for start, stop in spans:
            first, last = max(start, cursor), min(stop, end)
            if first < last:
                if first > cursor:
                    out.append(Cell(text[cursor:first], tone))
                out.append(Cell(text[first:last], Tone.MATCH))
                cursor = last
        if cursor < end:
            out.append(Cell(piece[cursor - at :], tone))
        at = end
    return tuple(out)


def wrapped(cells: Line, width: int) -> list[Line]:
    """A line broken into at most `MAX_LINES` lines of at most `width` cells."""
    rows: list[list[Cell]] = [[]]
    left = width
    for text, tone in cells:
        rest = text
        while rest:
            if not is_wider(rest, left):
                rows[-1].append(Cell(rest, tone))
                left -= width_of(rest)
                break
            head = wrap(rest, left, 1)[0] if left > 4 else ""
            if head:
                rows[-1].append(Cell(head, tone))
            if len(rows) >= MAX_LINES:
                return [tuple(row) for row in rows]
            rest = rest[len(head) :].lstrip(" ")
            rows.append([])
            left = width
    return [tuple(row) for row in rows]


def unfolded(entry: Entry, width: int) -> list[Line]:
    """The whole line: a JSON object indented, anything else wrapped."""
    text = entry.line.text
    if fields_of(text) is not None:
        pretty = msgspec.json.format(text[:MAX_JSON], indent=2)
        rows = [part for row in pretty.split("\n")[:MAX_LINES] for part in _indented(row, width)]
        return [_json_cells(row) for row in rows[:MAX_LINES]]
    return [(Cell(part),) for part in wrap(safe(text, 16_000), width, MAX_LINES)]


def _indented(row: str, width: int) -> Iterator[str]:
    indent = len(row) - len(row.lstrip(" "))
    parts = wrap(safe(row.strip(), 4_000), max(width - indent - 2, 10))
    for index, part in enumerate(parts):
        yield " " * (indent + (2 if index else 0)) + part


def _json_cells(row: str) -> Line:
    match = re.match(r'(\s*"(?:[^"\\]|\\.)*":)(.*)$', row)
    return (Cell(match[1], Tone.ACCENT), Cell(match[2])) if match else (Cell(row),)


SINCE = {0: "", 60: "1 min", 300: "5 min", 900: "15 min", 3600: "1 h"}


def bar(chosen: LogFilter, look: LogLook, width: int, *, since: str, shown: int, total: int, note: str) -> Line:
    """The line above the log: services, level, `since` in words, pattern, how many lines."""
    cells: list[Cell] = [Cell(" ")]
    for name in look.services:
        on = name not in chosen.hidden
        cells += [Cell(("■ " if on else "□ "), hue(name, look.services) if on else Tone.DIM)]
        cells += [Cell(safe(name, 24) + " ", Tone.PLAIN if on else Tone.DIM)]
    if chosen.level:
        cells.append(Cell(f"  level ≥ {LEVELS[chosen.level]}", Tone.ACCENT))
    if since:
        cells.append(Cell(f"  {since}", Tone.ACCENT))
    if chosen.pattern:
        cells.append(Cell(f"  {'!' if chosen.inverse else '/'}{safe(chosen.pattern, 80)}", Tone.ACCENT))
    count = f"{number(shown)} of {number(total)} lines" if not chosen.off else f"{number(total)} lines"
    right = Cell(f"  {note or count} ", Tone.WARN if note else Tone.DIM)
    room = width - width_of(right.text)
    out: list[Cell] = []
    for text, tone in cells:
        if width_of(text) > room:
            out.append(Cell(fit(text, room), tone))
            room = 0
            break
        out.append(Cell(text, tone))
        room -= width_of(text)
    return (*out, Cell(" " * room), right)
