"""Signs requests of every source as its sender would, over the very bytes that go out."""

from __future__ import annotations

import json
import time

import requests
from requests.auth import AuthBase

from api.signatures import sign_meta, sign_standard, sign_typeform
from api.web.described import EXAMPLE_KEY, EXAMPLE_SECRETS


def signature_headers(path: str, body: bytes, message_id: str = "msg_1") -> dict[str, str]:
    """The headers that make a server with the example secrets take this body; none where it carries its own key."""
    source = path.split("/")[2]
    if source == "meta":
        return {"X-Hub-Signature-256": sign_meta(EXAMPLE_SECRETS["META_APP_SECRET"].encode(), body)}
    if source == "typeform":
        return {"Typeform-Signature": sign_typeform(EXAMPLE_SECRETS["TYPEFORM_SECRET"].encode(), body)}
    if source == "forms":
        now = int(time.time())
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(now),
            "webhook-signature": sign_standard(EXAMPLE_KEY, message_id, now, body),
        }
    return {}


class Signed(AuthBase):
    """Signs what requests is about to send. With `key`, a body that carries its key gets the right one."""

    def __init__(self, *, key: bool) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """See requests."""
        body = request.body or b""
        assert isinstance(body, bytes | str)
        if self._key and request.path_url.startswith("/webhooks/google"):
            content = json.loads(body) | {"google_key": EXAMPLE_SECRETS["GOOGLE_KEY"]}
            request.prepare_body(json.dumps(content).encode(), None)
            return request
        if request.path_url.startswith("/webhooks/"):
            raw = body if isinstance(body, bytes) else body.encode()
            message_id = request.headers.get("webhook-id", "msg_1")
            request.headers.update(signature_headers(request.path_url, raw, message_id))
        return request
