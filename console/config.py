"""Owns where each option's value comes from: a flag, else the environment, else config.toml, else the default."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from console.errors import UsageError
from console.options import BY_NAME, OPTIONS, Option

FILE_ENV = "LEADSCTL_CONFIG"
MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Value:
    """A value and where it came from: "flag", the name in the environment, the file's path, or "default"."""

    option: Option
    value: Any
    origin: str

    @property
    def given(self) -> bool:
        """Whether anybody said it."""
        return self.origin != "default"


@dataclass(frozen=True, slots=True)
class Configuration:
    """All options with their values. `path` is where config.toml is looked for; `found` whether it is there."""

    path: Path
    found: bool
    values: Mapping[str, Value]

    def __getitem__(self, name: str) -> Any:
        return self.values[name].value

    def changed(self, name: str, value: Any) -> Configuration:
        """The same but for the value of one option."""
        return replace(self, values={**self.values, name: replace(self.values[name], value=value)})


def config_path(env: Mapping[str, str] | None = None) -> Path:
    """Where config.toml is: LEADSCTL_CONFIG, or in the user's config directory by the platform's custom.

    Raises:
        UsageError: it lies in a home directory that there is not.
    """
    given = (os.environ if env is None else env).get(FILE_ENV, "")
    if given:
        try:
            return Path(given).expanduser()
        except RuntimeError:
            raise UsageError(f"{FILE_ENV} cannot be {given[:80]!r}: there is no such home directory") from None
    from platformdirs import user_config_path

    from console.settings import at_home

    with at_home():
        return user_config_path("leadsctl", appauthor=False) / "config.toml"


def defaults() -> Configuration:
    """Every option as it is where nobody said anything."""
    return Configuration(Path(), False, {option.name: Value(option, option.default, "default") for option in OPTIONS})


def load(flags: Mapping[str, Any] | None = None, env: Mapping[str, str] | None = None) -> Configuration:
    """Every option's value. `flags` holds what the command line gave by option name; None and empty count as unsaid.

    Raises:
        UsageError: a value makes no sense, config.toml cannot be read, or it has a key that is none; says where.
    """
    source = os.environ if env is None else env
    path = config_path(source)
    filed = _read(path, required=bool(source.get(FILE_ENV)))
    values = {option.name: _resolve(option, flags or {}, source, filed or {}, path) for option in OPTIONS}
    return Configuration(path, filed is not None, values)


def _resolve(
    option: Option, flags: Mapping[str, Any], env: Mapping[str, str], filed: Mapping[str, Any], path: Path
) -> Value:
    given = flags.get(option.name)
    if given is not None and given is not False and given not in ("", ()):
        return Value(option, _checked(option, given, "", flag=True), "flag")
    for name in option.env:
        if env.get(name):
            return Value(option, _checked(option, env[name], name), name)
    if option.name in filed:
        return Value(option, _checked(option, filed[option.name], f"{option.name} in {path}"), str(path))
    return Value(option, option.default, "default")


def _checked(option: Option, value: Any, where: str, *, flag: bool = False) -> Any:
    """The value as it is used. A flag's has been read by the command line already, but for its text's meaning."""
    if flag and not isinstance(value, str):
        return value
    where = where or "--" + option.name.rpartition(".")[2].replace("_", "-")
    try:
        return option.read(value)
    except ValueError as error:
        shown = "used" if option.secret else repr(str(value)[:80])
        raise UsageError(f"{where} cannot be {shown}: {error}") from None


def _read(path: Path, *, required: bool) -> dict[str, Any] | None:
    """The file's values by option name, None where there is no file."""
    try:
        with path.open("rb") as source:
            content = source.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise UsageError(f"{path} is larger than a configuration can be", "it holds a few lines of TOML")
        tables = tomllib.loads(content.decode())
    except (FileNotFoundError, NotADirectoryError):
        if required:
            raise UsageError(f"{path} is not there", f"unset {FILE_ENV}, or give it the path of a file") from None
        return None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError(
            f"{path} is not TOML: {str(error)[:120]}", "leadsctl config show lists what it may hold"
        ) from None
    flat: dict[str, Any] = {}
    for key, value in tables.items():
        table = isinstance(value, dict) and key not in BY_NAME
        flat |= {f"{key}.{name}": each for name, each in value.items()} if table else {key: value}
    for name in flat:
        _demand_known(name, path)
    return flat


def _demand_known(name: str, path: Path) -> None:
    option = BY_NAME.get(name)
    if option is None:
        raise UsageError(f"{path} has {name[:80]!r}, which is no option", "leadsctl config show lists them")
    if option.secret:
        raise UsageError(
            f"{path} holds {name}, which carries a password", f"give it in the environment: {option.env[0]}"
        )
