"""What was asked of the Graph API since the start, by outcome, and how far its limits are used up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

OUTCOMES = ("ok", "limit", "token", "permission", "retry", "bury", "split", "no_answer")
"""How a call can end: a sound answer; wait; the operator has to give a token, or a permission; a temporary, an
unknown or a missing lead's error; an id that never was; too much asked for at once; no answer that could be read."""


@dataclass(frozen=True, slots=True)
class GraphCounts:
    """Totals since the start of the process, and the state of the limits.

    Attributes:
        calls: HTTP calls that were made, by outcome (see OUTCOMES).
        leads_asked: ids of leads in those calls; each counts as a call in Meta's limits.
        leads_got: leads that came.
        used: per cent of its limit by page id, "*" for the app's.
        blocked: until when (epoch seconds) calls wait, by page id, "*" for all.
    """

    calls: Mapping[str, int] = field(default_factory=dict)
    leads_asked: int = 0
    leads_got: int = 0
    used: Mapping[str, float] = field(default_factory=dict)
    blocked: Mapping[str, float] = field(default_factory=dict)


class Calls:
    """Counts calls; owned by one client."""

    def __init__(self) -> None:
        self.leads_asked = 0
        self.leads_got = 0
        self._outcomes: Counter[str] = Counter()

    def ended(self, outcome: str) -> None:
        """A call came to this end."""
        self._outcomes[outcome] += 1

    @property
    def outcomes(self) -> dict[str, int]:
        """Calls by outcome, every outcome named."""
        return {outcome: self._outcomes[outcome] for outcome in OUTCOMES}
