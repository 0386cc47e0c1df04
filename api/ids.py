"""Owns how ids are made: time-ordered ULIDs, so that ids sort by the time they were made."""

from __future__ import annotations

import time
from random import getrandbits

from ulid import ULID

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(first + second for first in _LETTERS for second in _LETTERS)
_last = 0


def new_id() -> str:
    """A new id: 26 characters, greater than every id this process has made, whatever the clock does.

    The library's own takes twice the time, and every request and job gets one. An id is not a secret.
    """
    global _last  # noqa: PLW0603 - what makes the order
    value = (time.time_ns() // 1_000_000 << 80) | getrandbits(80)
    if value >> 80 <= _last >> 80:
        value = _last + 1
    _last = value
    p, high, low = _PAIRS, value >> 60, value & 0xFFF_FFFF_FFFF_FFFF
    return (
        p[high >> 60] + p[high >> 50 & 1023] + p[high >> 40 & 1023] + p[high >> 30 & 1023] + p[high >> 20 & 1023]
        + p[high >> 10 & 1023] + p[high & 1023] + p[low >> 50] + p[low >> 40 & 1023] + p[low >> 30 & 1023]
        + p[low >> 20 & 1023] + p[low >> 10 & 1023] + p[low & 1023]
    )  # fmt: skip


def time_of(job_id: str) -> float:
    """When an id was made, epoch seconds; 0.0 if it is not an id of ours."""
    try:
        return ULID.from_str(job_id).timestamp
    except ValueError:
        return 0.0
