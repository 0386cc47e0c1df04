"""Has a body read by a source as the web process does: signed well, then verified, then parsed."""

from __future__ import annotations

import time

from api.errors import PayloadError, RejectedError
from api.settings import Settings
from api.sources import Incoming, Parsed, Source, sources_of
from api.sources.base import digest, unreadable
from api.web.described import EXAMPLE_SECRETS
from tests.api.contract.signing import signature_headers

FOUND = sources_of(Settings.load(EXAMPLE_SECRETS))


def message_id_of(body: bytes) -> str:
    """What makes a form's body idempotent here: another body is another lead."""
    return f"msg_{digest(body)}"


def incoming(source: Source, body: bytes) -> Incoming:
    """A request with a good signature over these bytes."""
    signed = signature_headers(f"/webhooks/{source.name}", body, message_id_of(body))
    headers = {name.lower(): value for name, value in signed.items()}
    return Incoming(body=body, headers=headers, name="contact" if source.named else "", received_at=1e9, request_id="r")


def parsed(source: Source, body: bytes) -> Parsed | None:
    """What becomes of the body: one that cannot be read is a dead letter; None if it does not show that it is genuine.

    Only a source whose key is in the body may say that of a body signed well.
    """
    request = incoming(source, body)
    try:
        source.verify(request, time.time())
    except RejectedError as error:
        if source.headers or error.status not in (401, 413):
            raise
        return None
    try:
        return source.parse(request)
    except PayloadError as error:
        return Parsed(dead=[unreadable(source.name, request, str(error))])
