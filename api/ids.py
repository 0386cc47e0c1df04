"""Owns how ids are made: time-ordered ULIDs, so that ids sort by the time they were made."""

from __future__ import annotations

from ulid import ULID


def new_id() -> str:
    """A new id: 26 characters, greater than every id this process has made within the same millisecond."""
    return str(ULID())


def time_of(job_id: str) -> float:
    """When an id was made, epoch seconds; 0.0 if it is not an id of ours."""
    try:
        return ULID.from_str(job_id).timestamp
    except ValueError:
        return 0.0
