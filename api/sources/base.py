"""Owns what every webhook source has in common: the protocol, the values it takes and gives, dead letters."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from api.ids import new_id
from api.models import Job

MAX_DEAD_BODY = 262_144
"""Characters of a body that cannot be understood that are kept for the operator."""


class Incoming(msgspec.Struct, frozen=True, kw_only=True):
    """One webhook request as a source sees it.

    Attributes:
        body: raw bytes as received.
        headers: those the source asked for (lower case); a header sent twice has both values joined by ", ".
        name: what follows the source's name in the path, "" if it takes none.
        request_id: identifies the request in answers and logs.
        received_at: epoch seconds.
    """

    body: bytes
    headers: Mapping[str, str]
    name: str = ""
    request_id: str = ""
    received_at: float = 0.0


@dataclass(slots=True)
class Parsed:
    """What a source found in a body.

    Attributes:
        jobs: leads, in the order of the body; an id may occur twice.
        dead: what is a lead but can never be stored, with the reason; kept for the operator.
        ignored: how many events are none of our business, dead ones included.
        unhandled: (object, field) of each ignored event, as sent: hostile text.
        notices: (key, text) for the operator.
    """

    jobs: list[Job] = field(default_factory=list)
    dead: list[tuple[Job, str]] = field(default_factory=list)
    ignored: int = 0
    unhandled: list[tuple[str, str]] = field(default_factory=list)
    notices: list[tuple[str, str]] = field(default_factory=list)


class Source(Protocol):
    """A kind of webhook. Pure: no I/O, and no clock but the times passed in."""

    @property
    def name(self) -> str:
        """As in the path and in `Job.source`."""
        ...

    @property
    def headers(self) -> tuple[str, ...]:
        """Lower-case names of the headers that `verify` and `parse` read."""
        ...

    @property
    def named(self) -> bool:
        """Whether the path goes on with a name, as in `/webhooks/forms/{form}`."""
        ...

    @property
    def switched_off(self) -> str:
        """Why it takes no webhooks ("FORMS_SECRET is not set"), "" if it does."""
        ...

    def verify(self, incoming: Incoming, now: float) -> None:
        """Check the signature; `now` is epoch seconds. RejectedError (401) when it does not fit."""
        ...

    def parse(self, incoming: Incoming) -> Parsed:
        """Find the leads in a body that was verified. PayloadError when it cannot be understood at all."""
        ...


def unreadable(source: str, incoming: Incoming, reason: str) -> tuple[Job, str]:
    """A dead letter for a signed body that cannot be understood. The same bytes give the same external id."""
    return (
        Job(
            id=new_id(),
            source=source,
            external_id="unreadable-" + hashlib.sha256(incoming.body).hexdigest()[:32],
            payload=incoming.body.decode("utf-8", "replace")[:MAX_DEAD_BODY],
            received_at=incoming.received_at,
            request_id=incoming.request_id,
            form=incoming.name,
            page=incoming.name,
        ),
        reason,
    )
