"""Screen 1: services, the queue and why it is so, the latest leads, what needs the operator."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from console.cause import why
from console.format import Cell, Line, Tone, number, safe, short_number
from console.ports import Action, Verb
from console.snapshots import Service
from console.tui.acting import Question
from console.tui.present import leads as lead_view
from console.tui.present import needs as need_view
from console.tui.present import queue as queue_view
from console.tui.present import services as service_view
from console.tui.present.supply import FRESH, Health, Supply
from console.tui.screens.page import Page
from console.tui.state import Kind, Kinds, Known
from console.tui.widgets.board import Board
from console.tui.widgets.mainpanels import NeedsTable, ServicesTable
from console.tui.widgets.table import Table
from console.tui.widgets.warnings import WarningStrip

ALL = frozenset(Kind)
READ_KEY = "f5"
"""What reads at once whichever panel has the focus: `r` restarts a service in one, and heals in another."""


class Overview(Page):
    """See the module."""

    NAME = "overview"
    KINDS = frozenset({Kind.STACK, Kind.QUEUE, Kind.LEADS})
    CHANGING = frozenset({"shell", "stop", "up", "restart", "down", "heal", "send"})

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("D", "down", "down"),
        Binding("T", "send", "send a test lead", show=False),
    ]

    def __init__(self, known: Known) -> None:
        super().__init__(known)
        self.services = ServicesTable("Services", service_view.COLUMNS, header=False, gap=1, id="services")
        self.queue = Board("Queue", id="queue")
        self.queue.can_focus = False
        self.latest = Table("Latest leads", lead_view.COLUMNS, header=False, follow_top=True, id="latest")
        self.warnings = WarningStrip(known, id="warnings")
        self.needs = NeedsTable("Needs you", need_view.COLUMNS, header=False, follow_top=True, id="needs")

    def content(self) -> ComposeResult:
        """Four panels, and where there is room the last warnings."""
        with Horizontal(id="top"):
            yield self.services
            yield self.queue
        yield self.latest
        yield self.warnings
        yield self.needs

    def on_mount(self) -> None:
        """The services have the focus first."""
        self.services.focus()
        self.show(None)

    # --- drawing

    def show(self, kinds: Kinds | None) -> None:
        """Draw the panels that show those readings."""
        drawn = ALL if kinds is None else kinds
        if Kind.STACK in drawn:
            self._show_services()
        if drawn & {Kind.STACK, Kind.QUEUE}:
            self._show_queue()
        if drawn & {Kind.STACK, Kind.QUEUE, Kind.VOLUMES}:
            self._show_needs()
        if Kind.LEADS in drawn:
            self._show_latest()
        if kinds is None:
            self._show_warnings()

    def tick(self) -> None:
        """Warnings have perhaps come meanwhile."""
        super().tick()
        self._show_warnings()

    def _show_warnings(self) -> None:
        if self.warnings.display:
            self.warnings.repaint()

    def _show_services(self) -> None:
        table = self.services
        table.health = self.known.health(Kind.STACK, key=READ_KEY)
        stack = self.known.stack.value
        if stack is not None:
            wide = table.size.width >= 60
            table.header = wide
            table.gap = 2 if wide else 1
            room = table.size.height - 2 - wide
            rows = service_view.service_rows(stack, self.known.now(), self.known.cpu, room=room, wide=wide)
            table.meta = (Cell(safe(stack.where, 60), Tone.DIM),) if wide else ()
            table.show(rows)
        else:
            table.repaint()

    def _show_queue(self) -> None:
        known = self.known
        board = self.queue
        board.health = known.health(Kind.QUEUE, key=READ_KEY)
        queue = known.queue.value
        if queue is not None:
            history = known.history
            cause = why(queue, known.stack.value, history.rates, known.database())
            board.meta = _queue_meta(queue.dead, queue.stuck, board.size.width)
            board.show(lambda width, height: queue_view.panel(queue, history, cause, width, height))
        else:
            board.repaint()

    def _show_latest(self) -> None:
        table = self.latest
        table.health = self.known.health(Kind.LEADS, key=READ_KEY)
        store = self.known.leads.value
        if store is not None:
            now = self.known.now()
            table.header = table.size.height >= 12
            table.meta = (Cell(f"{number(store.today)} today", Tone.DIM),)
            table.empty = (Cell(lead_view.none_yet(self.known.read_only)),)
            table.show([lead_view.lead_row(lead, now) for lead in store.latest])
        else:
            table.repaint()

    def _show_needs(self) -> None:
        table = self.needs
        known = self.known
        found = self._needs()
        old = {k for k in (Kind.STACK, Kind.QUEUE) if known.health(k).supply in (Supply.FAILED, Supply.STALE)}
        doubtful = any((Kind.STACK if need.of_stack else Kind.QUEUE) in old for need in found)
        table.health = Health(Supply.STALE, "as last known") if doubtful else FRESH
        table.meta = (Cell(number(len(found)), Tone.WARN),) if len(found) > 2 else ()
        if known.stack.value is None and known.queue.value is None:
            table.empty = (Cell("Not known while nothing answers."),) if known.stack.error else ()
        else:
            table.empty = (Cell("Not known while a source does not answer." if old else "● Nothing needs you."),)
        table.show(need_view.need_rows(found))

    def _needs(self) -> list[need_view.Need]:
        known = self.known
        stack, queue, volumes = known.stack.value, known.queue.value, known.volumes.value
        return need_view.needs(stack, queue, known.now(), volumes, read_only=known.read_only)

    # --- the stack's verbs

    def _service(self) -> Service | None:
        stack = self.known.stack.value
        name = service_view.service_of(self.services.key)
        return next((s for s in stack.services if s.name == name), None) if stack else None

    def _one(self, service: Service) -> tuple[str, dict[str, str]]:
        """What a verb under the cursor is for: the service, or the one replica of it, by name and as arguments."""
        replica = service_view.replica_at(service, self.services.key)
        if replica is None or not replica.index:
            return safe(service.name, 60), {}
        return safe(replica.name, 60), {"index": str(replica.index)}

    def _where(self) -> str:
        stack = self.known.stack.value
        return f"{safe(stack.project, 60)} ({safe(stack.runtime, 20)})" if stack else ""

    def action_stop(self) -> None:
        """Stop the service under the cursor, after asking."""
        service = self._service()
        if service is None:
            return
        name = safe(service.name, 60)
        count = f" ({service.up} replicas)" if service.up > 1 else ""
        question = Question(f"Stop {name}?", (f"{name}{count} of {self._where()} will be stopped.",), f"Stop {name}")
        self.act(Action(Verb.STOP, (service.name,)), f"stop {name}", question)

    def action_up(self) -> None:
        """Bring up the service under the cursor if it is down, else everything that is."""
        service = self._service()
        if service is not None and service.up < max(service.wanted, 1):
            self.act(Action(Verb.UP, (service.name,)), f"up {safe(service.name, 60)}")
        else:
            self.act(Action(Verb.UP), "up")

    def action_restart(self) -> None:
        """Restart the service under the cursor; with no engine in sight, look for it again."""
        if self.known.stack.error:
            self.leads_app.action_read_now()
            return
        service = self._service()
        if service is not None:
            name, args = self._one(service)
            self.act(Action(Verb.RESTART, (service.name,), args), f"restart {name}")

    def action_logs(self) -> None:
        """Show the logs of the service under the cursor."""
        service = self._service()
        if service is not None:
            self.leads_app.open_logs(service.name)

    def action_shell(self) -> None:
        """Open a shell in the service under the cursor; the console comes back when it ends."""
        service = self._service()
        if service is not None:
            name, args = self._one(service)
            action = Action(Verb.SHELL, (service.name,), args)
            self.leads_app.acting.begin(action, f"shell in {name}", on_terminal=True)

    def action_down(self) -> None:
        """Take the stack down, after asking."""
        stack = self.known.stack.value
        if stack is None:
            return
        services = service_view.ordered(stack)
        parts = [f"{safe(s.name, 40)}{f' ×{len(s.replicas)}' if len(s.replicas) > 1 else ''}" for s in services]
        lines = (f"{self._where()}: {', '.join(parts)} will be removed.", "Volumes are kept.")
        self.act(Action(Verb.DOWN), "down", Question("Take the stack down?", lines, "Take down"))

    def action_send(self) -> None:
        """Send a signed test webhook."""
        self.act(Action(Verb.SEND), "send a test lead")

    def action_heal(self) -> None:
        """Do what the need under the cursor offers."""
        key = self.needs.key
        need = next((n for n in self._needs() if n.key == key), None)
        if need is not None and need.action is not None:
            self.act(need.action, f"{need.verb}: {need.text}"[:60])

    # --- going places

    def on_table_opened(self, message: Table.Opened) -> None:
        """Enter: a service's details, a lead, or where a need is."""
        if message.table.id == "services":
            self._open_service()
        elif message.table.id == "latest":
            store = self.known.leads.value
            lead = next((each for each in store.latest if str(each.id) == message.key), None) if store else None
            if lead is not None:
                self.leads_app.open_lead(lead)
        else:
            need = next((n for n in self._needs() if n.key == message.key), None)
            if need is not None:
                self._go(need.place)

    def _go(self, place: str) -> None:
        where, _, what = place.partition(":")
        if where == "service":
            table = self.services
            table.focus()
            if what and table.move_to(what):
                self._open_service()
        elif where == "queue":
            self.leads_app.open_queue(what)
        else:
            self.leads_app.action_go(where)

    def _open_service(self) -> None:
        service = self._service()
        if service is None:
            return
        from console.tui.screens.reader import Reader

        now = self.known.now()
        self.app.push_screen(
            Reader(safe(service.name, 60), lambda width, _height: service_view.details(service, now, width))
        )


def _queue_meta(dead: int, stuck: int, width: int) -> Line:
    if width < 44:
        return ()
    cells: list[Cell] = []
    if stuck:
        cells.append(Cell(f"{short_number(stuck)} stuck ", Tone.BAD))
    if dead:
        cells.append(Cell(f"{short_number(dead)} dead", Tone.WARN))
    return tuple(cells)
