"""Signature checks: what was signed verifies, a changed byte never does, and any header is refused in good order."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from api.errors import RejectedError
from api.signatures import (
    sign_meta,
    sign_standard,
    sign_typeform,
    verify_meta,
    verify_standard,
    verify_typeform,
)
from api.sources import Incoming, Source
from tests.api.fuzz.bodies import steady
from tests.api.fuzz.reading import FOUND, incoming

NOW = 1_700_000_000
KEYS = st.binary(min_size=1, max_size=200)
HEADERS = st.one_of(
    st.text(st.characters(max_codepoint=0xFF), max_size=120),
    st.text(max_size=80),
    st.tuples(
        st.sampled_from(["", "sha256=", "sha256= ", "SHA256=", "sha1=", "v1,", "v1a,", "v1, ", "v2,"]),
        st.text("0123456789abcdefABCDEF+/=é² \t\0", max_size=90),
    ).map("".join),
)
"""As a server hands them on: any byte as a character of Latin-1, and worse."""

Check = tuple[Callable[[bytes, bytes], str], Callable[[tuple[bytes, ...], bytes, str], None]]


def _verify_form(secrets: tuple[bytes, ...], body: bytes, header: str) -> None:
    verify_standard(secrets, body, message_id="msg_1", timestamp=str(NOW), signature=header, now=NOW)


KINDS: dict[str, Check] = {
    "meta": (sign_meta, verify_meta),
    "typeform": (sign_typeform, verify_typeform),
    "forms": (lambda key, body: sign_standard(key, "msg_1", NOW, body), _verify_form),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Check:
    """How a source signs, and how it verifies."""
    return KINDS[request.param]


def refused(check: Callable[[], None]) -> bool:
    """Whether a check refuses with 401 and a reason; anything but a RejectedError fails the test."""
    try:
        check()
    except RejectedError as error:
        if error.status != 401 or not error.reason:
            raise
        return True
    return False


@steady
@given(key=KEYS, body=st.binary(max_size=300), other=KEYS, at=st.integers(0, 10_000), flip=st.integers(1, 255))
@example(key=b"k", body=b"", other=b"l", at=0, flip=1)
def test_what_was_signed_verifies_and_nothing_else(
    kind: Check, key: bytes, body: bytes, other: bytes, at: int, flip: int
) -> None:
    sign, verify = kind
    signature = sign(key, body)
    assert not refused(lambda: verify((key,), body, signature))
    assert not refused(lambda: verify((b"", other, key), body, signature))
    assert refused(lambda: verify((), body, signature))
    assert refused(lambda: verify((b"",), body, signature))
    # Keys that differ in trailing zeros are one key to HMAC (RFC 2104): they are padded with these.
    assume(key.rstrip(b"\0") != other.rstrip(b"\0"))
    assert refused(lambda: verify((other,), body, signature))
    assert refused(lambda: verify((key,), body + b"\0", signature))
    if body:
        at %= len(body)
        changed = body[:at] + bytes([body[at] ^ flip]) + body[at + 1 :]
        assert refused(lambda: verify((key,), changed, signature))
        assert refused(lambda: verify((key,), body[:at] + body[at + 1 :], signature))


@steady
@given(key=KEYS, body=st.binary(max_size=50), at=st.integers(0, 10_000), character=st.characters())
def test_a_changed_character_of_the_signature_never_verifies(
    kind: Check, key: bytes, body: bytes, at: int, character: str
) -> None:
    sign, verify = kind
    signature = sign(key, body)
    at %= len(signature)
    changed = signature[:at] + character + signature[at + 1 :]
    # Meta's is hexadecimal, in which capitals say the same.
    assume(changed != signature and not (sign is sign_meta and at >= 7 and changed.lower() == signature.lower()))
    assert refused(lambda: verify((key,), body, changed))
    assert refused(lambda: verify((key,), body, signature[:at]))


@steady
@given(header=HEADERS, body=st.binary(max_size=50))
def test_any_header_is_refused_and_raises_nothing_else(kind: Check, header: str, body: bytes) -> None:
    _, verify = kind
    assert refused(lambda: verify((b"a key that nobody guesses",), body, header))


@steady
@given(key=st.binary(max_size=300), body=st.binary(max_size=300))
def test_it_is_the_standard_s_hmac(key: bytes, body: bytes) -> None:
    expected = hmac.new(key, body, hashlib.sha256).hexdigest()
    assert sign_meta(key, body) == f"sha256={expected}"
    assert refused(lambda: verify_meta((key,), body, f"sha256={expected}")) == (key == b"")


@steady
@given(message_id=HEADERS, timestamp=HEADERS | st.integers().map(str), signature=HEADERS, now=st.floats(0, 1e12))
def test_any_headers_of_a_form_are_refused(message_id: str, timestamp: str, signature: str, now: float) -> None:
    assert refused(
        lambda: verify_standard(
            (b"key",), b"{}", message_id=message_id, timestamp=timestamp, signature=signature, now=now
        )
    )


@steady
@given(data=st.data())
def test_id_and_time_of_a_form_are_signed_too(data: st.DataObject) -> None:
    signature = sign_standard(b"key", "msg_1", NOW, b"1.{}")
    message_id, timestamp, body = data.draw(
        st.sampled_from(
            [("msg_2", NOW, b"1.{}"), ("msg_1", NOW + 1, b"1.{}"), ("msg_1", NOW, b"{}"), ("msg_1.1", NOW, b"{}")]
        )
    )
    assert refused(
        lambda: verify_standard(
            (b"key",), body, message_id=message_id, timestamp=str(timestamp), signature=signature, now=NOW
        )
    )


@pytest.mark.parametrize("source", FOUND.values(), ids=lambda source: source.name)
@steady
@given(body=st.binary(max_size=60), values=st.lists(HEADERS, min_size=3, max_size=3))
def test_no_source_takes_what_is_not_signed(source: Source, body: bytes, values: list[str]) -> None:
    headers = dict(zip(source.headers, values, strict=False))
    assert refused(lambda: source.verify(Incoming(body=body, headers=headers, name="contact"), NOW))
    assert refused(lambda: source.verify(Incoming(body=body, headers={}, name="contact"), NOW))


@pytest.mark.parametrize("source", [source for source in FOUND.values() if source.headers], ids=lambda each: each.name)
@steady
@given(body=st.binary(min_size=1, max_size=60), at=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_no_source_takes_a_body_with_a_changed_byte(source: Source, body: bytes, at: int, flip: int) -> None:
    request = incoming(source, body)
    at %= len(body)
    changed = body[:at] + bytes([body[at] ^ flip]) + body[at + 1 :]
    forged = Incoming(body=changed, headers=request.headers, name=request.name)
    assert not refused(lambda: source.verify(request, time.time()))
    assert refused(lambda: source.verify(forged, time.time()))
