"""Owns how ids are made: time-ordered ULIDs, so that ids sort by the time they were made."""

from __future__ import annotations

import time
from random import getrandbits

from ulid import ULID

FRAGMENT_LETTERS = 4
"""Fewer letters of a job's id name none, even where only one job is queued: they were hardly meant as its name."""
BEGINNING_LETTERS = 8
"""As `FRAGMENT_LETTERS` for the beginning of a stored job's id: jobs of one second have these in common."""

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(first + second for first in _LETTERS for second in _LETTERS)
_COUNTED_BITS = 20
_LAST = (1 << _COUNTED_BITS) - 1

_ms = 0
_high = 0
_prefix = ""
_count = _LAST


def new_id() -> str:
    """A new id: 26 characters, greater than every id this process has made, whatever the clock does.

    The library's own takes eight times as long, and every request and job gets one: within a millisecond only the last
    four characters change, counting up from a random number behind 60 random bits. An id is not a secret.
    """
    global _count  # noqa: PLW0603 - what makes the order
    if _count >= _LAST or time.time_ns() // 1_000_000 > _ms:
        _begin()
    _count += 1
    return _prefix + _PAIRS[_count >> 10] + _PAIRS[_count & 1023]


def _begin() -> None:
    """Go on in this millisecond; in the last one's numbers if the clock stands still or went back."""
    global _ms, _high, _prefix, _count  # noqa: PLW0603 - see new_id
    now = time.time_ns() // 1_000_000
    if now > _ms:
        _ms = now
        _high = now << 60 | getrandbits(60)
        _count = getrandbits(_COUNTED_BITS - 1)
    else:
        _high += 1
        _count = -1
    _prefix = "".join(_PAIRS[_high >> shift & 1023] for shift in range(100, -1, -10))


def time_of(job_id: str) -> float:
    """When an id was made, epoch seconds; 0.0 if it is not an id of ours."""
    try:
        return ULID.from_str(job_id).timestamp
    except ValueError:
        return 0.0


def first_id(at: float) -> str:
    """What every id made at that time (epoch seconds) or later is greater than."""
    return str(ULID.from_timestamp(float(at)))[:10]
