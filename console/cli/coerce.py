"""Turns the words of a command into texts, paths and numbers without pydantic, whose import doubles the start.

Typer asks a parameter's `_runtime_param` to do that, and makes one with pydantic if there is none. A parameter whose
type is not in TYPES is left to Typer; so is every one should Typer come to look elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args, get_origin

import typer

HELP_NAMES = ("-h", "--help")
TYPES: dict[Any, Callable[[str], Any]] = {bool: bool, str: str, Path: Path, int: int, float: float}


class Plain:
    """Coerces one parameter's value: of a type in TYPES, or a list of such, within a range if there is one."""

    def __init__(self, convert: Callable[[str], Any], name: str, least: float | None, most: float | None) -> None:
        self._convert = convert
        self._name = name
        self._least = least
        self._most = most

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value as the command's function gets it. typer.BadParameter if it is none."""
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        if isinstance(value, list | tuple):
            return [self._one(item, param, ctx) for item in value]
        return self._one(value, param, ctx)

    def _one(self, value: Any, param: Any, ctx: Any) -> Any:
        try:
            found = self._convert(value)
        except ValueError:
            raise typer.BadParameter(f"{value!r} is not a valid {self._name}", ctx=ctx, param=param) from None
        if self._least is not None and not found >= self._least:
            raise typer.BadParameter(f"{value} is less than {self._least}", ctx=ctx, param=param)
        if self._most is not None and not found <= self._most:
            raise typer.BadParameter(f"{value} is more than {self._most}", ctx=ctx, param=param)
        return found


def lighten(command: Any) -> None:
    """Give the parameters of a command, and of the commands in it that are built, a `Plain` where that will do."""
    context = typer.Context(command, help_option_names=list(HELP_NAMES))
    for param in (*command.params, command.get_help_option(context)):
        descriptor = getattr(param, "type_descriptor", None)
        if descriptor is None:
            continue
        kind = descriptor.annotation
        if get_origin(kind) is list:
            kind = get_args(kind)[0]
        if kind in TYPES:
            limits = descriptor.parameter_info
            param._runtime_param = Plain(TYPES[kind], kind.__name__, limits.min, limits.max)
    inner = getattr(command, "commands", None)
    for one in inner.values() if isinstance(inner, dict) else ():
        lighten(one)
