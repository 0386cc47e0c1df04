"""Signatures: what fits, what never does, and that nothing in a header raises anything but RejectedError."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import RejectedError
from api.signatures import sign_meta, sign_standard, verify_meta, verify_standard

KEY, OLD, BODY = b"key", b"old key", '{"ä": 1}'.encode()
NOW = 1_700_000_000


def refused_meta(header: str, secrets: tuple[bytes, ...] = (KEY,), body: bytes = BODY) -> RejectedError:
    with pytest.raises(RejectedError) as caught:
        verify_meta(secrets, body, header)
    assert caught.value.status == 401
    return caught.value


def standard(
    message_id: str = "msg_1",
    timestamp: str = str(NOW),
    signature: str | None = None,
    secrets: tuple[bytes, ...] = (KEY,),
    now: float = NOW,
) -> None:
    signature = sign_standard(KEY, "msg_1", NOW, BODY) if signature is None else signature
    verify_standard(secrets, BODY, message_id=message_id, timestamp=timestamp, signature=signature, now=now)


def test_meta_fits_what_an_independent_implementation_makes() -> None:
    header = "sha256=" + hmac.new(KEY, BODY, hashlib.sha256).hexdigest()
    assert sign_meta(KEY, BODY) == header
    verify_meta((KEY,), BODY, header)


def test_meta_accepts_every_secret_of_a_rotation() -> None:
    for key in (KEY, OLD):
        verify_meta((KEY, OLD), BODY, sign_meta(key, BODY))


@pytest.mark.parametrize("secrets", [(), (b"",), (b"", b"")])
def test_an_empty_secret_never_verifies(secrets: tuple[bytes, ...]) -> None:
    refused_meta(sign_meta(b"", BODY), secrets)
    with pytest.raises(RejectedError):
        standard(signature=sign_standard(b"", "msg_1", NOW, BODY), secrets=secrets)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "sha256=",
        "sha1=" + "0" * 40,
        "sha256=" + "0" * 63,
        "sha256=" + "0" * 65,
        "sha256=" + "g" * 64,
        "sha256=" + "é" + "0" * 63,
        "sha256=" + "０" * 64,
        "sha256 =" + "0" * 64,
        "0" * 64,
    ],
)
def test_meta_refuses_what_is_malformed(header: str) -> None:
    refused_meta(header)


def test_meta_refuses_a_changed_body_and_values_joined() -> None:
    header = sign_meta(KEY, BODY)
    assert "match" in refused_meta(header, body=BODY + b" ").reason
    refused_meta(f"{header}, {header}")
    refused_meta(header + "\n")


def test_standard_accepts() -> None:
    standard()
    good = sign_standard(KEY, "msg_1", NOW, BODY)
    standard(signature=f"v1a,AAAA v1,AAAA {good}")
    standard(secrets=(OLD, KEY))
    standard(now=NOW + 300)
    standard(now=NOW - 300)


@pytest.mark.parametrize(
    "changed",
    [
        {"message_id": ""},
        {"message_id": "msg_2"},
        {"message_id": "msg.1"},
        {"message_id": "msg 1"},
        {"message_id": "m" * 257},
        {"message_id": "msg_é"},
        {"timestamp": ""},
        {"timestamp": "1700000000.5"},
        {"timestamp": "-1"},
        {"timestamp": "+1700000000"},
        {"timestamp": "1e9"},
        {"timestamp": "９" * 10},
        {"timestamp": "9" * 5000},
        {"timestamp": str(NOW + 1)},
        {"signature": ""},
        {"signature": "v1,"},
        {"signature": "v2,AAAA"},
        {"signature": "v1a,AAAA"},
        {"signature": "v1,!!!"},
        {"signature": "v1,é"},
        {"signature": sign_standard(OLD, "msg_1", NOW, BODY)},
        {"signature": " ".join(["v1,AAAA"] * 16 + [sign_standard(KEY, "msg_1", NOW, BODY)])},
    ],
)
def test_standard_refuses(changed: dict[str, str]) -> None:
    with pytest.raises(RejectedError) as caught:
        standard(**changed)  # type: ignore[arg-type]
    assert caught.value.status == 401


@pytest.mark.parametrize("now", [NOW + 301, NOW - 301])
def test_standard_refuses_what_is_too_old_or_too_new(now: int) -> None:
    with pytest.raises(RejectedError, match="too old or in the future"):
        standard(now=now)


@given(st.text())
def test_nothing_in_a_header_raises_anything_else(text: str) -> None:
    refused_meta(text)
    for changed in ({"message_id": text}, {"timestamp": text}, {"signature": text}):
        if changed != {"message_id": "msg_1"}:
            with pytest.raises(RejectedError):
                standard(**changed)  # type: ignore[arg-type]
