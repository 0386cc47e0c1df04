"""Owns the typed reading of environment variables and of the files that hold secrets."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from api.errors import SettingsError


class Environment:
    """Typed reads of variables; every error names the variable, and never holds its value."""

    def __init__(self, env: Mapping[str, str], secrets: Collection[str]) -> None:
        """`secrets` are those that may be given by NAME_FILE."""
        self._env = env
        self._secrets = secrets

    def text(self, name: str) -> str:
        """The value without outer whitespace, from NAME or (a secret) from the file NAME_FILE; "" if unset."""
        value = self._env.get(name, "").strip()
        path = self._env.get(f"{name}_FILE", "").strip() if name in self._secrets else ""
        if path and value:
            raise SettingsError(f"{name} and {name}_FILE are both set: expected one of them")
        if path:
            value = _read(f"{name}_FILE", path)
        if "\0" in value or "\n" in value or "\r" in value:
            raise SettingsError(f"{name} holds a line break or NUL: expected one line")
        return value

    def parts(self, name: str) -> list[str]:
        """The comma-separated values; an empty part is an error, as it could only verify an empty key."""
        value = self.text(name)
        parts = [part.strip() for part in value.split(",")] if value else []
        if not all(parts):
            raise SettingsError(f"{name} has an empty part: expected values separated by commas")
        return parts

    def matching(self, name: str, default: str, pattern: re.Pattern[str], expected: str) -> str:
        """The value, or `default`, if all of it fits the pattern; `expected` says so to the operator."""
        value = self.text(name) or default
        if not pattern.fullmatch(value):
            raise SettingsError(f"{name} is not valid: expected {expected}")
        return value

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number within bounds, or `default`."""
        value = self.text(name)
        if not value:
            return default
        if not re.fullmatch(r"[0-9]{1,12}", value) or not low <= int(value) <= high:
            raise SettingsError(f"{name} is not valid: expected a whole number from {low} to {high}")
        return int(value)

    def number(self, name: str, default: float, low: float, high: float) -> float:
        """Seconds within bounds, or `default`."""
        value = self.text(name)
        if not value:
            return default
        if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,6})?", value) or not low <= float(value) <= high:
            raise SettingsError(f"{name} is not valid: expected seconds from {low:g} to {high:g}")
        return float(value)


def _read(name: str, path: str) -> str:
    try:
        value = Path(path).read_text(encoding="utf-8").strip()
    except UnicodeDecodeError:
        raise SettingsError(f"{name} cannot be read: the file is not UTF-8") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a path"
        raise SettingsError(f"{name} cannot be read: {reason}") from None
    if not value:
        raise SettingsError(f"{name} names an empty file")
    return value
