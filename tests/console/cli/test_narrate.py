"""Steps of long work off a terminal: each new thing once, a count that goes on without an end now and then."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from console.cli.narrate import COUNT_EVERY_S, Narrator, PlainSteps
from console.snapshots import Progress
from tests.console.cli.calls import on_terminal


def test_a_count_without_an_end_is_told_now_and_then() -> None:
    told, now = io.StringIO(), 0.0
    steps = PlainSteps(Narrator(told), lambda: now)
    for done in range(0, 4_000, 500):
        steps.step(Progress(f"{done:,} written", done=done))
        now += COUNT_EVERY_S / 4
    assert told.getvalue() == "0 written\n2,000 written\n"


def test_what_is_new_is_told_at_once_and_a_share_by_tenths() -> None:
    told = io.StringIO()
    steps = PlainSteps(Narrator(told), lambda: 0.0)
    for text in ("dumping", "dumping", "reading back"):
        steps.step(Progress(text))
    for done in range(101):
        steps.step(Progress("leads", "db", done=done, total=100))
    steps.step(Progress("ready in 0.4 s", "db", ok=True))
    lines = told.getvalue().splitlines()
    assert lines[:2] == ["dumping", "reading back"]
    assert lines[2:4] == ["db: leads 0 of 100", "db: leads 10 of 100"]
    assert len(lines) == 2 + 11 + 1


@pytest.mark.parametrize(
    ("words", "question"), [((), "Take the stack down? [y/N] "), (("--volumes",), "Type stack to DELETE")]
)
def test_an_interrupt_ends_a_question_at_once(words: tuple[str, ...], question: str, tmp_path: Path) -> None:
    code, text = on_terminal(
        "--local", "--dir", str(tmp_path / "stack"), "down", *words, columns=200, interrupted_at=question
    )
    assert code == 130
    assert question in text
    assert "nothing was done" not in text
