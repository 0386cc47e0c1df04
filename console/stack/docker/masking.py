"""Owns the resolved compose file without secrets: Compose never gets them, what a file itself holds is masked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from console.errors import StackError
from console.stack.docker import files as stack_files
from console.stack.docker import images
from console.stack.docker.compose import Compose

MASK = "********"
_SECRET = re.compile(r"PASSWORD|PASSWD|SECRET|TOKEN|CREDENTIAL|REDISCLI_AUTH|(^|_)KEYS?($|_)|(^|_)DSN($|_)", re.I)
_PUBLIC = re.compile(r"_FILE$", re.I)
_IN_URL = re.compile(r"(\b[a-z][a-z0-9+.-]*://[^\s:/@\"']*:)[^\s@\"']+(?=@)", re.I)
_ENTRY = re.compile(r"^(\s*(?:- )?)([\w.-]+)(: |=)(.+)$")


def secret(name: str) -> bool:
    """Whether a setting of that name is one that must not be shown."""
    return bool(_SECRET.search(name)) and not _PUBLIC.search(name)


async def configuration(compose: Compose, form: str) -> str:
    """What `docker compose config` prints, as "yaml" or "json", with secrets masked.

    Raises:
        UnreachableError: no Compose v2. StackError: the files are not valid.
    """
    stack = compose.files
    given = {name: MASK for name in stack_files.settings(stack) if secret(name)}
    try:
        given |= images.variables(stack)
    except OSError as error:
        raise StackError(f"{error.filename} cannot be read: {error.strerror}") from None
    text = await compose.config("--format", form, given=given)
    if form == "json":
        return msgspec.json.encode(_masked(msgspec.json.decode(text))).decode()
    return "\n".join(_lines(text.splitlines())) + "\n"


def _masked(value: Any, name: str = "") -> Any:
    """A document with the values of secret names masked, whatever depth they are at."""
    if isinstance(value, dict):
        return {key: _masked(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [_masked(_pair(one) if isinstance(one, str) else one, name) for one in value]
    if isinstance(value, str):
        return MASK if value and secret(name) else _IN_URL.sub(rf"\1{MASK}", value)
    return value


def _pair(text: str) -> str:
    """NAME=value of a list."""
    name, equals, _ = text.partition("=")
    return f"{name}={MASK}" if equals and secret(name) else text


def _lines(lines: list[str]) -> Iterator[str]:
    """The same for YAML as Compose writes it, line by line; a value over several lines goes as a whole."""
    depth = -1
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if depth >= 0 and (indent > depth or not line.strip()):
            continue
        depth = -1
        found = _ENTRY.match(line)
        if found and secret(found[2]) and found[4] not in ('""', "null", "{}", "[]"):
            depth = indent
            yield f"{found[1]}{found[2]}{found[3]}{MASK}"
        else:
            yield _IN_URL.sub(rf"\1{MASK}", line)
