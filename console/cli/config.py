"""The command config: what is configured and where each value comes from; and what the compose files come to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from console.cli.flags import JsonFlag, QuietFlag
from console.cli.invocation import Invocation, invocation
from console.cli.lazy import plain_typer

if TYPE_CHECKING:
    from console.config import Configuration, Value
    from console.session import Session

app = plain_typer()


@dataclass(frozen=True, slots=True)
class OptionDocument:
    """An option: its value (null where it is not set), where that came from, and its name in the environment."""

    name: str
    value: Any
    origin: str
    env: str
    help: str


@dataclass(frozen=True, slots=True)
class ConfigDocument:
    """All options. `path` is where config.toml is looked for."""

    path: str
    found: bool
    options: tuple[OptionDocument, ...]


@app.callback(invoke_without_command=True)
def config(ctx: typer.Context, *, json: JsonFlag = False, quiet: QuietFlag = False) -> int:
    """Show what is configured, and where each value comes from.

    A flag wins over the environment, the environment over config.toml, that over the default.
    """
    inv = invocation(ctx, json=json, quiet=quiet)
    return 0 if ctx.invoked_subcommand else _show(inv)


@app.command("show")
def show(ctx: typer.Context, *, json: JsonFlag = False, quiet: QuietFlag = False) -> int:
    """List every option with its value and where that came from."""
    return _show(invocation(ctx, json=json, quiet=quiet))


@app.command("path")
def path(ctx: typer.Context, *, json: JsonFlag = False, quiet: QuietFlag = False) -> int:
    """Print where config.toml is looked for."""
    from console.config import config_path
    from console.format import safe

    inv = invocation(ctx, json=json, quiet=quiet)
    where = config_path()
    if inv.json:
        inv.output.document({"path": str(where), "found": where.exists()})
    else:
        inv.output.line(safe(str(where)))
    return 0


@app.command("compose")
def compose(ctx: typer.Context, *, json: JsonFlag = False, quiet: QuietFlag = False) -> int:
    """Print the compose files put together, as Compose understands them; secrets are masked."""
    inv = invocation(ctx, json=json, quiet=quiet)

    async def body(session: Session) -> int:
        import json as json_

        from console.format import safe

        if inv.json:
            inv.output.document({"compose": json_.loads(await session.runtime.configuration("json"))})
            return 0
        for line in (await session.runtime.configuration()).splitlines():
            inv.output.line(safe(line))
        return 0

    return inv.run(body)


def _show(inv: Invocation) -> int:
    found = inv.settings.config
    if inv.json:
        options = tuple(_document(value) for value in found.values.values())
        inv.output.document(ConfigDocument(str(found.path), found.found, options))
        return 0
    from console.cli.table import Column
    from console.format import Cell, Tone, safe

    rows = [
        (name, safe(_text(value)), Cell(safe(_origin(value, found)), Tone.STRONG if value.given else Tone.DIM))
        for name, value in found.values.items()
    ]
    inv.output.table((Column("OPTION"), Column("VALUE", least=12), Column("FROM", least=12)), rows)
    state = "read" if found.found else "not there"
    inv.narrator.say(f"config.toml: {safe(str(found.path))} ({state}); every option is LEADSCTL_… in the environment")
    return 0


def _document(value: Value) -> OptionDocument:
    option = value.option
    shown = _plain(value.value) if not option.secret else ("set" if value.value else "")
    return OptionDocument(option.name, shown, value.origin, option.env[0], option.help)


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    return [str(each) for each in value] if isinstance(value, tuple) else value


def _text(value: Value) -> str:
    if value.option.secret:
        return "(set, not shown)" if value.value else ""
    shown = _plain(value.value)
    if isinstance(shown, bool):
        return "true" if shown else "false"
    if isinstance(shown, dict):
        return " ".join(f"{name}={','.join(each)}" for name, each in shown.items())
    return " ".join(shown) if isinstance(shown, list) else "" if shown is None else str(shown)


def _origin(value: Value, found: Configuration) -> str:
    return "config.toml" if value.origin == str(found.path) else value.origin
