"""Owns what opens a shell, psql or redis-cli beside a local service: with the environment that its programs have."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from console.errors import StackError
from console.foreground import Foreground
from console.stack.local.places import Access, Kept, Places
from console.stack.local.processes import MARK

REDIS_CLIS = ("redis-cli", "valkey-cli")


def foreground(
    places: Places, kept: Kept, access: Access, service: str, words: Sequence[str], *, tool: str, env: Mapping[str, str]
) -> Foreground:
    """See console.ports.Runtime.foreground. `env` is the operator's, of which terminal and language are kept.

    Raises:
        StackError: the service was never started, or the program is not on this machine.
    """
    spec = _spec(places, service)
    own = {name: value for name, value in env.items() if name in ("TERM", "COLORTERM", "LANG", "EDITOR", "PAGER")}
    inside = {name: value for name, value in {**own, **spec["env"]}.items() if name != MARK}
    path = inside.get("PATH", os.defpath)
    if service == "db":
        path = f"{kept.postgres_bin}{os.pathsep}{path}"
        inside |= {**postgres_environment(access.database_url), "PSQL_HISTORY": os.devnull}
    elif service == "redis":
        path = f"{Path(spec['argv'][0]).parent}{os.pathsep}{path}"
        login = urlsplit(access.redis_url)
        inside |= {"REDISCLI_AUTH": unquote(login.password or ""), "REDISCLI_HISTFILE": os.devnull}
        if tool:
            words = ["-p", str(login.port), *words]
    inside["PATH"] = path
    program = _program(tool, words, env, path)
    return Foreground(program, inside, str(places.state) if service in ("db", "redis") else str(spec["cwd"]))


def postgres_environment(url: str) -> dict[str, str]:
    """How libpq's programs find the database (https://www.postgresql.org/docs/current/libpq-envars.html)."""
    parts = urlsplit(url)
    return {
        "PGHOST": parts.hostname or "127.0.0.1",
        "PGPORT": str(parts.port or 5432),
        "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": unquote(parts.path.lstrip("/")),
    }


def _spec(places: Places, service: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads((places.run / f"{service}.spec").read_bytes())
    except (OSError, ValueError):
        raise StackError(f"{service} was never started here", places.up) from None
    return found


def _program(tool: str, words: Sequence[str], env: Mapping[str, str], path: str) -> tuple[str, ...]:
    if not tool:
        return tuple(words) or (env.get("SHELL") or "/bin/sh",)
    names = REDIS_CLIS if tool == "redis-cli" else (tool,)
    found = next(filter(None, (shutil.which(name, path=path) for name in names)), None)
    if found is None:
        raise StackError(f"{tool} is not on this machine", "install it: Debian has it in redis-tools")
    return (found, *words)
