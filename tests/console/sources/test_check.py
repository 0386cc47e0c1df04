"""The verdict: what fails a check, what only warns, and what it says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from api.models import Accounting, Outcome, PagePause, QueueSnapshot, WorkerState, WorkerView
from console.checks import Limits, Observed, Verdict, judge
from console.cli import monitoring
from console.snapshots import VolumesSnapshot

BALANCED = Accounting(10, 1, 1, 1, 1, {Outcome.STORED: 5, Outcome.DUPLICATE: 1})
WELL = QueueSnapshot(1.0, workers=(WorkerView("w", 0.1, alive=True),), aof="always")

NO_STORE = WorkerView("w", 0.1, alive=True, state=WorkerState("connection refused"))


def verdicts(
    queue: QueueSnapshot, accounting: Accounting = BALANCED, limits: Limits | None = None
) -> dict[str, Verdict]:
    report = judge(Observed(accounting, queue), limits or Limits())
    return {finding.name: finding.verdict for finding in report.findings if finding.verdict is not Verdict.OK}


def text(name: str, queue: QueueSnapshot, accounting: Accounting = BALANCED) -> str:
    return next(f.text for f in judge(Observed(accounting, queue), Limits()).findings if f.name == name)


def test_all_is_well() -> None:
    assert verdicts(WELL) == {}
    assert judge(Observed(BALANCED, WELL), Limits()).ok


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
        (replace(WELL, aof="everysec"), Limits(aof="always"), {"aof": Verdict.FAIL}),
        (WELL, Limits(min_workers=2), {"workers": Verdict.FAIL}),
        (WELL, Limits(max_backup_age_s=60), {"backup": Verdict.FAIL}),
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
    assert judge(Observed(BALANCED, queue), limits).ok is (Verdict.FAIL not in expected.values())


def test_a_page_that_waits_for_an_operator_is_named() -> None:
    pauses = (PagePause("1029", "token", 0, "x", name="Casa & Co"), PagePause("7", "permission", 0, "x"))
    (finding,) = [
        f for f in judge(Observed(BALANCED, replace(WELL, pauses=pauses)), Limits()).findings if f.name == "graph"
    ]
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


@pytest.mark.parametrize(
    ("free", "backup_at", "limits", "failed"),
    [
        (9, 0.0, Limits(), ["disk"]),
        (9, 0.0, Limits(max_disk=95), []),
        (50, 1_000.0, Limits(max_backup_age_s=3_600), []),
        (50, 1_000.0, Limits(max_backup_age_s=60), ["backup"]),
        (0, 1_000.0, Limits(), ["disk"]),
    ],
)
def test_disk_and_backup_have_limits(free: int, backup_at: float, limits: Limits, failed: list[str]) -> None:
    volumes = VolumesSnapshot((), 1.0, disk_total=100, disk_free=free)
    report = judge(Observed(BALANCED, replace(WELL, taken_at=1_100.0), volumes, backup_at), limits)
    assert [found.name for found in report.findings if found.verdict is Verdict.FAIL] == failed


@pytest.mark.parametrize(
    ("queue", "code", "begins"),
    [
        (WELL, 0, "LEADS OK - accounting: 10 accepted, each in exactly one place | "),
        (replace(WELL, dead=3), 1, "LEADS WARNING - dead: 3; "),
        (replace(WELL, dead=3, stuck=2, workers=()), 2, "LEADS CRITICAL - stuck: 2; leadsctl queue list stuck shows"),
    ],
)
def test_a_plugin_says_how_bad_it_is_with_figures(queue: QueueSnapshot, code: int, begins: str) -> None:
    found, output = monitoring.nagios(judge(Observed(BALANCED, queue), Limits()))
    assert found == code
    first, *rest = output.splitlines()
    assert first.startswith(begins)
    assert f"dead={queue.dead}" in first.partition(" | ")[2].split()
    assert first.count("|") == 1
    assert len(rest) == 10
    assert "|" not in "".join(rest)


def test_metrics_are_well_formed() -> None:
    from prometheus_client.parser import text_string_to_metric_families

    report = judge(Observed(BALANCED, replace(WELL, dead=3, taken_at=7.0)), Limits())
    families = {family.name: family for family in text_string_to_metric_families(monitoring.prometheus(report))}
    assert families["leadsctl_check_ok"].samples[0].value == 1
    by_name = {sample.labels["name"]: sample.value for sample in families["leadsctl_check"].samples}
    assert by_name == {found.name: {"ok": 0, "warn": 1, "fail": 2}[found.verdict] for found in report.findings}
    assert {s.labels["name"]: s.value for s in families["leadsctl_check_value"].samples}["dead"] == 3
