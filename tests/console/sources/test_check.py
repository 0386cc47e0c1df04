"""The verdict: what fails a check, what only warns, and what it says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from api.models import Accounting, Outcome, PagePause, QueueSnapshot, WorkerState, WorkerView
from console.sources.check import Limits, Verdict, judge

BALANCED = Accounting(10, 1, 1, 1, 1, {Outcome.STORED: 5, Outcome.DUPLICATE: 1})
WELL = QueueSnapshot(1.0, workers=(WorkerView("w", 0.1, alive=True),), aof="always")

NO_STORE = WorkerView("w", 0.1, alive=True, state=WorkerState("connection refused"))


def verdicts(
    queue: QueueSnapshot, accounting: Accounting = BALANCED, limits: Limits | None = None
) -> dict[str, Verdict]:
    report = judge(accounting, queue, limits or Limits())
    return {finding.name: finding.verdict for finding in report.findings if finding.verdict is not Verdict.OK}


def text(name: str, queue: QueueSnapshot, accounting: Accounting = BALANCED) -> str:
    return next(f.text for f in judge(accounting, queue, Limits()).findings if f.name == name)


def test_all_is_well() -> None:
    assert verdicts(WELL) == {}
    assert judge(BALANCED, WELL, Limits()).ok


@pytest.mark.parametrize(
    ("queue", "limits", "expected"),
    [
        (replace(WELL, ready=1, oldest_ready_s=301.0), Limits(), {"age": Verdict.FAIL}),
        (replace(WELL, in_flight=1, oldest_in_flight_s=301.0), Limits(), {"age": Verdict.FAIL}),
        (replace(WELL, ready=1, oldest_ready_s=301.0), Limits(max_age_s=600), {}),
        (replace(WELL, stuck=1), Limits(), {"stuck": Verdict.FAIL}),
        (replace(WELL, stuck=1), Limits(max_stuck=1), {}),
        (replace(WELL, dead=1_000), Limits(), {"dead": Verdict.WARN}),
        (replace(WELL, dead=3), Limits(max_dead=3), {}),
        (replace(WELL, dead=4), Limits(max_dead=3), {"dead": Verdict.FAIL}),
        (replace(WELL, workers=()), Limits(), {"workers": Verdict.FAIL}),
        (replace(WELL, workers=(WorkerView("w", 60, alive=False),)), Limits(), {"workers": Verdict.FAIL}),
        (replace(WELL, paused=True), Limits(), {"workers": Verdict.WARN}),
        (replace(WELL, aof="off"), Limits(), {"aof": Verdict.FAIL}),
        (replace(WELL, aof=""), Limits(), {"aof": Verdict.FAIL}),
        (replace(WELL, aof="everysec"), Limits(), {"aof": Verdict.WARN}),
        (replace(WELL, refuses="memory"), Limits(), {"cause": Verdict.FAIL}),
        (replace(WELL, refuses="disk"), Limits(), {"cause": Verdict.FAIL}),
        (replace(WELL, workers=(NO_STORE,)), Limits(), {"cause": Verdict.FAIL}),
        (replace(WELL, aof_ok=False), Limits(), {"aof": Verdict.FAIL}),
        (replace(WELL, pauses=(PagePause("1029", "limit", 9e9, "x"),)), Limits(), {"graph": Verdict.WARN}),
        (replace(WELL, pauses=(PagePause("1029", "token", 0, "x"),)), Limits(), {"graph": Verdict.FAIL}),
    ],
)
def test_one_thing_is_not(queue: QueueSnapshot, limits: Limits, expected: dict[str, Verdict]) -> None:
    assert verdicts(queue, limits=limits) == expected
    assert judge(BALANCED, queue, limits).ok is (Verdict.FAIL not in expected.values())


def test_a_page_that_waits_for_an_operator_is_named() -> None:
    pauses = (PagePause("1029", "token", 0, "x", name="Casa & Co"), PagePause("7", "permission", 0, "x"))
    (finding,) = [f for f in judge(BALANCED, replace(WELL, pauses=pauses), Limits()).findings if f.name == "graph"]
    assert "2 pages wait; Casa & Co (1029), 7 until an operator acts" in finding.text


@pytest.mark.parametrize(
    ("accounting", "said"),
    [
        (replace(BALANCED, accepted=11), "11 accepted, 10 accounted for"),
        (replace(BALANCED, accepted=11, missing=("#4",)), "1 missing"),
        (replace(BALANCED, doubled=("J1", "J2")), "2 in two places"),
    ],
)
def test_an_unbalanced_accounting_fails_and_says_by_how_much(accounting: Accounting, said: str) -> None:
    assert verdicts(WELL, accounting) == {"accounting": Verdict.FAIL}
    assert said in text("accounting", WELL, accounting)


def test_the_text_says_how_long_the_oldest_waits() -> None:
    assert text("age", replace(WELL, ready=1_204, oldest_ready_s=4.0)) == "1,204 to store, the oldest waits 4 s"
    assert text("age", WELL) == "nothing waits"
