"""Judges a stack's settings: the file `.env`, who may read it, what is missing, wrong, weak or left from an example."""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from api.errors import SettingsError
from api.settings import SECRETS, Settings
from api.sources import SOURCES
from console.doctor.diagnosis import Diagnosis, Said, fail, fine, warn

REQUIRED = ("POSTGRES_PASSWORD", "REDIS_PASSWORD", "META_APP_SECRET", "META_VERIFY_TOKEN")
"""Compose does not start without them; the local runtime makes them up."""

TOKENS = ("META_ACCESS_TOKEN", "META_ACCESS_TOKENS")
LEAST = 16
"""Characters of a secret that is not weak."""
LEAST_DISTINCT = 6
LEAST_FORMS_BYTES = 24
"""Standard Webhooks: a key has 24 to 64 bytes. Source: github.com/standard-webhooks/standard-webhooks, spec."""

_GOOD = "a good value: openssl rand -hex 32"
_EXAMPLE = re.compile(
    r"(?i)\W*(?:change[-_ ]?(?:me|this|it)|example|placeholder|your[-_ ].*|my[-_ ]?(?:secret|password|token)|secret|"
    r"password|passw0rd|postgres|redis|leads|admin|test|token|none|todo|tbd|x{3,}|letmein|(?:0?12345\d*)|qwerty|<.*>)\W*\d{0,4}\W*"
)


def file(path: Path, *, local: bool, given: Mapping[str, str]) -> Iterator[Diagnosis]:
    """Whether it is there, can be read, and only by its owner."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        yield _absent(path, local=local, given=given)
        return
    except OSError as error:
        yield fail(
            "env file",
            f"{path} cannot be read: {error.strerror}",
            f"give it to who runs the stack: chown, chmod 600 {path}",
        )
        return
    if not os.access(path, os.R_OK):
        yield fail("env file", f"{path} may not be read by this user", "run it as the user who owns that file")
        return
    yield fine("env file", str(path))
    others = stat.S_IMODE(mode) & (stat.S_IRWXG | stat.S_IRWXO)
    if others & stat.S_IRWXO:
        yield fail("env access", f"any user of this machine may read it ({stat.filemode(mode)})", f"chmod 600 {path}")
    elif others:
        yield warn("env access", f"its group may read it ({stat.filemode(mode)})", f"chmod 600 {path}")
    else:
        yield fine("env access", "only its owner may read it")


def values(stack: Mapping[str, str], *, local: bool) -> Said:
    """Whether the settings are all there, make sense and are no easy guess."""
    return (*_missing(stack, local=local), *_wrong(stack, local=local), *_weak(stack))


def _absent(path: Path, *, local: bool, given: Mapping[str, str]) -> Diagnosis:
    if local:
        return fine("env file", f"{path} is written at the first up")
    if all(given.get(name) for name in REQUIRED):
        return warn("env file", f"{path} is not there; the environment has what is needed", "")
    return fail("env file", f"{path} is not there", "leadsctl init DIR writes one; or copy .env.example and fill it in")


def _missing(stack: Mapping[str, str], *, local: bool) -> Iterator[Diagnosis]:
    def absent(name: str) -> bool:
        return not stack.get(name) and not (local and stack.get(f"{name}_FILE"))

    missing = [] if local else [name for name in REQUIRED if absent(name)]
    if missing:
        yield fail("settings", f"not set: {', '.join(missing)}", f"fill them in in .env; {_GOOD}")
    else:
        yield fine("settings", "what the stack needs is set")
    if all(absent(name) for name in TOKENS):
        mend = (
            "make a token for the app with leads_retrieval (a system user's does not expire) and set META_ACCESS_TOKEN"
        )
        yield fail("access token", "META_ACCESS_TOKEN is not set: answers of Meta's leads cannot be read", mend)


def _wrong(stack: Mapping[str, str], *, local: bool) -> Iterator[Diagnosis]:
    """What the services would refuse to start with. A file of a secret lies where they run: in a container or here."""
    own = {name: value for name, value in stack.items() if local or not name.endswith("_FILE")}
    ours = {name: value for name, value in own.items() if name not in ("HOST", "PORT", "DATABASE_URL", "REDIS_URL")}
    try:
        Settings.load(ours)
    except SettingsError as error:
        yield fail("settings", str(error), "correct it in .env, then: leadsctl up")


def _weak(stack: Mapping[str, str]) -> Iterator[Diagnosis]:
    secrets = {"POSTGRES_PASSWORD", *SECRETS, *(source.secret for source in SOURCES.values())}
    secrets -= {"DATABASE_URL", "REDIS_URL", "META_ACCESS_TOKENS"}
    found = {name: why for name in sorted(secrets) if stack.get(name) and (why := _why_weak(name, stack[name]))}
    example = [name for name, why in found.items() if why == "example"]
    short = [name for name, why in found.items() if why == "short"]
    if example:
        yield fail(
            "secrets", f"values of an example, or words that are guessed: {', '.join(example)}", f"set others; {_GOOD}"
        )
    if short:
        yield warn("secrets", f"short, or of few characters: {', '.join(short)}", _GOOD)
    if stack.get("POSTGRES_PASSWORD") and stack.get("POSTGRES_PASSWORD") == stack.get("REDIS_PASSWORD"):
        yield warn("secrets", "POSTGRES_PASSWORD and REDIS_PASSWORD are the same", "give each its own")
    if not found and any(stack.get(name) for name in secrets):
        yield fine("secrets", "none is short, or from an example")


def _why_weak(name: str, value: str) -> str:
    """Why a secret is weak: "example", "short", or "" if it is not. Of several keys the weakest counts."""
    if name == "FORMS_SECRET":
        return _worst(_why_weak_key(part.strip()) for part in value.split(","))
    parts = [part.strip() for part in value.split(",")] if name in {s.secret for s in SOURCES.values()} else [value]
    return _worst(_why_weak_text(part) for part in parts)


def _worst(reasons: Iterator[str]) -> str:
    every = set(reasons)
    return "example" if "example" in every else "short" if "short" in every else ""


def _why_weak_text(value: str) -> str:
    if _EXAMPLE.fullmatch(value):
        return "example"
    return "short" if len(value) < LEAST or len(set(value)) < LEAST_DISTINCT else ""


def _why_weak_key(part: str) -> str:
    key = b""
    with contextlib.suppress(binascii.Error, ValueError):
        key = base64.b64decode(part.removeprefix("whsec_"), validate=True)
    return "short" if len(key) < LEAST_FORMS_BYTES or len(set(key)) < LEAST_DISTINCT else ""
