"""Peer: the least a Textual application can be, with a header, a table, a footer, and a box on `?`."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.screen import ModalScreen
from textual.widgets import DataTable, Footer, Header, Static


class Box(ModalScreen[None]):
    """A text; Escape closes it."""

    BINDINGS = [("escape", "dismiss", "Close")]  # noqa: RUF012 - Textual's own convention

    def compose(self) -> ComposeResult:
        """The text."""
        yield Static("Everywhere")


class Bare(App[None]):
    """Shows four rows."""

    TITLE = "bare"
    BINDINGS = [("q", "quit", "Quit"), ("question_mark", "help", "Help")]  # noqa: RUF012 - Textual's own convention

    def compose(self) -> ComposeResult:
        """Header, table, footer."""
        yield Header()
        yield DataTable()
        yield Footer()

    def on_mount(self) -> None:
        """Fill the table."""
        table = self.query_one(DataTable[str])
        table.add_columns("service", "state")
        for name in ("app", "worker", "db", "redis"):
            table.add_row(name, "healthy")

    def action_help(self) -> None:
        """Open the box."""
        self.push_screen(Box())


if __name__ == "__main__":
    Bare().run()
