"""Screen 5: volumes and disk, the database's tables, what Redis says about its file."""

from __future__ import annotations

import asyncio
import shlex
from dataclasses import replace
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from console.errors import ConsoleError, UsageError
from console.format import Cell, safe
from console.poller import one_line
from console.ports import Action, Verb
from console.tui.acting import Question
from console.tui.present import volumes as volume_view
from console.tui.present.supply import Health, Supply
from console.tui.screens.page import Page
from console.tui.state import Kind, Kinds, Known
from console.tui.widgets.board import Board
from console.tui.widgets.prompt import Prompt
from console.tui.widgets.table import Table
from console.tui.work import begin

TIMEOUT_S = 6.0


def _unquoted(path: str) -> str:
    """A path as a shell would read it; one with spaces that nobody quoted as it stands."""
    try:
        words = shlex.split(path)
    except ValueError:
        return path.strip()
    return words[0] if len(words) == 1 else path.strip()


class Volumes(Page):
    """See the module."""

    NAME = "volumes"
    CSS = """
    #volumes { height: 5; }
    #disk { height: 4; }
    #stores { layout: vertical; height: 1fr; }
    #stores Board { height: 1fr; }
    Volumes.-flat #redis { display: none; }
    Volumes.-tiny #larger { display: block; }
    Volumes.-tiny #disk, Volumes.-tiny #stores { display: none; }
    Volumes.-wide #stores, Volumes.-huge #stores { layout: horizontal; }
    Volumes.-wide #stores Board, Volumes.-huge #stores Board { width: 1fr; }
    """

    CHANGING = frozenset({"backup", "restore"})

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("b", "backup", "back up now"),
        Binding("B", "restore", "restore"),
        Binding("r", "again", "read again"),
    ]

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self.table = Table("Volumes", volume_view.COLUMNS, opens=False, id="volumes")
        self.disk = Board("Disk and backup", id="disk")
        self.disk.can_focus = False
        self.postgres = Board("Postgres", id="postgres")
        self.redis = Board("Redis", id="redis")
        self._backed_up: float | None = None
        self._backup_error = ""

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
        self.read_again()

    def on_screen_suspend(self) -> None:
        """Nobody looks any more."""
        self.leads_app.watch_volumes(on=False)

    def show(self, kinds: Kinds | None) -> None:
        """Draw the panels that show that reading."""
        known = self.known
        if kinds is None or Kind.VOLUMES in kinds:
            table, disk = self.table, self.disk
            volumes = known.volumes.value
            if self.leads_app.sources.volumes is None:
                table.health = Health()
                table.empty = (Cell("This runtime tells nothing about its volumes."),)
            else:
                table.health = known.health(Kind.VOLUMES)
                table.empty = (Cell("No volumes: they come with the first start."),)
            room = 2 if table.health.supply is Supply.FAILED else 0  # for the reason, over what was last known
            table.header = not self.has_class("-flat")
            frame = 2 + table.header + room
            table.styles.height = min(len(volumes.volumes) + frame, 12) if volumes and volumes.volumes else 5
            table.show(volume_view.volume_rows(volumes, known.sizes) if volumes else ())
            disk.health = (
                replace(table.health, supply=Supply.STALE, text="")
                if table.health.supply is Supply.FAILED
                else table.health
            )
            backup = volume_view.backup_line(self._backed_up, self._backup_error, known.now())
            disk.show(lambda width, _height: [*volume_view.disk_lines(volumes, width), backup])
        if kinds is None or kinds & {Kind.LEADS, Kind.QUEUE}:
            self._show_stores()

    def _show_stores(self) -> None:
        """Postgres and Redis, in a low terminal by one line each."""
        known, both = self.known, self.has_class("-flat")
        store, queue = known.leads.value, known.queue.value
        self.postgres.title = "Postgres and Redis" if both else "Postgres"
        self.postgres.health, self.redis.health = known.health(Kind.LEADS), known.health(Kind.QUEUE)
        if both:
            lines = volume_view.store_lines
            self.postgres.show(lambda width, _height: [lines(store, width)[0], volume_view.redis_line(queue)])
            return
        self.postgres.show(lambda width, _height: volume_view.store_lines(store, width))
        self.redis.show(lambda _width, _height: volume_view.redis_lines(queue))

    def action_again(self) -> None:
        """Read everything now."""
        self.leads_app.action_read_now()

    # --- backups

    def read_again(self) -> None:
        """Read when the last backup was."""
        begin(self, self._read_backup, "backup", exclusive=True)

    async def _read_backup(self) -> None:
        try:
            async with asyncio.timeout(TIMEOUT_S):
                self._backed_up = await self.leads_app.sources.checker.last_backup()
            self._backup_error = ""
        except TimeoutError:
            self._backup_error = "Postgres takes too long to tell"
        except Exception as error:  # noqa: BLE001 - shown where the answer would be
            self._backup_error = one_line(error)
        self.show(frozenset({Kind.VOLUMES}))

    def _wanted(self) -> dict[str, str] | None:
        """The arguments of a backup as configured, None (which is said) where none can be taken."""
        make = self.leads_app.tools.backup
        try:
            if make is None:
                raise UsageError("backups cannot be taken here")
            return make()
        except ConsoleError as error:
            self.app.notify(safe(error), title="✖ back up", severity="error", markup=False)
            return None

    def action_backup(self) -> None:
        """Back up leads and queue while the stack runs."""
        wanted = self._wanted()
        if wanted is not None:
            self.act(Action(Verb.BACKUP, (), wanted), "back up", then=lambda _result: self.read_again())

    def action_restore(self) -> None:
        """Ask which archive."""
        wanted = self._wanted()
        if wanted is not None:
            hint = "an archive; --identity FILE after it for an encrypted one"
            self.prompt("restore from ", shlex.quote(f"{wanted['directory']}/"), hint=hint, purpose="restore")

    def on_prompt_ended(self, message: Prompt.Ended) -> None:
        """An archive is named: restore it, once the stack's name has been typed."""
        message.stop()
        self.close_prompt()
        text = message.text.strip()
        named, _, key = text.partition(" --identity ")
        path, identity = _unquoted(named), _unquoted(key)
        if not message.kept or not path or path.endswith("/"):
            return
        name = self.leads_app.tools.stack_name() if self.leads_app.tools.stack_name else self.known.title
        question = Question(
            f"Restore {safe(path.rpartition('/')[2], 60)}?",
            (f"All that {safe(name, 60)} holds, leads and queue, is replaced by what is in the archive.",),
            "Restore",
            word=name,
        )
        args = {"identity": identity} if identity else {}
        self.act(Action(Verb.RESTORE, (path,), args), f"restore {safe(path.rpartition('/')[2], 60)}", question)
