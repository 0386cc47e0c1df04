"""Owns what is accepted as the URL of a server: a wrong one is found at the start, and never repeated."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, parse_qsl, urlsplit

REDIS = ("redis", "rediss")
HTTP = ("http", "https")

_EXAMPLE = "redis://:password@host:6379/0"
_DATABASE = re.compile(r"/?|/[0-9]{1,9}/?")
_ANY = (re.compile(r".+"), "a text")
_COUNT = (re.compile(r"[0-9]{1,9}"), "a whole number")
_TIME = (re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?"), "a number of seconds")
_SWITCH = (re.compile(r"(?i:true|false|yes|no|1|0)"), "true or false")
_OPTIONS = {
    "db": _COUNT,
    "username": _ANY,
    "password": _ANY,
    "client_name": _ANY,
    "max_connections": _COUNT,
    "health_check_interval": _COUNT,
    "socket_timeout": _TIME,
    "socket_connect_timeout": _TIME,
    "socket_keepalive": _SWITCH,
    "retry_on_timeout": _SWITCH,
}
_TLS_OPTIONS = {
    "ssl_ca_certs": _ANY,
    "ssl_ca_data": _ANY,
    "ssl_ca_path": _ANY,
    "ssl_certfile": _ANY,
    "ssl_keyfile": _ANY,
    "ssl_password": _ANY,
    "ssl_cert_reqs": (re.compile(r"none|optional|required"), "none, optional or required"),
    "ssl_check_hostname": _SWITCH,
    "ssl_min_version": (re.compile(r"771|772"), "771 (TLS 1.2) or 772 (TLS 1.3)"),
}
"""What redis-py takes as text in a URL without the queue's own ways being changed by it, and what each looks like."""


def split(url: str, schemes: tuple[str, ...]) -> SplitResult | None:
    """The URL's parts, None if it has another scheme, or no host or port that could be asked for."""
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        return None
    named = parts.scheme not in REDIS + HTTP or is_host(host)
    return parts if parts.scheme in schemes and port != 0 and named else None


def is_host(host: str) -> bool:
    """Whether it is an address, or a name that a resolver can be asked for: it raises errors of its own for others."""
    if ":" in host:
        try:
            ipaddress.IPv6Address(host)
        except ValueError:
            return False
        return True
    return all(0 < len(label) < 64 for label in host.removesuffix(".").split("."))


def redis(url: str) -> str:
    """The URL, once all of it has been found good.

    Raises:
        ValueError: saying what is expected, never what was given: it holds a password.
    """
    parts = split(url, REDIS)
    if parts is None or not _DATABASE.fullmatch(parts.path):
        raise ValueError(f"expected {_EXAMPLE}")
    known = _OPTIONS | _TLS_OPTIONS if parts.scheme == "rediss" else _OPTIONS
    for name, value in parse_qsl(parts.query, keep_blank_values=True):
        if name not in known:
            others = " (those for TLS go with rediss://)" if name in _TLS_OPTIONS else ""
            raise ValueError(f"after the ? is an option that cannot be there{others}; expected {_EXAMPLE}")
        pattern, expected = known[name]
        if not pattern.fullmatch(value):
            raise ValueError(f"expected {expected} as its option {name}")
    return url
