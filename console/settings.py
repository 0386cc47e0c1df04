"""Owns what the console is told: which stack, where it is, how it may be touched.

Every option is in console.options; flags win over the environment, that over config.toml (console.config). Besides
these LEADSCTL_CONFIG names that file and LEADSCTL_DEBUG asks for tracebacks. `repr` shows no URL: it has a password.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.errors import UsageError

if TYPE_CHECKING:
    from console.config import Configuration

_OF_COMPOSE = {"project": "--project", "files": "--file", "profiles": "--profile", "env_file": "--env-file"}
_NO = frozenset({"", "0", "false", "no", "off"})


def operator_name() -> str:
    """`user@host` of whoever runs the console; the numeric user id where it has no name."""
    import getpass
    import socket

    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def _defaults() -> Configuration:
    from console.config import defaults

    return defaults()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the console was told.

    Attributes:
        runtime: "docker" or "local".
        directory: local: the state directory; docker: the folder with the compose files and `.env`. None: the default.
        project: Compose project, "" for the default.
        files: compose files, the base first; empty: those in `directory`.
        profiles: Compose profiles; empty: those that the stack's `.env` names.
        env_file: the stack's settings, None: `.env` in `directory`.
        redis_url: given by the operator, "" to ask the runtime. `database_url` likewise.
        read_only: every verb that changes something is refused.
        operator: who acts, for the record.
        config: every option with where its value came from.
    """

    runtime: str = "docker"
    directory: Path | None = None
    project: str = ""
    files: tuple[Path, ...] = ()
    profiles: tuple[str, ...] = ()
    env_file: Path | None = None
    redis_url: str = field(default="", repr=False)
    database_url: str = field(default="", repr=False)
    read_only: bool = False
    operator: str = field(default_factory=operator_name)
    config: Configuration = field(default_factory=_defaults, repr=False, compare=False)

    @classmethod
    def load(cls, env: Mapping[str, str] | None = None, *, flags: Mapping[str, Any] | None = None) -> Settings:
        """Flags by option name over environment over config.toml over defaults.

        Raises:
            UsageError: a value makes no sense, naming where it came from, or a flag is one that the runtime cannot use.
        """
        from console.config import load

        config = load(flags, env)
        unused = [flag for name, flag in _OF_COMPOSE.items() if config.values[name].origin == "flag"]
        if config["runtime"] == "local" and unused:
            raise UsageError(f"{unused[0]} is for a stack on Docker", "a local stack is named by its folder: --dir")
        return cls(
            runtime=config["runtime"],
            directory=config["dir"],
            project=config["project"],
            files=config["files"],
            profiles=config["profiles"],
            env_file=config["env_file"],
            redis_url=config["redis_url"],
            database_url=config["database_url"],
            read_only=config["read_only"],
            operator=config["operator"] or operator_name(),
            config=config,
        )

    @property
    def to_write(self) -> str:
        """How to get a console that changes things, by what made this one read-only."""
        from console.options import BY_NAME

        origin = self.config.values["read_only"].origin
        if origin in ("flag", "default"):
            return "start it without --read-only"
        if origin in BY_NAME["read_only"].env:
            return f"start it with {origin} unset"
        return f"take read_only out of {origin}"


def state_dir() -> Path:
    """Where the console keeps its own files (debug reports), by the platform's custom; not created here."""
    from platformdirs import user_state_path

    with at_home():
        return user_state_path("leadsctl", appauthor=False)


@contextmanager
def at_home() -> Iterator[None]:
    """Say in words that a place in the user's home directory is asked for and there is none.

    A container that runs as a user of its own, whom passwd does not know, may have no HOME either.

    Raises:
        UsageError: so it is.
    """
    try:
        yield
    except RuntimeError:
        raise UsageError("this user has no home directory", "set HOME to a folder that is theirs") from None


def debugging(env: Mapping[str, str] | None = None) -> bool:
    """Whether LEADSCTL_DEBUG asks for tracebacks in a file. Anything but a clear no counts as yes."""
    return (os.environ if env is None else env).get("LEADSCTL_DEBUG", "").lower() not in _NO
