"""Owns the service's settings: reads them from the environment, checks each, and keeps secrets out of sight.

Every secret can also be given by NAME_FILE, the path of a file that holds it (Docker and Swarm secrets).
An empty variable counts as unset, because Compose passes `${NAME:-}` on as an empty text.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from api import address
from api.environment import Environment
from api.errors import SettingsError

SECRETS = frozenset(
    {
        "DATABASE_URL",
        "FORMS_SECRET",
        "META_ACCESS_TOKEN",
        "META_ACCESS_TOKENS",
        "META_APP_SECRET",
        "META_VERIFY_TOKEN",
        "REDIS_PASSWORD",
        "REDIS_URL",
    }
)
"""Settings that are never shown and may be given by NAME_FILE; beside these, the `secret` of every source."""

LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "warn": "warning", "error": "error"}

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_REGION = re.compile(r"(?:[A-Za-z]{2})?")
_VERSION = re.compile(r"v[0-9]{1,3}\.[0-9]{1,2}")
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")
_UNQUOTED = re.compile(r"%(?![0-9A-Fa-f]{2})|%00|\s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the service can be told. Times are seconds, sizes bytes. `repr` shows no secret.

    Attributes:
        redis_url: from REDIS_URL, else made of REDIS_HOST, REDIS_PORT and REDIS_PASSWORD; "" if neither is set.
        database_url: "" if unset.
        meta_app_secrets: keys that sign Meta's webhooks, the current one first; empty: Meta is switched off.
        meta_access_tokens: page id → token; `meta_access_token` serves every other page.
        forms_secrets: decoded Standard Webhooks keys; empty: the forms endpoint is switched off.
        source_secrets: setting → its keys, of every other source's `secret` that is set (GOOGLE_KEY, TYPEFORM_SECRET).
        default_region: country (ISO 3166) of phone numbers that do not say theirs; "": these stay as typed.
        web_processes: that serve the port; the limits below are each one's.
        max_body_bytes: of one request; `max_buffered_bytes` of all bodies held at once.
        body_timeout: how long a client may take to send a body.
        retry_base: before the second attempt after a temporary error; it doubles from attempt to attempt, and other
            errors' delays keep their proportion to it.
        visibility_timeout: in flight longer than this, a job counts as stuck and is taken over.
        sla_s: waiting longer than this with workers up, a job counts as stuck.
        worker_prefetch: jobs a worker may hold at once: enough for as many batches as are written at once and the next.
        drain_timeout: how long a stopping process waits for what it has begun.
    """

    redis_url: str = field(default="", repr=False)
    database_url: str = field(default="", repr=False)
    meta_app_secrets: tuple[bytes, ...] = field(default=(), repr=False)
    meta_verify_token: str = field(default="", repr=False)
    meta_access_token: str = field(default="", repr=False)
    meta_access_tokens: dict[str, str] = field(default_factory=dict, repr=False)
    meta_graph_url: str = "https://graph.facebook.com"
    meta_graph_version: str = "v25.0"
    graph_timeout: float = 10.0
    forms_secrets: tuple[bytes, ...] = field(default=(), repr=False)
    source_secrets: dict[str, tuple[bytes, ...]] = field(default_factory=dict, repr=False)
    default_region: str = ""
    host: str = "0.0.0.0"  # noqa: S104 - a container's port is published by the engine, not by this bind
    port: int = 3000
    web_processes: int = 1
    max_body_bytes: int = 3_500_000
    max_buffered_bytes: int = 96_000_000
    max_requests: int = 2_000
    body_timeout: float = 15.0
    queue_namespace: str = "leads"
    max_attempts: int = 8
    retry_base: float = 30.0
    visibility_timeout: float = 60.0
    sla_s: float = 300.0
    worker_name: str = "worker"
    worker_batch: int = 1_000
    worker_prefetch: int = 5_000
    drain_timeout: float = 20.0
    log_level: str = "info"

    @classmethod
    def load(cls, env: Mapping[str, str] | None = None) -> Settings:
        """Read and check every setting that is there; `demand` says what a command cannot do without.

        Raises:
            SettingsError: one line that begins with the setting's name and never holds its value if it is a secret.
        """
        # Late: the sources know these settings.
        from api.sources import SOURCES

        own_secrets = sorted({made.secret for made in SOURCES.values()} - SECRETS)
        source = Environment(os.environ if env is None else env, SECRETS.union(own_secrets))
        batch = source.integer("WORKER_BATCH", 1_000, 1, 1_000)
        return cls(
            redis_url=_redis_url(source),
            database_url=_database_url(source),
            meta_app_secrets=_keys(source, "META_APP_SECRET"),
            meta_verify_token=source.text("META_VERIFY_TOKEN"),
            meta_access_token=_access_token("META_ACCESS_TOKEN", source.text("META_ACCESS_TOKEN")),
            meta_access_tokens=_access_tokens(source),
            meta_graph_url=_graph_url(source),
            meta_graph_version=source.matching("META_GRAPH_VERSION", "v25.0", _VERSION, "a version such as v25.0"),
            graph_timeout=source.number("GRAPH_TIMEOUT", 10.0, 0.1, 300.0),
            forms_secrets=_forms_secrets(source),
            source_secrets={name: keys for name in own_secrets if (keys := _keys(source, name))},
            default_region=source.matching(
                "DEFAULT_REGION", "", _REGION, "two letters of a country, such as DE"
            ).upper(),
            host=source.text("HOST") or "0.0.0.0",  # noqa: S104 - see above
            port=source.integer("PORT", 3000, 1, 65_535),
            web_processes=source.integer("WEB_PROCESSES", 1, 1, 64),
            max_body_bytes=source.integer("MAX_BODY_BYTES", 3_500_000, 1, 100_000_000),
            max_buffered_bytes=source.integer("MAX_BUFFERED_BYTES", 96_000_000, 1, 10_000_000_000),
            max_requests=source.integer("MAX_REQUESTS", 2_000, 1, 100_000),
            body_timeout=source.number("BODY_TIMEOUT", 15.0, 0.1, 600.0),
            queue_namespace=source.matching("QUEUE_NAMESPACE", "leads", _NAME, "1 to 64 of A-Z a-z 0-9 . _ -"),
            max_attempts=source.integer("MAX_ATTEMPTS", 8, 1, 1_000),
            retry_base=source.number("RETRY_BASE_S", 30.0, 0.01, 3_600.0),
            visibility_timeout=source.number("VISIBILITY_TIMEOUT", 60.0, 0.1, 86_400.0),
            sla_s=source.number("SLA_SECONDS", 300.0, 0.1, 604_800.0),
            worker_name=source.matching("WORKER_NAME", _host_name(), _NAME, "1 to 64 of A-Z a-z 0-9 . _ -"),
            worker_batch=batch,
            worker_prefetch=source.integer("WORKER_PREFETCH", 5 * batch, batch, 10_000),
            drain_timeout=source.number("DRAIN_TIMEOUT", 20.0, 0.0, 600.0),
            log_level=_log_level(source),
        )

    def keys_of(self, secret: str) -> tuple[bytes, ...]:
        """The keys in a source's secret, the current one first; empty if it is unset."""
        own = {"META_APP_SECRET": self.meta_app_secrets, "FORMS_SECRET": self.forms_secrets}
        return own.get(secret) or self.source_secrets.get(secret, ())

    def demand(self, command: str) -> Settings:
        """Check that what `command` (web, worker or migrate) cannot do without is set; returns itself.

        Raises:
            SettingsError: naming the first setting that is missing.
        """
        if not self.database_url:
            raise SettingsError("DATABASE_URL is not set: expected postgresql://user:password@host:5432/database")
        if command == "migrate":
            return self
        if not self.redis_url:
            raise SettingsError("REDIS_URL is not set, nor is REDIS_HOST: expected one of them")
        if command == "web":
            self._demand_sources()
        if command == "worker":
            self._demand_region()
        return self

    def _demand_sources(self) -> None:
        from api.sources import SOURCES

        if not self.meta_app_secrets and not self.forms_secrets and not self.source_secrets:
            first, *others = (made.secret for made in SOURCES.values())
            raise SettingsError(f"{first} is not set, nor is {', '.join(others)}: no webhook could be verified")
        if self.meta_app_secrets and not self.meta_verify_token:
            raise SettingsError("META_VERIFY_TOKEN is not set: Meta could not subscribe this endpoint")

    def _demand_region(self) -> None:
        from api.fields import knows_region

        if self.default_region and not knows_region(self.default_region):
            raise SettingsError("DEFAULT_REGION is not valid: no country has these two letters")


def _split(name: str, url: str, schemes: tuple[str, ...], example: str) -> None:
    """Check scheme, host and port of a URL without ever repeating it."""
    if address.split(url, schemes) is None:
        raise SettingsError(f"{name} is not valid: expected {example}")


def _redis_url(source: Environment) -> str:
    url = source.text("REDIS_URL")
    if url:
        try:
            return address.redis(url)
        except ValueError as error:
            raise SettingsError(f"REDIS_URL is not valid: {error}") from None
    host = source.text("REDIS_HOST")
    port = source.integer("REDIS_PORT", 6379, 1, 65_535)
    password = source.text("REDIS_PASSWORD")
    if not host:
        return ""
    if not _HOST.fullmatch(host) or not address.is_host(host):
        raise SettingsError("REDIS_HOST is not valid: expected a host name or an address, without a port")
    login = f":{quote(password, safe='')}@" if password else ""
    return f"redis://{login}{f'[{host}]' if ':' in host else host}:{port}/0"


def _database_url(source: Environment) -> str:
    url = source.text("DATABASE_URL")
    if url:
        _split("DATABASE_URL", url, ("postgresql", "postgres"), "postgresql://user:password@host:5432/database")
        if _UNQUOTED.search(url):
            raise SettingsError("DATABASE_URL is not valid: expected % and blanks in it written as %25 and %20")
    return url


def _graph_url(source: Environment) -> str:
    url = source.text("META_GRAPH_URL") or "https://graph.facebook.com"
    _split("META_GRAPH_URL", url, ("https", "http"), "https://graph.facebook.com")
    return url.rstrip("/")


def _keys(source: Environment, name: str) -> tuple[bytes, ...]:
    return tuple(part.encode() for part in source.parts(name))


def _forms_secrets(source: Environment) -> tuple[bytes, ...]:
    keys = []
    for part in source.parts("FORMS_SECRET"):
        try:
            key = base64.b64decode(part.removeprefix("whsec_"), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not part.startswith("whsec_") or not key:
            raise SettingsError("FORMS_SECRET is not valid: expected whsec_ followed by base64")
        keys.append(key)
    return tuple(keys)


def _access_tokens(source: Environment) -> dict[str, str]:
    value = source.text("META_ACCESS_TOKENS")
    if not value:
        return {}
    try:
        tokens: Any = json.loads(value)
    except (ValueError, RecursionError):
        tokens = None
    if not isinstance(tokens, dict) or not all(isinstance(token, str) and token for token in tokens.values()):
        raise SettingsError("META_ACCESS_TOKENS is not valid: expected a JSON object of page id to token")
    return {str(page): _access_token("META_ACCESS_TOKENS", token) for page, token in tokens.items()}


def _access_token(name: str, token: str) -> str:
    """A token travels in a URL and in a header: anything but visible ASCII there is a slip of the pasting hand."""
    if not re.fullmatch(r"[!-~]*", token):
        raise SettingsError(f"{name} is not valid: expected visible ASCII characters only")
    return token


def _log_level(source: Environment) -> str:
    level = LEVELS.get((source.text("LOG_LEVEL") or "info").lower())
    if level is None:
        raise SettingsError("LOG_LEVEL is not valid: expected debug, info, warning or error")
    return level


def _host_name() -> str:
    """This machine's name fit for a consumer: the same after a restart, so that a worker finds its own jobs again."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:64] or "worker"
