"""Owns what the console is told: which stack, where it is, how it may be touched. From options and environment.

Names in the environment: LEADSCTL_RUNTIME, LEADSCTL_DIR, LEADSCTL_PROJECT, LEADSCTL_ENV_FILE, LEADSCTL_REDIS_URL,
LEADSCTL_DATABASE_URL, LEADSCTL_READ_ONLY, LEADSCTL_DEBUG; COMPOSE_PROJECT_NAME and COMPOSE_FILE as Compose reads them.
An option wins over the environment. `repr` shows no URL, because URLs carry passwords.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from console.errors import UsageError

RUNTIMES = ("docker", "local")

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"", "0", "false", "no", "off"})


def operator_name() -> str:
    """`user@host` of whoever runs the console; the numeric user id where it has no name."""
    import getpass
    import socket

    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the console was told.

    Attributes:
        runtime: "docker" or "local".
        directory: local: the state directory; docker: the folder with the compose files and `.env`. None: the default.
        project: Compose project, "" for the default.
        files: compose files, the base first; empty: those in `directory`.
        env_file: the stack's settings, None: `.env` in `directory`.
        redis_url: given by the operator, "" to ask the runtime. `database_url` likewise.
        read_only: every verb that changes something is refused.
        operator: who acts, for the record.
    """

    runtime: str = "docker"
    directory: Path | None = None
    project: str = ""
    files: tuple[Path, ...] = ()
    env_file: Path | None = None
    redis_url: str = field(default="", repr=False)
    database_url: str = field(default="", repr=False)
    read_only: bool = False
    operator: str = field(default_factory=operator_name)

    @classmethod
    def load(
        cls,
        env: Mapping[str, str] | None = None,
        *,
        runtime: str = "",
        directory: Path | None = None,
        project: str = "",
        files: tuple[Path, ...] = (),
        env_file: Path | None = None,
        redis_url: str = "",
        database_url: str = "",
        read_only: bool = False,
    ) -> Settings:
        """Options over environment over defaults.

        Raises:
            UsageError: a value that makes no sense, naming where it came from.
        """
        source = os.environ if env is None else env
        return cls(
            runtime=runtime or _runtime(source),
            directory=directory or _path(source, "LEADSCTL_DIR"),
            project=project or source.get("LEADSCTL_PROJECT", "") or source.get("COMPOSE_PROJECT_NAME", ""),
            files=files or _compose_files(source),
            env_file=env_file or _path(source, "LEADSCTL_ENV_FILE"),
            redis_url=_url(redis_url or source.get("LEADSCTL_REDIS_URL", ""), ("redis", "rediss"), "Redis"),
            database_url=_url(
                database_url or source.get("LEADSCTL_DATABASE_URL", ""), ("postgresql", "postgres"), "database"
            ),
            read_only=read_only or _flag(source, "LEADSCTL_READ_ONLY"),
        )


def state_dir() -> Path:
    """Where the console keeps its own files (debug reports), by the platform's custom; not created here."""
    from platformdirs import user_state_path

    return user_state_path("leadsctl", appauthor=False)


def debugging(env: Mapping[str, str] | None = None) -> bool:
    """Whether LEADSCTL_DEBUG asks for tracebacks in a file. Anything but a clear no counts as yes."""
    return (os.environ if env is None else env).get("LEADSCTL_DEBUG", "").lower() not in _FALSE


def _runtime(env: Mapping[str, str]) -> str:
    value = env.get("LEADSCTL_RUNTIME", "") or "docker"
    if value not in RUNTIMES:
        raise UsageError("LEADSCTL_RUNTIME is neither docker nor local", "set it to docker or local, or unset it")
    return value


def _path(env: Mapping[str, str], name: str) -> Path | None:
    value = env.get(name, "")
    return Path(value).expanduser() if value else None


def _compose_files(env: Mapping[str, str]) -> tuple[Path, ...]:
    """COMPOSE_FILE, split as Compose does (https://docs.docker.com/compose/how-tos/environment-variables/envvars/)."""
    separator = env.get("COMPOSE_PATH_SEPARATOR", "") or os.pathsep
    return tuple(Path(part) for part in env.get("COMPOSE_FILE", "").split(separator) if part)


def _flag(env: Mapping[str, str], name: str) -> bool:
    value = env.get(name, "").lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise UsageError(f"{name} is neither yes nor no", f"set {name}=1, or unset it")


def _url(value: str, schemes: tuple[str, ...], what: str) -> str:
    """The URL as given. The message names the kind only: a URL holds a password."""
    if value and value.split("://", 1)[0] not in schemes:
        raise UsageError(
            f"the {what} URL does not begin with {schemes[0]}://",
            "see --redis-url and --database-url in leadsctl --help",
        )
    return value
