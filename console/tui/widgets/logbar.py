"""The line above the log: what is shown of it, and a word about what has just been done."""

from __future__ import annotations

from textual.timer import Timer

from console.format import clock, safe
from console.tui.present.logs import SINCE, bar
from console.tui.widgets.lines import OneLine
from console.tui.widgets.logpane import LogPane

NOTE_S = 2.5
"""How long a word stays."""


class LogBar(OneLine):
    """Says what a log pane shows."""

    def __init__(self, pane: LogPane, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._pane = pane
        self._note = ""
        self._timer: Timer | None = None
        self.span_s = 0
        self.trouble = ""

    def tell(self) -> None:
        """Say how it is now."""
        view = self._pane.view
        note = self._note or self.trouble or ("searching…" if view.scanning else "")
        shown, total = len(view.entries), len(view.book)
        width = self.size.width
        since = self._since()
        self.show(bar(view.filter, self._pane.look, width, since=since, shown=shown, total=total, note=note))

    def _since(self) -> str:
        """The window of time: it slides while the log is followed, and stays where it is while somebody reads."""
        if not self.span_s:
            return ""
        pane = self._pane
        return f"last {SINCE[self.span_s]}" if pane.following else f"since {clock(pane.view.filter.since)}"

    def say(self, note: str) -> None:
        """A short word, for a moment."""
        self._note = safe(note, 120)
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(NOTE_S, self._hush)
        self.tell()

    def _hush(self) -> None:
        self._note = ""
        self.tell()
