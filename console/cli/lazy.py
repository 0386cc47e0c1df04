"""A Typer group that loads a command's module when the command is used, so that `--help` is quick."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import typer
from typer.core import TyperGroup

from console.cli.coerce import lighten

if TYPE_CHECKING:
    from typer._click.core import Command, Context
    from typer._click.formatting import HelpFormatter


@dataclass(frozen=True, slots=True)
class Entry:
    """A command: "module:name" of its function or Typer app, its section in `--help`, and its line there.

    The line is here so that `--help` need not load the module.
    """

    where: str
    section: str
    help: str


class LazyCommands(MutableMapping[str, "Command"]):
    """The commands by name, each built when first asked for."""

    def __init__(self, table: dict[str, Entry]) -> None:
        self._table = table
        self._built: dict[str, Command] = {}

    def __getitem__(self, name: str) -> Command:
        if name not in self._built:
            self._built[name] = _build(name, self._table[name])
        return self._built[name]

    def __setitem__(self, name: str, command: Command) -> None:
        self._built[name] = command

    def __delitem__(self, name: str) -> None:
        del self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __len__(self) -> int:
        return len(self._table)


class LazyGroup(TyperGroup):
    """A group that lists its commands from `table`, and loads the one that is run."""

    table: ClassVar[dict[str, Entry]]

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = LazyCommands(self.table)

    def list_commands(self, ctx: Context) -> list[str]:
        """Names in the table's order."""
        return list(self.table)

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        """One section a group of commands."""
        for section in dict.fromkeys(entry.section for entry in self.table.values()):
            with formatter.section(section):
                formatter.write_dl([(name, e.help) for name, e in self.table.items() if e.section == section])


def plain_typer(**options: Any) -> typer.Typer:
    """A Typer app as all of ours are: no rich help (it costs its import), no traceback dressing."""
    options.setdefault("add_completion", False)
    return typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False, **options)


def _build(name: str, entry: Entry) -> Command:
    module, _, attribute = entry.where.partition(":")
    what: Any = getattr(importlib.import_module(f"console.cli.{module}"), attribute)
    if not isinstance(what, typer.Typer):
        single = plain_typer()
        single.command(name)(what)
        what = single
    command = typer.main.get_command(what)
    command.name = name
    lighten(command)
    return command
