"""Screen 5: volumes and disk, the database's tables, what Redis says about its file."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from console.format import Cell
from console.tui.present import volumes as volume_view
from console.tui.present.supply import Health, Supply
from console.tui.screens.page import Page
from console.tui.state import Kind, Known
from console.tui.widgets.board import Board
from console.tui.widgets.table import Table


class Volumes(Page):
    """See the module."""

    NAME = "volumes"
    CSS = """
    #volumes { height: 5; }
    #disk { height: 3; }
    #stores { layout: vertical; height: 1fr; }
    #stores Board { height: 1fr; }
    Volumes.-wide #stores, Volumes.-huge #stores { layout: horizontal; }
    Volumes.-wide #stores Board, Volumes.-huge #stores Board { width: 1fr; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("r", "again", "read again")]

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self.table = Table("Volumes", volume_view.COLUMNS, opens=False, id="volumes")
        self.disk = Board("Disk", id="disk")
        self.disk.can_focus = False
        self.postgres = Board("Postgres", id="postgres")
        self.redis = Board("Redis", id="redis")

    def content(self) -> ComposeResult:
        """Volumes, then database and Redis side by side."""
        yield self.table
        yield self.disk
        with Container(id="stores"):
            yield self.postgres
            yield self.redis

    def on_mount(self) -> None:
        """Volumes are read only while this screen is looked at."""
        self.table.focus()
        self.show(None)

    def on_screen_resume(self) -> None:
        """Read them now."""
        self.leads_app.watch_volumes(on=True)

    def on_screen_suspend(self) -> None:
        """Nobody looks any more."""
        self.leads_app.watch_volumes(on=False)

    def show(self, kind: Kind | None) -> None:
        """Draw the panels that show that reading."""
        known = self.known
        if kind in (None, Kind.VOLUMES):
            table, disk = self.table, self.disk
            volumes = known.volumes.value
            if self.leads_app.sources.volumes is None:
                table.health = Health()
                table.empty = (Cell("This runtime tells nothing about its volumes."),)
            else:
                table.health = known.health(Kind.VOLUMES)
                table.empty = (Cell("No volumes: they come with the first start."),)
            room = 2 if table.health.supply is Supply.FAILED else 0  # for the reason, over what was last known
            table.styles.height = min(len(volumes.volumes) + 3 + room, 12) if volumes and volumes.volumes else 5
            table.show(volume_view.volume_rows(volumes, known.sizes) if volumes else ())
            disk.health = (
                replace(table.health, supply=Supply.STALE, text="")
                if table.health.supply is Supply.FAILED
                else table.health
            )
            disk.show(lambda width, _height: volume_view.disk_lines(volumes, width))
        if kind in (None, Kind.LEADS):
            self.postgres.health = known.health(Kind.LEADS)
            store = known.leads.value
            self.postgres.show(lambda width, _height: volume_view.store_lines(store, width))
        if kind in (None, Kind.QUEUE):
            self.redis.health = known.health(Kind.QUEUE)
            queue = known.queue.value
            self.redis.show(lambda _width, _height: volume_view.redis_lines(queue))

    def action_again(self) -> None:
        """Read everything now."""
        self.leads_app.action_read_now()
