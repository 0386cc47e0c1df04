"""Strategies for bodies: any bytes, JSON with every trap known, and deliveries that are nearly usual ones."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from api.web.described import DESCRIBED

assert settings.default is not None
steady = settings(
    max_examples=max(250, settings.default.max_examples),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
"""More examples than the profile's, if that has fewer."""


def _names_in(value: object) -> Iterator[str]:
    """The members' names in an example, whose nesting makes them what the sources look for."""
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    for item in value if isinstance(value, list) else []:
        yield from _names_in(item)


NAMES = sorted(
    {name for described in DESCRIBED.values() for name in _names_in(described.example)}
    | {"messaging", "standby", "changed_fields", "choice", "choices", "labels", "label", "other", "phone_number"}
    | {"hidden", "calculated", "variables", "key", "number", "text", "boolean", "consent", "test", "name", "value"}
)
WORDS = ["page", "leadgen", "form_response", "lead.test", "email", "phone_number", "choice", "legal", "FULL_NAME", "1"]
WORDS += ["444444444444", "true", "+12025550123", "ana@example.com", "2024-02-30T25:61:00Z", "9999-12-31T23:59:59Z"]

_PIECES = [
    *(word.encode() for word in ("a", "é", "👍", "\u202e", "\x7f", "\u2028", "１２", " ", "[/red]")),
    *(rb"\u0000", rb"\ud800", rb"\udfff", rb"\ud83d\ude00", rb"\ude00\ud83d", rb"\\ud800", rb"\"", rb"\/", rb"\n"),
    *(b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\x00", b"\x1b", rb"\x", rb"\u12"),
]
"""What a text may hold; most of it is allowed, the last row is not."""

_NUMBERS = (
    *(b"0", b"-0", b"1", b"-1", b"1.0", b"1e2", b"1.5", b"9007199254740993", b"18446744073709551616", b"-1e-400"),
    *(
        b"9" * 40,
        b"9" * 41,
        b"9" * 300,
        b"9" * 301,
        b"9" * 4300,
        b"9" * 4301,
        b"-" + b"9" * 5000,
        b"1e400",
        b"0." + b"1" * 400,
    ),
    *(b"NaN", b"Infinity", b"-Infinity", b"01", b"+1", b".5", b"1.", b"0x1"),
)


def _quoted(pieces: Sequence[bytes]) -> bytes:
    return b'"' + b"".join(pieces) + b'"'


names = st.one_of(
    st.sampled_from([json.dumps(name).encode() for name in NAMES]),
    st.lists(st.sampled_from(_PIECES[:-7]), max_size=3).map(_quoted),
    st.just(rb'"leadgen\u005fid"'),
)
texts = st.one_of(
    st.sampled_from([json.dumps(word).encode() for word in WORDS]),
    st.lists(st.sampled_from(_PIECES[:-7]), max_size=4).map(_quoted),
    st.text(max_size=8).map(lambda text: json.dumps(text).encode()),
)
spoilt_texts = st.lists(st.sampled_from(_PIECES), max_size=4).map(_quoted)
leaves = st.one_of(
    texts,
    st.sampled_from(_NUMBERS),
    st.integers().map(lambda n: b"%d" % n),
    st.sampled_from([b"null", b"true", b"false"]),
)


def _is_json(text: bytes) -> bool:
    return re.fullmatch(rb"-?(0|[1-9][0-9]*)(\.[0-9]+)?(e[+-]?[0-9]+)?", text) is not None


def _array(items: Sequence[bytes]) -> bytes:
    return b"[" + b", ".join(items) + b"]"


def _object(members: Sequence[tuple[bytes, bytes]]) -> bytes:
    return b"{" + b",".join(name + b":" + value for name, value in members) + b"}"


def _nested(value: bytes, depth: int) -> bytes:
    return b"[" * depth + value + b"]" * depth


def _texts_of(leaves: st.SearchStrategy[bytes], depths: Sequence[int]) -> st.SearchStrategy[bytes]:
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4).map(_array),
            st.lists(st.tuples(names, inner), max_size=6).map(_object),
            st.tuples(inner, st.sampled_from(depths)).map(lambda pair: _nested(*pair)),
        ),
        max_leaves=25,
    )


values = _texts_of(leaves | spoilt_texts, [1, 62, 63, 64, 65, 66, 900, 2_000])
"""JSON texts, by far not all of them valid; members may occur twice."""

good_values = _texts_of(texts | st.sampled_from(_NUMBERS).filter(_is_json), [1, 2, 30])
"""JSON texts that are valid, and odd."""

objects = st.lists(st.tuples(names, values), max_size=8).map(_object)

tokens = st.text("abcdefghijkl", min_size=1, max_size=12).map(lambda text: json.dumps(text).encode())
some_members = st.lists(st.tuples(names, good_values), max_size=5)
many_objects = st.lists(some_members.map(_object), max_size=4).map(_array)


def _google(token: bytes, columns: bytes, more: list[tuple[bytes, bytes]]) -> bytes:
    known = [(b'"lead_id"', token), (b'"user_column_data"', columns), (b'"google_key"', b'"example-google-key"')]
    return _object([*known, *more])


def _typeform(token: bytes, answers: bytes, fields: bytes, more: list[tuple[bytes, bytes]]) -> bytes:
    definition = _object([(b'"fields"', fields)])
    response = _object([(b'"token"', token), (b'"answers"', answers), (b'"definition"', definition), *more])
    return _object([(b'"event_type"', b'"form_response"'), (b'"form_response"', response)])


leadlike = {
    "forms": some_members.map(_object),
    "google": st.builds(_google, tokens, many_objects, some_members),
    "typeform": st.builds(_typeform, tokens, many_objects, many_objects, some_members),
}
"""By source: bodies that are leads, as far as what is odd in them allows it."""


def _cut(body: bytes, share: float) -> bytes:
    return body[: int(len(body) * share)]


bodies = st.one_of(
    st.binary(max_size=200),
    values,
    objects,
    leadlike["google"],
    leadlike["typeform"],
    st.tuples(objects, st.floats(0, 1)).map(lambda pair: _cut(*pair)),
    objects.map(lambda body: b"\xef\xbb\xbf" + body),
    st.text(max_size=40).map(lambda text: json.dumps({"a": text}).encode("utf-16")),
)

TRAPS = (
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"entry":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
    b'{"leadgen_id":' + b"9" * 5_000 + b"}",
    b'{"object":"page","entry":[{"changes":[{"field":"leadgen","value":{"leadgen_id":1,"page_id":2,"created_time":'
    + b"9" * 4_000
    + b"}}]}]}",
    json.dumps({"object": "page"}).encode("utf-16"),
    b'\xef\xbb\xbf{"object":"page"}',
    b"NaN",
    b'{"a":1e400}',
    rb'{"a":"\ud800"}',
    rb'{"a":"\u0000"}',
)
"""Traps that no strategy would find soon."""


def _usual_ids() -> st.SearchStrategy[object]:
    digits = st.text("0123456789", min_size=1, max_size=42)
    other: st.SearchStrategy[object] = st.sampled_from(
        ["", " 1", "1 ", "+1", "١٢", "²", "1\x00", "1.0", "-1", "\ud800", None, True, 1.0, 1e22, [], {}]
    )
    return st.one_of(digits, digits, st.integers(0, 10**20), st.integers(-5, 10**42), other)


def _members(required: Sequence[str], optional: Sequence[str]) -> st.SearchStrategy[dict[str, object]]:
    wanted = {name: _usual_ids() for name in required}
    return st.fixed_dictionaries(wanted, optional={name: _usual_ids() for name in optional})


_others = st.dictionaries(st.sampled_from(["extra", "page", "x"]), st.integers() | st.text(max_size=3), max_size=1)
_values: st.SearchStrategy[object] = st.one_of(
    _members(["leadgen_id", "page_id"], ["form_id", "ad_id", "adgroup_id", "created_time"]),
    st.tuples(_members(["leadgen_id"], ["page_id", "form_id"]), _others).map(lambda pair: pair[0] | pair[1]),
    st.sampled_from([None, 1, "1", [], {}]),
)
_changes = st.fixed_dictionaries(
    {"field": st.sampled_from(["leadgen", "leadgen", "leadgen", "feed", "leadgen_update", 1]), "value": _values}
)
_entries = st.fixed_dictionaries(
    {"changes": st.lists(_changes, max_size=3)},
    optional={
        "id": _usual_ids(),
        "time": _usual_ids(),
        "messaging": st.just([{}]),
        "changed_fields": st.just(["leadgen"]),
    },
)
deliveries = st.fixed_dictionaries(
    {"object": st.sampled_from(["page", "page", "page", "user", None]), "entry": st.lists(_entries, max_size=3)}
)
"""Meta's deliveries as values: many are usual ones, the others nearly."""
