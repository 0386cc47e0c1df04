"""Makes the text of a new `.env`: the example with a value for each secret that can be made up."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Callable, Mapping

from console.stack.docker import files

GENERATED: dict[str, Callable[[], str]] = {
    "POSTGRES_PASSWORD": lambda: secrets.token_hex(32),
    "REDIS_PASSWORD": lambda: secrets.token_hex(32),
    "META_VERIFY_TOKEN": lambda: secrets.token_urlsafe(24),
    "FORMS_SECRET": lambda: "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode(),
    "GOOGLE_KEY": lambda: secrets.token_urlsafe(24),
    "TYPEFORM_SECRET": lambda: secrets.token_hex(20),
}
FROM_OUTSIDE = ("META_APP_SECRET", "META_ACCESS_TOKEN")
"""Settings nobody can make up: taken from the environment if they are there."""


def new_settings(env: Mapping[str, str] | None = None) -> str:
    """The text of a `.env` with made-up secrets; what only the operator knows is taken from `env` or left empty."""
    given = os.environ if env is None else env
    values = {name: make() for name, make in GENERATED.items()}
    values |= {name: _quoted(given[name]) for name in FROM_OUTSIDE if given.get(name)}
    lines = []
    for line in (files.packaged() / ".env.example").read_text(encoding="utf-8").splitlines():
        name, equals, value = line.partition("=")
        lines.append(f"{name}={values[name]}" if equals and not value and name in values else line)
    return "\n".join(lines) + "\n"


def _quoted(value: str) -> str:
    """As Compose and python-dotenv read it back."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
