"""The tables of the overview that have verbs of their own: services, and what needs the operator."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from console.tui.widgets.table import Table


class ServicesTable(Table):
    """The services, with the stack's verbs."""

    PLACE = "services"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "screen.stop", "stop"),
        Binding("u", "screen.up", "up"),
        Binding("r", "screen.restart", "restart"),
        Binding("l", "screen.logs", "logs"),
        Binding("E", "screen.shell", "shell"),
    ]


class NeedsTable(Table):
    """What needs the operator: the most urgent is in sight, until somebody is at the list."""

    PLACE = "needs"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "show", key_display="enter"),
        Binding("r", "screen.heal", "do what it says"),
    ]

    def on_focus(self) -> None:
        """What is acted upon does not change under the reader's hands."""
        self.hold()

    def on_blur(self) -> None:
        """Another panel is looked at; on another screen this one keeps its place."""
        if self.screen.is_current:
            self._held = False
            self.show(self.rows)
