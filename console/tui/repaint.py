"""Owns when the open screen is drawn: what changes together is drawn together, and what grows older once a second."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from console.tui.state import Kind

if TYPE_CHECKING:
    from console.tui.places import Places

SETTLE_S = 0.05
"""So long after the first of several readings they are drawn: each drawing costs as much as a reading."""


class Repaint:
    """Tells the app's open screen to draw."""

    def __init__(self, app: Places) -> None:
        self._app = app
        self._changed: set[Kind] = set()
        self._ticked = False
        self._settling = False

    def changed(self, kind: Kind, *, at_once: bool) -> None:
        """A reading has brought something else than the one before; `at_once`: nobody should wait to see it."""
        self._changed.add(kind)
        if at_once:
            self._draw()
        else:
            self._draw_soon()

    def ticked(self) -> None:
        """A second has passed."""
        self._ticked = True
        self._draw_soon()

    def _draw_soon(self) -> None:
        if not self._settling:
            self._settling = True
            asyncio.get_running_loop().call_later(SETTLE_S, self._app.call_next, self._settled)

    def _settled(self) -> None:
        self._settling = False
        self._draw()

    def _draw(self) -> None:
        changed, ticked = frozenset(self._changed), self._ticked
        self._changed.clear()
        self._ticked = False
        page = self._app.page
        if page is None:
            return
        if ticked:
            page.tick()
        elif changed:
            page.refresh_edges()
        if changed:
            page.show(changed)
