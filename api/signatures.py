"""Owns webhook signatures: pure functions that sign, and that say whether a signature fits. No I/O, no clock.

Meta: `X-Hub-Signature-256: sha256=<hex>`, HMAC-SHA256 of the raw body with the app secret
(developers.facebook.com, "Webhooks: Getting Started"). The legacy `X-Hub-Signature` (SHA-1) is never enough.
Typeform: `Typeform-Signature: sha256=<base64>`, HMAC-SHA256 of the raw body with the webhook's secret
(typeform.com/developers, "Secure your webhooks").
Standard Webhooks: `webhook-signature: v1,<base64> …`, HMAC-SHA256 of `id.timestamp.body` (standardwebhooks.com).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol, Self

from api.errors import RejectedError

UNAUTHORIZED = 401
MISMATCH = "the signature does not match"

MAX_SIGNATURES = 16
"""Values looked at in one `webhook-signature`: a rotation needs two; a long list would only cost time."""

_DIGEST_BYTES = 32
_BLOCK_BYTES = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))
_META_LENGTH = len("sha256=") + 2 * _DIGEST_BYTES
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_MESSAGE_ID = re.compile(r"[!-~]{1,256}")


class _Hash(Protocol):
    """A hash that can be gone on with, and copied before that."""

    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...
    def copy(self) -> Self: ...


def sign_meta(secret: bytes, body: bytes) -> str:
    """The value of `X-Hub-Signature-256` for this body."""
    return "sha256=" + hmac.digest(secret, body, "sha256").hex()


def verify_meta(secrets: Sequence[bytes], body: bytes, header: str) -> None:
    """Check `X-Hub-Signature-256` against the raw body and every secret that is valid now.

    Args:
        secrets: the app secret, and older ones during a rotation. An empty one never verifies.
        header: the header's value, "" if it is missing.

    Raises:
        RejectedError: 401, when the header is missing or malformed or fits no secret.
    """
    if not header:
        raise RejectedError(UNAUTHORIZED, "X-Hub-Signature-256 is missing")
    try:
        given = bytes.fromhex(header[7:])
    except ValueError:
        given = b""
    # The length too, because `fromhex` passes over blanks.
    if len(given) != _DIGEST_BYTES or len(header) != _META_LENGTH or not header.startswith("sha256="):
        raise RejectedError(UNAUTHORIZED, "X-Hub-Signature-256 is not sha256= and 64 hexadecimal digits")
    if not _fits(secrets, body, given):
        raise RejectedError(UNAUTHORIZED, MISMATCH)


def sign_typeform(secret: bytes, body: bytes) -> str:
    """The value of `Typeform-Signature` for this body."""
    return "sha256=" + base64.b64encode(hmac.digest(secret, body, "sha256")).decode("ascii")


def verify_typeform(secrets: Sequence[bytes], body: bytes, header: str, name: str = "Typeform-Signature") -> None:
    """Check `Typeform-Signature` against the raw body and every secret that is valid now; see `verify_meta`.

    `name` is what another sender who signs alike calls the header.

    Raises:
        RejectedError: 401, when the header is missing or malformed or fits no secret.
    """
    if not header:
        raise RejectedError(UNAUTHORIZED, f"{name} is missing")
    kind, _, text = header.partition("=")
    given = _base64(text) if kind == "sha256" else b""
    if len(given) != _DIGEST_BYTES:
        raise RejectedError(UNAUTHORIZED, f"{name} is not sha256= and the base64 of 32 bytes")
    if not _fits(secrets, body, given):
        raise RejectedError(UNAUTHORIZED, MISMATCH)


def sign_standard(secret: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """One value of `webhook-signature`; `secret` is the decoded key, `timestamp` epoch seconds."""
    digest = hmac.digest(secret, _signed_content(message_id, str(timestamp), body), "sha256")
    return "v1," + base64.b64encode(digest).decode("ascii")


def verify_standard(
    secrets: Sequence[bytes],
    body: bytes,
    *,
    message_id: str,
    timestamp: str,
    signature: str,
    now: float,
    tolerance_s: float = 300.0,
) -> None:
    """Check the three headers of Standard Webhooks against the raw body.

    Args:
        secrets: decoded keys (what follows `whsec_`); any may match.
        message_id: `webhook-id`, "" if missing, as the next two.
        timestamp: `webhook-timestamp`, epoch seconds as decimal digits.
        signature: `webhook-signature`, space-separated; only `v1` values count.
        now: epoch seconds.
        tolerance_s: how old, or how far ahead, the timestamp may be.

    Raises:
        RejectedError: 401, saying which header is wrong.
    """
    if not _MESSAGE_ID.fullmatch(message_id) or "." in message_id:
        # A "." would let the same signature stand for another id and timestamp; the specification forbids it.
        raise RejectedError(UNAUTHORIZED, "webhook-id is missing or not valid")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise RejectedError(UNAUTHORIZED, "webhook-timestamp is missing or not epoch seconds")
    if abs(now - int(timestamp)) > tolerance_s:
        raise RejectedError(UNAUTHORIZED, "webhook-timestamp is too old or in the future")
    candidates = _standard_digests(signature)
    if not candidates:
        raise RejectedError(UNAUTHORIZED, "webhook-signature is missing or holds no v1 signature")
    content = _signed_content(message_id, timestamp, body)
    if not any(_fits(secrets, content, given) for given in candidates):
        raise RejectedError(UNAUTHORIZED, MISMATCH)


def _fits(secrets: Sequence[bytes], content: bytes, given: bytes) -> bool:
    """Whether one of the secrets signed this; each comparison takes the same time whatever is given."""
    return any(key and hmac.compare_digest(_digest(key, content), given) for key in secrets)


def _digest(key: bytes, content: bytes) -> bytes:
    """HMAC-SHA256 (RFC 2104) from states that have taken the key already: half the time of `hmac.digest`."""
    inner, outer = _keyed(key)
    inside = inner.copy()
    inside.update(content)
    outside = outer.copy()
    outside.update(inside.digest())
    return outside.digest()


@lru_cache(maxsize=32)
def _keyed(key: bytes) -> tuple[_Hash, _Hash]:
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK_BYTES else key).ljust(_BLOCK_BYTES, b"\0")
    return hashlib.sha256(block.translate(_INNER)), hashlib.sha256(block.translate(_OUTER))


def _signed_content(message_id: str, timestamp: str, body: bytes) -> bytes:
    return f"{message_id}.{timestamp}.".encode() + body


def _standard_digests(header: str) -> list[bytes]:
    digests = []
    for value in header.split(" ", MAX_SIGNATURES)[:MAX_SIGNATURES]:
        version, _, text = value.partition(",")
        if version != "v1":
            continue
        if digest := _base64(text):
            digests.append(digest)
    return digests


def _base64(text: str) -> bytes:
    """What it encodes, empty if it is no base64."""
    try:
        return base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, ValueError):
        return b""
