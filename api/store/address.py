"""What is accepted as Postgres' URL: a wrong one is found before anything is asked, and never repeated.

The parts are read by libpq itself, so that the options are those of the version that connects.
"""

from __future__ import annotations

import re

import psycopg

EXAMPLE = "postgresql://user:password@host:5432/database"

_MOST = 65_535
_PORT = re.compile(r"[0-9]{1,5}")
_SECONDS = re.compile(r"[0-9]{1,9}")
_SSL_MODES = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})


def checked(url: str) -> str:
    """The URL, once all of it that libpq would only complain of while it connects has been found good.

    Raises:
        ValueError: saying what is expected, never what was given: it holds a password.
    """
    try:
        parsed = psycopg.pq.Conninfo.parse(url.encode())
    except psycopg.Error as error:
        # Its text quotes what could not be read: the password, most often.
        if "query parameter" in str(error):
            raise ValueError("after the ? is an option that Postgres does not know") from None
        raise ValueError(f"expected {EXAMPLE}, with % and blanks in its parts written as %25 and %20") from None
    parts = {part.keyword.decode(): part.val.decode() for part in parsed if part.val is not None}
    for port in filter(None, parts.get("port", "").split(",")):
        if not _PORT.fullmatch(port) or not 0 < int(port) <= _MOST:
            raise ValueError(f"expected a port from 1 to {_MOST}, as in {EXAMPLE}")
    if not _SECONDS.fullmatch(parts.get("connect_timeout", "0")):
        raise ValueError("expected a number of seconds as its option connect_timeout")
    if parts.get("sslmode", "prefer") not in _SSL_MODES:
        raise ValueError("expected disable, allow, prefer, require, verify-ca or verify-full as its option sslmode")
    return url
