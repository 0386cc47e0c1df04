"""How many calls for one page may be under way at once: more as they go well, fewer as soon as one does not. Pure."""

from __future__ import annotations

from api.graph import Action, LeadsAnswer, Trouble

CALLS = 4
"""At first, and where nothing speaks for more."""

MOST = 8
"""With a page's limits far from used up."""

CALM = 50.0
"""Per cent of a limit beyond which there are no more calls at once than at first."""


class Width:
    """The calls of one page that may be under way at once, as its last answers say."""

    def __init__(self) -> None:
        self._width = float(CALLS)

    @property
    def calls(self) -> int:
        """How many."""
        return int(self._width)

    def answered(self, *, well: bool, used: float) -> None:
        """A call has ended; `used` per cent of the page's limits are used up. One more once all at once went well."""
        if not well:
            self._width = max(1.0, self._width / 2)
        elif used < CALM:
            self._width = min(MOST, self._width + 1 / self._width)
        else:
            self._width = min(CALLS, self._width + 1 / self._width)


def went_well(answer: LeadsAnswer) -> bool:
    """Whether nothing in an answer speaks against more calls: what is wrong with a single lead does not."""
    troubles = [result for result in answer.results.values() if isinstance(result, Trouble)]
    return not any(found.action in (Action.WAIT, Action.ASK) or found.label == "transient" for found in troubles)
