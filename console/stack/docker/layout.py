"""Lays a stack's files out in a folder, and brings older ones up to this version keeping what was edited there.

What was written is remembered in `compose/.leadsctl.json` as a SHA-256 a file: a file that still has it was not edited
and is replaced; one that was edited stays, and the new version is put beside it as NAME.new. `.env` is never replaced:
settings that are new in this version, and required ones that it lacks, are added at its end.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import msgspec

from console.errors import StackError
from console.stack.docker import files

RECORD = "compose/.leadsctl.json"
ENV = f"compose/{files.ENV}"
_SKIPPED = ("__pycache__", ".pyc")


class What(StrEnum):
    """What becomes of a file."""

    NEW = "new"
    SAME = "same"
    UPDATED = "updated"
    EDITED = "edited"
    REMOVED = "removed"
    ADDED = "added to"


class _Record(msgspec.Struct, frozen=True):
    """What is in RECORD."""

    files: dict[str, str]
    settings: list[str] | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One file of the stack: its path in the folder, what becomes of it, and the settings added to `.env`."""

    path: str
    what: What
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What writing a stack to a folder would change."""

    directory: Path
    changes: tuple[Change, ...]
    content: Mapping[str, bytes]
    env: str

    @property
    def overwrites(self) -> tuple[Change, ...]:
        """What was there before and would be another."""
        return tuple(one for one in self.changes if one.what in (What.UPDATED, What.REMOVED, What.ADDED))

    @property
    def edited(self) -> tuple[Change, ...]:
        """What stays as it was edited."""
        return tuple(one for one in self.changes if one.what is What.EDITED)


def plan(directory: Path, env: str) -> Plan:
    """What `apply` would do. `env` is the text of a whole new `.env`, secrets made up already; "" leaves `.env` alone.

    Raises:
        OSError: what is in the directory cannot be read.
    """
    content = dict(_shipped())
    known, offered = _record(directory)
    changes = [_change(directory, path, content[path], known.get(path)) for path in sorted(content)]
    gone = sorted(set(known) - set(content))
    changes += [Change(path, What.REMOVED) for path in gone if _digest(directory / path) == known[path]]
    if env and (change := _settings_change(directory, env, offered)) is not None:
        changes.append(change)
    return Plan(directory, tuple(changes), content, env)


def _settings_change(directory: Path, env: str, offered: frozenset[str] | None) -> Change | None:
    try:
        there = settings_in((directory / ENV).read_text(encoding="utf-8", errors="surrogateescape"))
    except FileNotFoundError:
        return Change(ENV, What.NEW)
    required = _required()
    lacking = tuple(
        name
        for name in settings_in(env)
        if name not in there
        and f"{name}_FILE" not in there
        and (name in required or (offered is not None and name not in offered))
    )
    return Change(ENV, What.ADDED, lacking) if lacking else None


def apply(made: Plan) -> files.StackFiles:
    """Do what was planned; where the stack is now.

    Raises:
        OSError: the directory cannot be written; what had been written by then stays.
    """
    directory = made.directory
    for change in made.changes:
        path = directory / change.path
        if change.path == ENV:
            _write_env(path, change, made.env)
        elif change.what in (What.NEW, What.UPDATED):
            _write(path, made.content[change.path])
        elif change.what is What.EDITED:
            _write(path.with_name(f"{path.name}.new"), made.content[change.path])
        elif change.what is What.REMOVED:
            path.unlink(missing_ok=True)
    written = {path: hashlib.sha256(body).hexdigest() for path, body in made.content.items()}
    _, offered = _record(directory)
    names = sorted({*settings_in(made.env), *(offered or ())}) if made.env or offered else None
    _write(directory / RECORD, json.dumps({"files": written, "settings": names}, indent=1).encode() + b"\n")
    return files.StackFiles(((directory / "compose" / files.BASE).resolve(),), (directory / ENV).resolve())


def _change(directory: Path, path: str, body: bytes, written: str | None) -> Change:
    found = _digest(directory / path)
    if found is None:
        return Change(path, What.NEW)
    if found == hashlib.sha256(body).hexdigest():
        return Change(path, What.SAME)
    return Change(path, What.UPDATED if found == written else What.EDITED)


def _shipped() -> Iterator[tuple[str, bytes]]:
    """Every file that belongs to a stack, by its path in the stack's folder."""
    import api

    for name, folder in (("compose", files.packaged()), ("api", Path(api.__file__).parent)):
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(folder)
            if path.is_file() and not _left_out(relative):
                yield f"{name}/{relative.as_posix()}", path.read_bytes()
    yield ".dockerignore", files.DOCKERIGNORE.encode()


def _left_out(path: Path) -> bool:
    mine = path.name != ".env.example" and path.name.startswith(".env")
    return mine or path.name == Path(RECORD).name or any(part.endswith(_SKIPPED) for part in path.parts)


def _record(directory: Path) -> tuple[dict[str, str], frozenset[str] | None]:
    """SHA-256 by path of what was written last time, and the settings that were offered then (None: nobody knows)."""
    try:
        found = msgspec.json.decode((directory / RECORD).read_bytes(), type=_Record)
    except (OSError, msgspec.MsgspecError):
        return {}, None
    files_of = {path: digest for path, digest in found.files.items() if _inside(path)}
    return files_of, None if found.settings is None else frozenset(found.settings)


def _inside(path: str) -> bool:
    parts = Path(path).parts
    return not Path(path).is_absolute() and ".." not in parts and path not in (ENV, RECORD)


def _digest(path: Path) -> str | None:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except (FileNotFoundError, NotADirectoryError):
        return None


def settings_in(text: str) -> dict[str, str]:
    """NAME → the line of a `.env` that sets it."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#") and "=" in line]
    return {line.partition("=")[0].strip().removeprefix("export ").strip(): line for line in lines}


def set_setting(env_file: Path, name: str, value: str) -> None:
    """Put a setting into a `.env`, in place of its present line if there is one; everything else stays as it is.

    Raises:
        StackError: it cannot be read or written.
    """
    try:
        text = env_file.read_text(encoding="utf-8", errors="surrogateescape")
        lines = text.splitlines()
        at = [n for n, line in enumerate(lines) if name in settings_in(line)] or [len(lines)]
        lines[at[-1] : at[-1] + 1] = [f"{name}={value}"]
        mode = stat.S_IMODE(env_file.stat().st_mode)
        _write(env_file.resolve(), ("\n".join(lines) + "\n").encode(errors="surrogateescape"), mode)
    except OSError as error:
        raise StackError(f"{env_file} cannot be written: {error.strerror}", f"set {name} there") from None


def _required() -> frozenset[str]:
    """The settings without which Compose refuses to start the stack."""
    text = (files.packaged() / files.BASE).read_text(encoding="utf-8")
    return frozenset(re.findall(r"\$\{([A-Z_]+):\?", text))


def _write_env(path: Path, change: Change, text: str) -> None:
    """A new `.env`, for its owner only; or the settings that it lacks, at its end."""
    if change.what is What.ADDED:
        old, new = path.read_text(encoding="utf-8", errors="surrogateescape"), settings_in(text)
        lines = "".join(f"{new[name]}\n" for name in change.names)
        text = f"{old.rstrip()}\n\n# New in this version; .env.example says what they are.\n{lines}"
    _write(path, text.encode(errors="surrogateescape"), stat.S_IRUSR | stat.S_IWUSR)


def _write(path: Path, body: bytes, mode: int = 0o644) -> None:
    """Put a file in its place at once, whole; never through a link that stands there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    opener: Callable[[str, int], int] = lambda name, flags: os.open(name, flags | os.O_EXCL, mode)  # noqa: E731
    with open(part, "wb", opener=opener) as file:
        file.write(body)
    part.replace(path)
