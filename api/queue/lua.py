"""Owns the Lua scripts: loads each with what it shares, and knows which keys it is to be given."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "scripts"
SHARED = {
    "recover": ("claim",),
    "reclaim": ("claim",),
    "census_stream": ("census",),
    "census_parked": ("census",),
    "census_end": ("census",),
}
"""What a script uses beside `common`."""

_KEYS = re.compile(r"^local ([\w,\s]+?)\s*=\s*KEYS\[1\]", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """A script as Redis gets it. `sha` is what EVALSHA wants, `keys` the names of its keys in order (see Keys.of)."""

    name: str
    text: bytes
    sha: bytes
    keys: tuple[str, ...]


@cache
def load(name: str) -> Script:
    """The script of that name. The keys are read from its line `local … = KEYS[1], …`, the only place they stand."""
    own = (FOLDER / f"{name}.lua").read_text(encoding="utf-8")
    shared = [(FOLDER / f"{part}.lua").read_text(encoding="utf-8") for part in ("common", *SHARED.get(name, ()))]
    text = "\n".join([*shared, own]).encode()
    found = _KEYS.search(own)
    keys = tuple(key.strip() for key in found[1].split(",")) if found else ()
    return Script(name, text, hashlib.sha1(text, usedforsecurity=False).hexdigest().encode(), keys)
