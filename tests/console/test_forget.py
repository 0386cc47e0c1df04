"""Who is meant by an address or a number, in rows and in payloads."""

from __future__ import annotations

import json

import pytest

from console.forget import carries, phone_figures


@pytest.mark.parametrize(
    ("payload", "text", "mine"),
    [
        ({"email": "ana@gmail.com"}, "ana@gmail.com", True),
        ({"email": " Ana@Gmail.com "}, "ana@gmail.com", True),
        ({"deep": [{"values": ["x", "ana@gmail.com"]}]}, "ana@gmail.com", True),
        ({"email": "diana@gmail.com"}, "ana@gmail.com", False),
        ({"text": "write to ana@gmail.com"}, "ana@gmail.com", False),
        ({"phone": "+55 (11) 98765-4321"}, "+5511987654321", True),
        ({"phone": 5511987654321}, "5511987654321", True),
        ({"phone": "+55 11 98765-43210"}, "+5511987654321", False),
        ({"ok": True, "none": None}, "True", False),
    ],
)
def test_a_payload_carries_a_whole_value_only(payload: object, text: str, mine: bool) -> None:
    assert carries(json.dumps(payload), text) is mine


def test_what_is_not_json_is_searched_as_it_is() -> None:
    assert carries("{ana@gmail.com", "ANA@gmail.com")
    assert not carries("[" * 100_000, "ana@gmail.com")


@pytest.mark.parametrize(
    ("text", "figures"), [("+55 11 98765-4321", "5511987654321"), ("ana", ""), ("12345", ""), ("2026-11-24T12:00", "")]
)
def test_figures_of_what_looks_like_a_number(text: str, figures: str) -> None:
    assert phone_figures(text) == figures
