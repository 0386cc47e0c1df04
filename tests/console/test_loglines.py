"""Levels, events and fields of log lines, as the four services write them and as nobody should."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.loglines import DEBUG, ERROR, INFO, WARN, fields_of, level_of, parse


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ('{"level": "warning", "event": "x"}', WARN),
        ('{"event":"x","level":"ERROR"}', ERROR),
        ('{"level":"debug"}', DEBUG),
        ('{"level":"strange"}', INFO),
        ('{"no": 1}', INFO),
        ("2026-11-25 12:04:33.120 UTC [27] LOG:  checkpoint starting: time", INFO),
        ("2026-11-25 12:04:33.120 UTC [27] ERROR:  syntax error", ERROR),
        ("2026-11-25 12:04:33.120 UTC [27] WARNING:  x", WARN),
        ("1:M 25 Nov 2026 12:04:33.120 * Ready", INFO),
        ("1:M 25 Nov 2026 12:04:33.120 # Warning", WARN),
        ("1:M 25 Nov 2026 12:04:33.120 . x", DEBUG),
        ("Traceback (most recent call last):", ERROR),
        ("[WARNING] disk", WARN),
        ("nothing said", INFO),
        ("no errors here", INFO),
        ("", INFO),
    ],
)
def test_levels(text: str, level: int) -> None:
    assert level_of(text) == level


def test_json_lines_give_event_and_the_telling_fields_first() -> None:
    parsed = parse(
        json.dumps({"ts": "t", "zz": 1, "level": "error", "event": "lead.retry", "error": "e", "job_id": "j"})
    )
    assert parsed == (ERROR, "lead.retry", "", (("job_id", "j"), ("error", "e"), ("zz", 1)))


def test_server_prefixes_are_taken_off() -> None:
    assert parse("2026-11-25 12:04:33.120 UTC [27] LOG:  checkpoint").text == "checkpoint"
    assert parse("1:M 25 Nov 2026 12:04:33.120 * Ready").text == "Ready"
    assert parse("plain").text == "plain"


@pytest.mark.parametrize("text", ["{", "[1]", '{"a":' * 3000, "{" + "x" * 50_000, '{"a":"\ud800"}'])
def test_what_is_no_object_has_no_fields(text: str) -> None:
    assert fields_of(text) is None
    assert parse(text).text == text


@given(st.text(max_size=200))
def test_no_line_is_too_strange(text: str) -> None:
    assert parse(text).level in (DEBUG, INFO, WARN, ERROR)
    assert parse("{" + text).level in (DEBUG, INFO, WARN, ERROR)
