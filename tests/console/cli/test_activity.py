"""activity on a real local stack: what was done is listed, whoever did it by whichever way."""

from __future__ import annotations

from tests.console.cli.conftest import Stack


def test_what_was_done_is_listed_newest_first(stack: Stack) -> None:
    assert stack("queue", "pause", LEADSCTL_OPERATOR="night shift").code == 0
    assert stack("queue", "resume").code == 0
    newest, before = stack("activity", "-n", "2", "--json").document["actions"]
    assert (newest["what"], before["what"]) == ("resume", "pause")
    assert before["who"] == "night shift"
    assert before["result"].startswith("the queue is paused")
    assert newest["at"] >= before["at"]
    shown = stack("activity", "-n", "2")
    assert shown.code == 0
    assert "night shift" in shown.text


def test_a_reveal_is_in_it(stack: Stack, stored: int) -> None:
    assert stack("leads", "show", str(stored), "--reveal").code == 0
    (newest,) = stack("activity", "-n", "1", "--json").document["actions"]
    assert (newest["what"], newest["target"]) == ("reveal", f"lead {stored}")
