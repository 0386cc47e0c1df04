"""Tells how far a backfill is: each form by the time it went back, many forms by how many are done."""

from __future__ import annotations

import time
from collections.abc import Sequence

from api import fields
from api.graph import GraphLead
from console.backfill.patience import Emit
from console.backfill.records import Count
from console.format import number, safe
from console.snapshots import Progress

MOST_ROWS = 6
"""Forms that have a line each."""

_RENEW_S = 5.0
"""Figures in a line's text are renewed so often: off a terminal each new text is a new line."""

_HOUR_S = 3_600.0


class Told:
    """Emits steps. The Graph API does not say how many leads there are: time is what can be measured."""

    def __init__(self, emit: Emit, counts: Sequence[Count], since: float) -> None:
        self._emit = emit
        self._counts = counts
        self._began = time.time()
        self._hours = max(1, round((self._began - since) / _HOUR_S))
        self._texts: dict[str, tuple[str, float]] = {}

    def moved(self, count: Count, leads: Sequence[GraphLead]) -> None:
        """These leads of a form have been dealt with."""
        if len(self._counts) > MOST_ROWS:
            self._together()
            return
        last = next((at for lead in reversed(leads) if (at := fields.time_of(lead.data.get("created_time")))), None)
        back = round((self._began - last.timestamp()) / _HOUR_S) if last else 0
        text = self._text(count.form, f"{_named(count)}: {_figures([count])}; hours gone back")
        self._emit(Progress(text, service=count.form, done=min(max(back, 0), self._hours), total=self._hours))

    def ended(self, count: Count) -> None:
        """A form is done, or was given up."""
        if len(self._counts) > MOST_ROWS:
            self._together()
            if not count.error:
                return
        text = f"{_named(count)}: {count.error or _figures([count])}"
        self._emit(Progress(text, service=count.form, ok=not count.error))

    def _together(self) -> None:
        done = sum(bool(count.done or count.error) for count in self._counts)
        text = self._text("", f"{_figures(self._counts)}; forms done")
        ok = True if done == len(self._counts) else None
        self._emit(Progress(text, service="leads", done=done, total=len(self._counts), ok=ok))

    def _text(self, row: str, text: str) -> str:
        known, at = self._texts.get(row, ("", 0.0))
        if known and time.monotonic() - at < _RENEW_S:
            return known
        self._texts[row] = text, time.monotonic()
        return text


def _named(count: Count) -> str:
    return safe(count.name, 60) or "form"


def _figures(counts: Sequence[Count]) -> str:
    read = sum(count.read for count in counts)
    return f"{number(read)} read, {number(sum(count.missing for count in counts))} of them missing"
