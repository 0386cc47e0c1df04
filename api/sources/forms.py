"""Owns leads from web forms and other systems: any JSON object, signed as Standard Webhooks (standardwebhooks.com)."""

from __future__ import annotations

from api.errors import PayloadError
from api.ids import new_id
from api.models import Job
from api.settings import Settings
from api.signatures import verify_standard
from api.sources import strict_json
from api.sources.base import Incoming, Parsed

_ID, _TIMESTAMP, _SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"


class FormsSource:
    """Generic signed leads: `POST /webhooks/forms/{form}`. One body is one lead; `webhook-id` makes it idempotent."""

    name = "forms"
    headers = (_ID, _TIMESTAMP, _SIGNATURE)
    named = True

    def __init__(self, settings: Settings) -> None:
        self._secrets = settings.forms_secrets
        self.switched_off = "" if self._secrets else "FORMS_SECRET is not set"

    def verify(self, incoming: Incoming, now: float) -> None:
        """Check id, timestamp (within five minutes of `now`, epoch s) and signature; RejectedError (401)."""
        headers = incoming.headers
        verify_standard(
            self._secrets,
            incoming.body,
            message_id=headers.get(_ID, ""),
            timestamp=headers.get(_TIMESTAMP, ""),
            signature=headers.get(_SIGNATURE, ""),
            now=now,
        )

    def parse(self, incoming: Incoming) -> Parsed:
        """The body's one lead. PayloadError when it is not a JSON object or nested beyond reason."""
        body = strict_json.loads(incoming.body)
        if not isinstance(body, dict):
            raise PayloadError("the body is not a JSON object")
        job = Job(
            id=new_id(),
            source=self.name,
            external_id=incoming.headers[_ID],
            payload=strict_json.dumps(body),
            received_at=incoming.received_at,
            request_id=incoming.request_id,
            page=incoming.name,
            form=incoming.name,
        )
        return Parsed(jobs=[job])
