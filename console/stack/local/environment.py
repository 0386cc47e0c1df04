"""Owns the local stack's settings: the environment over `.env`, secrets made up when missing, a service's share."""

from __future__ import annotations

import base64
import ipaddress
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from api.errors import SettingsError
from api.settings import Settings
from api.sources import SOURCES
from console.errors import StackError
from console.stack.local.places import Places, write_private

WORKER = "worker-1"
"""The worker's name unless set: the same after a restart, so that it finds its own jobs again."""

_BASE = (
    *("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR"),
    *("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "no_proxy", "all_proxy"),
)
_STACK = ("POSTGRES_USER", "POSTGRES_PASSWORD", "POSTGRES_DB", "REDIS_PASSWORD", "REDIS_APPENDFSYNC")
_OWN = frozenset({"DATABASE_URL", "REDIS_URL", "REDIS_HOST", "REDIS_PORT", "HOST", "PORT"})
_TEMPLATE = """\
# Settings of the local stack in this directory. The environment wins over this file.
# POSTGRES_* count when the database is created; the rest at every start.
POSTGRES_USER={POSTGRES_USER}
POSTGRES_PASSWORD={POSTGRES_PASSWORD}
POSTGRES_DB={POSTGRES_DB}
REDIS_PASSWORD={REDIS_PASSWORD}
META_APP_SECRET={META_APP_SECRET}
META_VERIFY_TOKEN={META_VERIFY_TOKEN}
FORMS_SECRET={FORMS_SECRET}
GOOGLE_KEY={GOOGLE_KEY}
TYPEFORM_SECRET={TYPEFORM_SECRET}
# META_ACCESS_TOKEN=
# DEFAULT_REGION=
# PORT=3000
"""


@dataclass(frozen=True, slots=True)
class Environment:
    """All settings of one stack. `settings` by name, without those the stack decides itself; `base` is the machine's.

    `port` is the web port that was asked for, 0 for any. `repr` shows no value.
    """

    settings: dict[str, str] = field(repr=False)
    base: dict[str, str] = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 0

    def database_url(self, port: int, user: str, database: str) -> str:
        """URL of the database, password and all."""
        password = quote(self.settings["POSTGRES_PASSWORD"], safe="")
        return f"postgresql://{quote(user, safe='')}:{password}@127.0.0.1:{port}/{quote(database, safe='')}"

    def redis_url(self, port: int) -> str:
        """URL of Redis, password and all."""
        return f"redis://:{quote(self.settings['REDIS_PASSWORD'], safe='')}@127.0.0.1:{port}/0"

    def web_url(self, port: int) -> str:
        """URL of the web port from this machine."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104 - compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"

    def service(self, database_url: str, redis_url: str, port: int) -> dict[str, str]:
        """The settings that app, worker and migrate get; checked.

        Raises:
            StackError: a setting is wrong; the text names it.
        """
        given = {name: value for name, value in self.settings.items() if name not in _STACK}
        given |= {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "HOST": self.host, "PORT": str(port)}
        given.setdefault("WORKER_NAME", WORKER)
        try:
            Settings.load(given).demand("web")
        except SettingsError as error:
            raise StackError(str(error), "set it in the environment, or in .env in the state directory") from error
        return given


def load(places: Places, env: Mapping[str, str]) -> Environment:
    """The settings as they are now, with secrets made up (and kept in `.env`) where there are none.

    Raises:
        StackError: `.env` cannot be read or written, or a setting of the stack itself is wrong.
    """
    given = {name: value for name in names() if (value := env.get(name, "").strip())}
    filed = _read(places.env_file)
    if filed is None:
        filed = _create(places.env_file, given)
    else:
        filed |= _complete(places.env_file, {**filed, **given})
    merged = _merge(filed, given)
    fsync = merged.get("REDIS_APPENDFSYNC", "always")
    if fsync not in ("always", "everysec", "no"):
        raise StackError("REDIS_APPENDFSYNC is not valid: expected always, everysec or no")
    for name in ("POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "REDIS_PASSWORD"):
        if any(ord(character) < 32 for character in merged.get(name, "")):
            raise StackError(f"{name} holds a control character")
    return Environment(
        settings={name: value for name, value in merged.items() if name not in _OWN},
        base={name: env[name] for name in _BASE if name in env},
        host=_host(filed.get("HOST", ""), given.get("HOST", "")),
        port=_port(merged.get("PORT", "")),
    )


def names() -> list[str]:
    """Every setting of the stack. The service keeps no list of those it knows: watch it ask for them."""
    asked = _Asked()
    Settings.load(asked)
    return [*asked.names, *_STACK]


class _Asked(Mapping[str, str]):
    """An empty environment that remembers what was looked up."""

    def __init__(self) -> None:
        self.names: dict[str, None] = {}

    def __getitem__(self, name: str) -> str:
        self.names[name] = None
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _read(path: Path) -> dict[str, str] | None:
    """The file's settings that are not empty; None when there is no file."""
    from dotenv import dotenv_values

    try:
        with path.open(encoding="utf-8") as source:
            found = dotenv_values(stream=source, interpolate=False)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise StackError(f"{path} cannot be read: {reason}") from error
    return {name: value for name, value in found.items() if value}


def _made_up() -> dict[str, str]:
    """A new value of every secret."""
    return {
        "POSTGRES_PASSWORD": secrets.token_hex(16),
        "REDIS_PASSWORD": secrets.token_hex(16),
        "META_APP_SECRET": secrets.token_hex(16),
        "META_VERIFY_TOKEN": secrets.token_urlsafe(18),
        "FORMS_SECRET": "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode(),
        "GOOGLE_KEY": secrets.token_urlsafe(24),
        "TYPEFORM_SECRET": secrets.token_hex(20),
    }


def _create(path: Path, given: Mapping[str, str]) -> dict[str, str]:
    values = {"POSTGRES_USER": "leads", "POSTGRES_DB": "leads", **_made_up()}
    # What the database is created with must be found again by a later start without that environment.
    values |= {name: value for name, value in given.items() if name in _STACK and name in values}
    _write(path, _TEMPLATE.format(**{name: _quoted(value) for name, value in values.items()}))
    return values


def _complete(path: Path, have: Mapping[str, str]) -> dict[str, str]:
    """Add the secrets without which nothing starts to a file that lacks them.

    A source whose secret is missing is switched off by that: one is made up only where no webhook could be verified.
    """
    there = {name.removesuffix("_FILE") for name in have}
    wanted = {name for name in ("POSTGRES_PASSWORD", "REDIS_PASSWORD") if name not in have}
    if not there & {source.secret for source in SOURCES.values()}:
        wanted.add("META_APP_SECRET")
    if "META_APP_SECRET" in there | wanted and "META_VERIFY_TOKEN" not in there:
        wanted.add("META_VERIFY_TOKEN")
    missing = {name: value for name, value in _made_up().items() if name in wanted}
    if missing:
        text = path.read_text(encoding="utf-8")
        lines = "".join(f"{name}={value}\n" for name, value in missing.items())
        _write(path, text + ("" if text.endswith("\n") or not text else "\n") + lines)
    return missing


def _write(path: Path, text: str) -> None:
    try:
        write_private(path, text.encode())
    except OSError as error:
        raise StackError(f"{path} cannot be written: {error.strerror}") from error


def _quoted(value: str) -> str:
    """As python-dotenv and Compose read it back; both leave single quotes' insides alone but for \\' and \\\\."""
    if value.isascii() and value.replace("_", "").replace("-", "").replace("/", "").replace("+", "").isalnum():
        return value
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _merge(filed: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Environment over file; NAME there replaces NAME_FILE here, and the other way round."""
    replaced = {twin for name in given for twin in (f"{name}_FILE", name.removesuffix("_FILE")) if twin != name}
    merged = {name: value for name, value in filed.items() if name not in replaced} | dict(given)
    merged.setdefault("POSTGRES_USER", "leads")
    merged.setdefault("POSTGRES_DB", merged["POSTGRES_USER"])
    return merged


def _host(filed: str, given: str) -> str:
    """Where the web port listens: this machine only, unless told an address. Some shells export HOST as a name."""
    for value in (given, filed):
        try:
            return "127.0.0.1" if value == "localhost" else str(ipaddress.ip_address(value))
        except ValueError:
            continue
    return "127.0.0.1"


def _port(value: str) -> int:
    if not value:
        return 0
    if not value.isascii() or not value.isdigit() or not 0 < int(value) < 65_536:
        raise StackError("PORT is not valid: expected a whole number from 1 to 65535")
    return int(value)


def path_environment(env: Mapping[str, str]) -> dict[str, str]:
    """What a program needs that gets no settings: the base names, and a PATH in any case."""
    return {"PATH": os.defpath} | {name: env[name] for name in _BASE if name in env}
