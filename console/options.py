"""Owns the table of all options: name in `config.toml`, names in the environment, how a value is read, the default.

An option `check.max_age` is `max_age` in the table `[check]` of config.toml, LEADSCTL_CHECK_MAX_AGE in the environment
and, where a command has it, the flag `--max-age`. Readers take text (from the environment) or a TOML value.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RUNTIMES = ("docker", "local")

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"", "0", "false", "no", "off"})
_AGE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s*(s|m|h|d|w|)")
_MEMORY = re.compile(r"([0-9]{1,9})\s*(KB|MB|GB|)")
_BYTES = {"": 1, "KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000}
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that can be configured.

    Attributes:
        name: as in config.toml, "table.key" or "key".
        read: makes the value of text or a TOML value; ValueError says what it should be.
        default: the value where nothing is said.
        help: one line for `leadsctl config show`.
        also: further names in the environment, after its own.
        secret: never shown, and refused in config.toml.
    """

    name: str
    read: Callable[[Any], Any]
    default: Any
    help: str
    also: tuple[str, ...] = ()
    secret: bool = False

    @property
    def env(self) -> tuple[str, ...]:
        """Its names in the environment, the first that is set counts."""
        return (f"LEADSCTL_{self.name.upper().replace('.', '_')}", *self.also)


def one_of(*words: str) -> Callable[[Any], str]:
    """Reads one of some words."""

    def read(value: Any) -> str:
        if value not in words:
            raise ValueError(f"write {' or '.join(words)}")
        return str(value)

    return read


def text(value: Any) -> str:
    """Reads a text."""
    if not isinstance(value, str):
        raise ValueError("write a text in quotes")
    return value


def flag(value: Any) -> bool:
    """Reads yes or no."""
    if isinstance(value, bool):
        return value
    word = str(value).lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError("write true or false")


def count(value: Any) -> int:
    """Reads a number from 0 up."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        value = int(value[:18])
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("write a whole number, 0 or more")
    return value


def percent(value: Any) -> int:
    """Reads a number from 0 to 100."""
    found = count(value.removesuffix("%") if isinstance(value, str) else value)
    if found > 100:
        raise ValueError("write a number from 0 to 100")
    return found


def memory(value: Any) -> int:
    """Reads a number of bytes: a whole number, or "48MB", "1 GB" (powers of 1,000)."""
    found = _MEMORY.fullmatch(value.strip().upper()) if isinstance(value, str) else None
    if found is not None:
        return int(found[1]) * _BYTES[found[2]]
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise ValueError('write bytes, or "48MB", "1GB"')


def age(value: Any) -> float:
    """Reads a duration in seconds: a number, or "90s", "5m", "26h", "3d", "2w"."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e10:
        return float(value)
    found = _AGE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError('write seconds, or "5m", "26h", "3d"')
    return float(found[1]) * _SECONDS[found[2]]


def path(value: Any) -> Path:
    """Reads a path; ~ is the home directory."""
    if not isinstance(value, str) or not value:
        raise ValueError("write a path in quotes")
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise ValueError("there is no such home directory") from None


def paths(value: Any) -> tuple[Path, ...]:
    """Reads several paths: a list, or a text with the platform's separator between them (COMPOSE_PATH_SEPARATOR).

    The text's form is Compose's: https://docs.docker.com/compose/how-tos/environment-variables/envvars/
    """
    if isinstance(value, str):
        separator = os.environ.get("COMPOSE_PATH_SEPARATOR", "") or os.pathsep
        value = [part for part in value.split(separator) if part]
    if not isinstance(value, list):
        raise ValueError("write a list of paths")
    return tuple(path(part) for part in value)


def words(value: Any) -> tuple[str, ...]:
    """Reads several words: a list, or a text with commas between them."""
    if isinstance(value, str):
        value = value.split(",")
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise ValueError("write a list of texts")
    return tuple(word.strip() for word in value if word.strip())


def url(*schemes: str) -> Callable[[Any], str]:
    """Reads a URL of some schemes. The message does not repeat it: a URL holds a password."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or value.split("://", 1)[0] not in schemes:
            raise ValueError(f"it begins with {schemes[0]}://")
        return value

    return read


def redis_url(value: Any) -> str:
    """Reads where Redis is, as the service reads it. The message does not repeat it."""
    from api import address

    return address.redis(url(*address.REDIS)(value))


def database_url(value: Any) -> str:
    """Reads where Postgres is, as the service reads it. The message does not repeat it."""
    given = url("postgresql", "postgres")(value)
    from api.store.address import checked

    return checked(given)


def keys(value: Any) -> dict[str, tuple[str, ...]]:
    """Reads keys by action: a table (TOML, where it is a text) of "place.action" to a key or a list of keys.

    Whether there is such an action, and whether its key is free, is known where the keys are bound.
    """
    if isinstance(value, str):
        try:
            value = tomllib.loads(value)
        except tomllib.TOMLDecodeError:
            raise ValueError("write TOML: queue.retry = 'y'") from None
    if not isinstance(value, dict):
        raise ValueError("write a table: [keys]")
    found: dict[str, tuple[str, ...]] = {}
    for name, wanted in value.items():
        inner = (
            {f"{name}.{action}": each for action, each in wanted.items()}
            if isinstance(wanted, dict)
            else {name: wanted}
        )
        for action, each in inner.items():
            given = [each] if isinstance(each, str) else each
            if not isinstance(given, list) or not given or not all(isinstance(key, str) and key for key in given):
                raise ValueError(f"{str(action)[:60]} is not a key, or a list of keys")
            found[action] = tuple(given)
    return found


OPTIONS: tuple[Option, ...] = (
    Option("runtime", one_of(*RUNTIMES), "docker", "which stack: Compose, or local processes"),
    Option("dir", path, None, "state directory (local), or the folder with the compose files"),
    Option("project", text, "", "Compose project", also=("COMPOSE_PROJECT_NAME",)),
    Option("files", paths, (), "compose files, the base first", also=("COMPOSE_FILE",)),
    Option("profiles", words, (), "Compose profiles", also=("COMPOSE_PROFILES",)),
    Option("env_file", path, None, "the stack's settings, instead of .env"),
    Option("read_only", flag, False, "refuse every verb that changes something"),
    Option("operator", text, "", "who acts, for the record; user@host otherwise"),
    Option("redis_url", redis_url, "", "where the queue is", secret=True),
    Option("database_url", database_url, "", "where the leads are", secret=True),
    Option(
        "tui.theme", one_of("auto", "dark", "light", "terminal"), "auto", "colours; terminal: the sixteen of its own"
    ),
    Option("tui.log_memory", memory, 50_000_000, "memory for log lines; 1,000,000 lines take some 400 MB"),
    Option("check.max_age", age, 300.0, "how long a job may wait before check fails"),
    Option("check.max_stuck", count, 0, "stuck jobs that are still fine"),
    Option("check.max_dead", count, None, "dead letters that are still fine; they only warn where this is not set"),
    Option("check.min_workers", count, 1, "workers that must answer"),
    Option("check.max_disk", percent, 90, "percent of the disk that may be used"),
    Option("check.aof", one_of("always", "everysec"), "everysec", "the weakest appendfsync that does not fail"),
    Option("check.max_backup_age", age, None, "how old the last backup may be; only told where this is not set"),
    Option("backup.dir", path, None, "where backups are written; leadsctl/backups in the user's state otherwise"),
    Option("backup.keep", count, 0, "how many backups stay; 0 keeps all"),
    Option("keys", keys, {}, "other keys for actions of the terminal UI; leadsctl help keys lists them"),
    Option("backup.recipient", text, "", "age public key that backups are encrypted for"),
)

BY_NAME = {option.name: option for option in OPTIONS}
