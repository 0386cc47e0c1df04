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
    """What needs the operator."""

    PLACE = "needs"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "show", key_display="enter"),
        Binding("r", "screen.heal", "do what it says"),
    ]
