"""Makes signed Meta webhooks with ids that never repeat, singly or as a file that wrk's script reads."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

SECRET = "bench-app-secret"
VERIFY_TOKEN = "bench-verify-token"
PAGE = "506070809010203"
PATH = "/webhooks/meta"

_ids = itertools.count(700_000_000_000_000)


def body(changes: int = 1) -> bytes:
    """One delivery with that many leadgen changes, shaped as Meta sends them."""
    now = int(time.time())
    values = ",".join(
        f'{{"value":{{"form_id":"60201008090{n % 7}1","leadgen_id":"{next(_ids)}","created_time":{now},'
        f'"page_id":"{PAGE}","ad_id":"2385{n % 9}0070060050","adgroup_id":"2385{n % 9}0070060050"}},"field":"leadgen"}}'
        for n in range(changes)
    )
    return f'{{"object":"page","entry":[{{"id":"{PAGE}","time":{now},"changes":[{values}]}}]}}'.encode()


def signature(text: bytes) -> str:
    """The value of X-Hub-Signature-256."""
    return "sha256=" + hmac.digest(SECRET.encode(), text, hashlib.sha256).hex()


def request(text: bytes) -> bytes:
    """The whole HTTP/1.1 request for a body."""
    head = (
        f"POST {PATH} HTTP/1.1",
        "Host: 127.0.0.1",
        "User-Agent: Webhooks/1.0 (https://fb.me/webhooks)",
        "Accept: */*",
        "Content-Type: application/json",
        f"X-Hub-Signature-256: {signature(text)}",
        f"Content-Length: {len(text)}",
    )
    return "\r\n".join((*head, "", "")).encode() + text


def requests(count: int) -> Iterator[bytes]:
    """Requests of one change each."""
    return (request(body()) for _ in range(count))


def write(path: Path, count: int) -> Path:
    """A file of `count` requests, each behind its length in six digits."""
    with path.open("wb", buffering=1 << 20) as out:
        for one in requests(count):
            out.write(b"%06d" % len(one))
            out.write(one)
    return path
