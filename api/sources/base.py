"""Owns what every webhook source has in common: the protocol, the values it takes and gives, dead letters."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

import msgspec

from api.errors import PayloadError
from api.ids import new_id
from api.models import Job, Lead

if TYPE_CHECKING:
    from api.settings import Settings

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


class Parsed(msgspec.Struct):
    """What a source found in a body.

    Attributes:
        jobs: leads, in the order of the body; an id may occur twice.
        dead: what is a lead but can never be stored, with the reason; kept for the operator.
        ignored: how many events are none of our business, dead ones included.
        unhandled: (object, field) of each ignored event, as sent: hostile text.
        notices: (key, text) for the operator.
    """

    jobs: list[Job] = []
    dead: list[tuple[Job, str]] = []
    ignored: int = 0
    unhandled: list[tuple[str, str]] = []
    notices: list[tuple[str, str]] = []


class Source(Protocol):
    """A kind of webhook. Pure: no I/O, and no clock but the times passed in.

    It answers `POST /webhooks/{name}`, or `POST /webhooks/{name}/{form}` if it is `named`.

    Attributes:
        name: as in the path and in `Job.source`.
        secret: the setting that holds its keys, several separated by commas. Unset, the source is switched off.
        headers: lower-case names of the headers that `verify` and `parse` read.
        named: whether the path goes on with a name, as in `/webhooks/forms/{form}`.
        fetched: whether the worker reads the lead's answers from the Graph API. Otherwise `lead` finds them in the
            payload.
        reason_key: the member of an error's JSON that says why: what the sender shows to its user.
        keys: what is in that setting, the current one first. An empty key verifies nothing.
        region: country of phone numbers that do not say theirs, "" for none.
        switched_off: why it takes no webhooks ("FORMS_SECRET is not set"), "" if it does.
    """

    name: str
    secret: str
    headers: tuple[str, ...] = ()
    named: bool = False
    fetched: bool = False
    reason_key: str = "error"
    keys: tuple[bytes, ...]
    region: str
    switched_off: str

    def __init__(self, settings: Settings, /) -> None:
        self.keys = settings.keys_of(self.secret)
        self.region = settings.default_region
        self.switched_off = "" if self.keys else f"{self.secret} is not set"

    def verify(self, incoming: Incoming, now: float) -> None:
        """Check the signature; `now` is epoch seconds. RejectedError (401) when it fits none of the `keys`."""
        ...

    def parse(self, incoming: Incoming) -> Parsed:
        """Find the leads in a body that was verified.

        PayloadError when it cannot be understood at all: then the whole body is kept for the operator. A source that
        is sent its secret in the body therefore raises none.
        """
        ...

    def lead(self, job: Job) -> Lead:
        """The lead in a job's payload; what cannot be understood in it stays in its raw text.

        Raises:
            PayloadError: the payload cannot be read, as after a slip of an operator's hand; the job is buried.
        """
        raise PayloadError(f"leads of {self.name} are not in their payloads")

    def amended(self, job: Job, payload: str) -> Job:
        """The job with a payload that an operator wrote: read as if it had been sent, its id and form are the job's.

        Raises:
            PayloadError: the source cannot make one lead of it.
        """
        body = payload.encode("utf-8", "replace")
        parsed = self.parse(Incoming(body=body, headers={}, name=job.page, received_at=job.received_at))
        for _, why_not in parsed.dead:
            raise PayloadError(why_not)
        if len(parsed.jobs) != 1:
            raise PayloadError(f"a job is one lead, and the payload has {len(parsed.jobs)}")
        (found,) = parsed.jobs
        form = found.form or job.form
        return msgspec.structs.replace(job, payload=found.payload, external_id=found.external_id, form=form)


def unreadable(source: str, incoming: Incoming, reason: str) -> tuple[Job, str]:
    """A dead letter for a signed body that cannot be understood. The same bytes give the same external id."""
    return (
        Job(
            id=new_id(),
            source=source,
            external_id="unreadable-" + digest(incoming.body),
            payload=incoming.body.decode("utf-8", "replace")[:MAX_DEAD_BODY],
            received_at=incoming.received_at,
            request_id=incoming.request_id,
            form=incoming.name,
            page=incoming.name,
        ),
        reason,
    )


def digest(content: bytes) -> str:
    """What stands for a dead letter's missing id: the same content gives the same 32 characters."""
    return hashlib.sha256(content).hexdigest()[:32]
