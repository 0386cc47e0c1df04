"""The details of one job: times, attempts, errors, payload."""

from __future__ import annotations

from api.models import JobView
from console.format import Cell, job_shape, safe
from console.tui.present.queue import STATE_TITLES, job_details
from console.tui.present.supply import FRESH, Health, Supply
from console.tui.widgets.board import Board


class JobBoard(Board):
    """Shows a job, or how to come to others."""

    def show_job(self, view: JobView | None, now: float, *, revealed: bool, old: bool) -> None:
        """Show the job; `old`: what is known of it may not hold any more."""
        if view is None:
            self.title, self.meta, self.health = "", (), FRESH
            self.empty = (Cell("← → the other states"),)
            self.show(lambda _width, _height: ())
            return
        shape = job_shape(view.state)
        self.health = Health(Supply.STALE) if old else FRESH
        self.title = safe(view.job.id, 64)
        self.meta = (Cell(f"{shape.text} {STATE_TITLES[view.state]}", shape.tone),)
        self.show(lambda width, _height: job_details(view, now, width, revealed=revealed))
