"""How often Python looks for garbage while the terminal UI runs."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable
from contextvars import Context

YOUNG, MIDDLE, OLD = 20_000, 2, 400
"""A look takes about a millisecond for a thousand objects: so that none of the frequent ones takes long, and the lines
of a log, of which tens of thousands come in a second, are looked at twice."""
STARTED_S = 3.0
"""By then everything has been imported and drawn that lasts as long as the UI."""
CLOSED_S = 0.12
"""By then what was under a closed box has been drawn, and hardly anybody has pressed another key."""


def collect_seldom() -> None:
    """Look seldom: each look holds up a key.

    Hardly anything here forms a cycle but the screens that are closed; what does not is freed at once as ever.
    """
    # What the start has made lasts: none of the looks needs to go through it, at 50 ms a time.
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
    gc.enable()
    asyncio.get_running_loop().call_later(STARTED_S, gc.freeze)


def collect_closed(another: Callable[[], bool]) -> None:
    """A box has been closed, all of it one cycle of thousands of objects: look soon, at what is young only.

    A few boxes later it would take many times as long, in the middle of the answer to a key. Not while there is
    `another` box: that one would count as old from then on, and last.
    """
    # In a context of its own: the present one holds the box.
    asyncio.get_running_loop().call_later(CLOSED_S, lambda: another() or gc.collect(0), context=Context())
