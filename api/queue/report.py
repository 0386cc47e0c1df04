"""Owns what a worker reports with its heartbeat: by how much its totals have grown since Redis last counted them."""

from __future__ import annotations

from collections.abc import Mapping
from secrets import token_hex


class Report:
    """Turns totals since the start of this process into growth that Redis adds up.

    The sums in Redis only ever grow, whatever workers come and go: a new process begins at zero and adds to them. A
    report whose answer was lost is sent again as it was, under its old name, by which Redis knows it. What a process
    that is killed had not reported yet is lost: what happened since its last heartbeat, half a second.
    """

    def __init__(self) -> None:
        self._run = token_hex(6)
        self._number = 0
        self._counted: dict[str, int] = {}
        self._sent: dict[str, int] | None = None

    def words(self, totals: Mapping[str, int]) -> list[str | int]:
        """The report's name and its (tally, growth) pairs; no pairs when there is nothing to tell."""
        if self._sent is None:
            self._number += 1
            grown = {name: total - self._counted.get(name, 0) for name, total in totals.items()}
            self._sent = {name: by for name, by in grown.items() if by > 0}
        return [f"{self._run}-{self._number}", *(word for pair in self._sent.items() for word in pair)]

    def counted(self) -> None:
        """Redis has counted the last report."""
        for name, by in (self._sent or {}).items():
            self._counted[name] = self._counted.get(name, 0) + by
        self._sent = None
