"""Peer: the least a Textual application can be, with a header, a table and a footer."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import DataTable, Footer, Header


class Bare(App[None]):
    """Shows four rows."""

    TITLE = "bare"
    BINDINGS = [("q", "quit", "Quit")]  # noqa: RUF012 - Textual's own convention

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


if __name__ == "__main__":
    Bare().run()
