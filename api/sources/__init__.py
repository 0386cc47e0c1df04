"""The webhook sources: one module each, pure (body → jobs → leads), found through one registry.

A new source is a module with a class that is a `Source`, and one line in `SOURCES`. The web process then answers at its
place, the worker stores its leads, an operator can edit them, and its `secret` is a setting like any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from api.errors import PayloadError
from api.models import Job
from api.sources.base import Incoming, Parsed, Source
from api.sources.forms import FormsSource
from api.sources.google import GoogleSource
from api.sources.meta import MetaSource
from api.sources.typeform import TypeformSource

if TYPE_CHECKING:
    from api.settings import Settings


class Kind(Protocol):
    """A source's class, from which the settings make the source. `secret` is `Source.secret`."""

    secret: str

    def __call__(self, settings: Settings, /) -> Source:
        """The source with its keys; switched off if there are none."""
        ...


SOURCES: Mapping[str, Kind] = {
    "meta": MetaSource,
    "forms": FormsSource,
    "google": GoogleSource,
    "typeform": TypeformSource,
}
"""Name in the path `/webhooks/{name}` → what makes the source from the settings."""

__all__ = [
    "SOURCES",
    "FormsSource",
    "GoogleSource",
    "Incoming",
    "Kind",
    "MetaSource",
    "Parsed",
    "Source",
    "TypeformSource",
    "amended",
    "sources_of",
]


def sources_of(settings: Settings) -> dict[str, Source]:
    """Every source by its name, those that are switched off too."""
    return {name: make(settings) for name, make in SOURCES.items()}


def amended(job: Job, payload: str) -> Job:
    """The job with a payload that an operator wrote, and with what its source finds in that.

    Raises:
        PayloadError: the source cannot make one lead of it.
    """
    from api.settings import Settings

    make = SOURCES.get(job.source)
    if make is None:
        raise PayloadError(f"no such source: {job.source[:50]!a}")
    return make(Settings()).amended(job, payload)
