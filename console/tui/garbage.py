"""How often Python looks for garbage while the terminal UI runs."""

from __future__ import annotations

import asyncio
import gc

YOUNG, MIDDLE, OLD = 50_000, 20, 100
STARTED_S = 3.0
"""By then everything has been imported and drawn that lasts as long as the UI."""


def collect_seldom() -> None:
    """Look seldom: each look goes through the lines of the log, tens of thousands a second, and holds up a key.

    Hardly anything here forms a cycle but the screens that are closed; what does not is freed at once as ever.
    """
    gc.set_threshold(YOUNG, MIDDLE, OLD)
    # What the start has made lasts: none of the looks needs to go through it, at 50 ms a time.
    asyncio.get_running_loop().call_later(STARTED_S, gc.freeze)
