"""Strict JSON: the same verdicts as the standard, exact numbers, and no exception but PayloadError."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.errors import PayloadError
from api.sources import strict_json

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"nul",
        b"NaN",
        b"[Infinity]",
        b"-Infinity",
        b"{'a': 1}",
        b"[1,]",
        b'{"a":1,}',
        b"{1:2}",
        b"01",
        b"1.",
        b".5",
        b"+1",
        b"0x10",
        b"1 2",
        b'"\x01"',
        b'"a\nb"',
        b'"\\x41"',
        b'"\\u12"',
        b'"\\ud83',
        b'"\\',
        b"// comment\n1",
        b"\xff",
        b'"\xed\xa0\x80"',
        b'"\xc0\x80"',
        b"\x0cnull",
        "1".encode("utf-16"),
        "1".encode("utf-16-le"),
        b"\xef\xbb\xbf\xef\xbb\xbf1",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
    ],
)
def test_what_is_not_json_is_refused_with_a_reason(data: bytes) -> None:
    with pytest.raises(PayloadError, match=r"^the body is n"):
        strict_json.loads(data)


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"23842978613670425", 23842978613670425),
        (b"9" * 300, int("9" * 300)),
        (b"9" * 5000, "9" * 5000),
        (b"-" + b"9" * 5000, "-" + "9" * 5000),
        (b"1e400", "1e400"),
        (b"-1e400", "-1e400"),
        (b'\xef\xbb\xbf"bom"', "bom"),
        (b'"\\ud83d\\ude00"', "😀"),
        (b'"x\\ud83d"', "x\ufffd"),
        (b'"\\ude00\\ud83dx"', "\ufffd\ufffdx"),
        (b'"\\uD83D\\ud83D\\uDE00"', "\ufffd😀"),
        (b'"\\\\ud83d"', "\\ud83d"),
        (b'"\\\\\\ud83d"', "\\\ufffd"),
        (b'{"\\ud83d":1}', {"\ufffd": 1}),
        (b'"\\u0000"', "\0"),
        (b'{"a":1,"a":2}', {"a": 2}),
    ],
)
def test_what_is_read(data: bytes, value: Any) -> None:
    read = strict_json.loads(data)
    assert read == value
    assert type(read) is type(value)


def test_one_silly_number_does_not_take_the_rest_with_it() -> None:
    assert strict_json.loads(b"[1," + b"9" * 5000 + b',"x"]') == [1, "9" * 5000, "x"]


@given(VALUES)
def test_whatever_is_written_is_read_again(value: Any) -> None:
    for data in (json.dumps(value).encode(), json.dumps(value, ensure_ascii=False).encode()):
        assert strict_json.loads(data) == value
    assert strict_json.loads(strict_json.dumps(value).encode()) == value


@given(st.binary() | st.text(alphabet='{}[]",:\\u01e-dD8cCfF .').map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        value = strict_json.loads(data)
    except PayloadError:
        return
    text = strict_json.dumps(value)
    assert msgspec.json.decode(text.encode()) == value


@given(st.text(alphabet=st.characters(codec=None)))
def test_lone_surrogates_never_come_through(text: str) -> None:
    value = strict_json.loads(json.dumps([text]).encode())
    assert value == [text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")] or "\ufffd" in value[0]
    value[0].encode("utf-8")


@pytest.mark.parametrize("levels", [1, strict_json.MAX_DEPTH, strict_json.MAX_DEPTH + 1, 900])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_depth(levels: int, opening: str, closing: str) -> None:
    text = opening * levels + "1" + closing * levels
    value = strict_json.loads(text.encode())
    if levels <= strict_json.MAX_DEPTH:
        assert strict_json.dumps(value) == text
    else:
        with pytest.raises(PayloadError, match="nested deeper than 64 levels"):
            strict_json.dumps(value)


def test_width_is_not_depth() -> None:
    wide = "[" + ",".join(["[[1]]"] * 10_000) + "]"
    assert strict_json.dumps(strict_json.loads(wide.encode())) == wide
