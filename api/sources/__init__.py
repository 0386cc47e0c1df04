"""The webhook sources: one module each, pure (body → jobs), found through one registry.

A new source is a module with a class that fits `Source`, and one line in `SOURCES`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from api.models import Job
from api.settings import Settings
from api.sources import meta
from api.sources.base import Incoming, Parsed, Source
from api.sources.forms import FormsSource
from api.sources.meta import MetaSource

SOURCES: Mapping[str, Callable[[Settings], Source]] = {"meta": MetaSource, "forms": FormsSource}
"""Name in the path `/webhooks/{name}` → what makes the source from the settings."""

__all__ = ["SOURCES", "FormsSource", "Incoming", "MetaSource", "Parsed", "Source", "amended"]


def amended(job: Job, payload: str) -> Job:
    """The job with a payload that an operator wrote, and with what its source finds in that.

    Raises:
        PayloadError: the source cannot make one lead of it.
    """
    if job.source == MetaSource.name:
        return meta.amended(job, payload)
    return msgspec.structs.replace(job, payload=payload)
