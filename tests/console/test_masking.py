"""What is left of personal data until it is revealed."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console import masking


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ana Silva", "Ana S•••"),
        ("Ana Maria da Silva", "Ana M•••"),
        ("山田 太郎", "山田 •••"),
        ("山田太郎", "山•••"),
        ("Madonna", "M•••"),
        ("Zoë 🚀", "Zoë •••"),
        ("ana@example.com Silva", "a•••"),
        ("+5511987654321 Ana", "+•••"),
        ("", ""),
        (" \x00 ", ""),
    ],
)
def test_names(name: str, expected: str) -> None:
    assert masking.mask_name(name) == expected


@pytest.mark.parametrize(
    ("email", "expected"),
    [("ana@gmail.com", "a•••@gmail.com"), ("a@b@c.de", "a•••@c.de"), ("no address", "n•••"), ("", "")],
)
def test_addresses(email: str, expected: str) -> None:
    assert masking.mask_email(email) == expected


@pytest.mark.parametrize(("phone", "expected"), [("+55 11 98765-4321", "+55•••21"), ("12345", "1•••"), ("", "")])
def test_phones(phone: str, expected: str) -> None:
    assert masking.mask_phone(phone) == expected


def test_payloads_keep_ids_and_hide_answers() -> None:
    payload = {
        "leadgen_id": "123",
        "name": "Ana Silva",
        "nested": [{"email": "ana@gmail.com", "n": 5511987654321}],
        "ok": True,
    }
    assert json.loads(masking.mask_json(json.dumps(payload))) == {
        "leadgen_id": "123",
        "name": "A•••",
        "nested": [{"email": "a•••@gmail.com", "n": "5•••"}],
        "ok": True,
    }


@pytest.mark.parametrize("payload", ["Ana Silva", "{", "[" * 2000, "\ud800", '"Ana Silva"'])
def test_what_is_not_an_object_is_hidden_too(payload: str) -> None:
    assert "Silva" not in masking.mask_json(payload)


@given(st.dictionaries(st.text(max_size=8), st.text(min_size=6, max_size=30, alphabet="abcdefgh"), max_size=6))
def test_no_answer_survives(answers: dict[str, str]) -> None:
    masked = masking.mask_json(json.dumps({"answer": list(answers.values())}))
    for value in answers.values():
        assert value not in masked
