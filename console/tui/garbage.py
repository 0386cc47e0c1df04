"""How often Python looks for garbage while the terminal UI runs."""

from __future__ import annotations

import gc

YOUNG, MIDDLE, OLD = 50_000, 20, 100


def collect_seldom() -> None:
    """Look seldom: each look goes through the lines of the log, tens of thousands a second, and holds up a key.

    Hardly anything here forms a cycle but the screens that are closed; what does not is freed at once as ever.
    """
    gc.set_threshold(YOUNG, MIDDLE, OLD)
