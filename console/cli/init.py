"""The command init: a folder with the compose files, the service's sources and a `.env` with generated secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from console.cli.flags import JsonFlag, QuietFlag
from console.cli.invocation import invocation

FROM_OUTSIDE = ("META_APP_SECRET", "META_ACCESS_TOKEN")
"""Settings nobody can make up: taken from the environment if they are there."""


def init(
    ctx: typer.Context,
    *,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The folder; it is made if need be.")],
    json: JsonFlag = False,
    quiet: QuietFlag = False,
) -> int:
    """Write a stack's files, with secrets made up for it.

    What is written: compose/ (with .env, unless there is one) and api/, from which the image is built. META_APP_SECRET
    and META_ACCESS_TOKEN are taken from the environment if they are set there.
    """
    from console.stack.docker import files

    inv = invocation(ctx, json=json, quiet=quiet)
    kept = (directory / "compose" / files.ENV).exists()
    example = (files.packaged() / ".env.example").read_text(encoding="utf-8")
    written = files.write(directory, filled(example))
    missing = [name for name in FROM_OUTSIDE[:1] if not files.settings(written).get(name)]
    if inv.json:
        inv.output.document(
            {"directory": str(directory), "env_file": str(written.env_file), "env_kept": kept, "missing": missing}
        )
    inv.narrator.say(f"{directory} holds the stack; {'its .env was kept' if kept else 'secrets were made up for it'}")
    if missing:
        inv.narrator.say(f"fill in {', '.join(missing)} in {written.env_file}")
    inv.narrator.say(f"then: leadsctl --dir {directory} up")
    return 0


def filled(example: str) -> str:
    """The example's text with a value for each secret that can be made up, or that the environment has."""
    import base64
    import os
    import secrets

    values = {
        "POSTGRES_PASSWORD": secrets.token_hex(32),
        "REDIS_PASSWORD": secrets.token_hex(32),
        "META_VERIFY_TOKEN": secrets.token_urlsafe(24),
        "FORMS_SECRET": "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode(),
    } | {name: _quoted(os.environ[name]) for name in FROM_OUTSIDE if os.environ.get(name)}
    lines = []
    for line in example.splitlines():
        name, equals, value = line.partition("=")
        lines.append(f"{name}={values[name]}" if equals and not value and name in values else line)
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    """As Compose and python-dotenv read it back."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
