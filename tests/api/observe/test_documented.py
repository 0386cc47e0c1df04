"""The README's list of metrics and what a running stack exposes are the same, name by name."""

from __future__ import annotations

import re
from pathlib import Path

from api.cause import Kind
from api.graph.counts import OUTCOMES
from api.tally import COUNTERS
from tests.api.observe.running import Running
from tests.api.worker.standin import Reply, error, leads

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
_ROW = re.compile(r"^\| `(leads_\w+)` \| (\w+) \| ([\w, ]*?) ?\| (.+) \|$", re.MULTILINE)

DOCUMENTED = {
    name: (kind, frozenset(filter(None, labels.split(", ")))) for name, kind, labels, _ in _ROW.findall(README)
}


async def test_the_documented_metrics_are_those_that_are_exposed(stack: Running) -> None:
    headers = {"X-App-Usage": '{"call_count":12,"total_cputime":1,"total_time":1}'}
    stack.graph.answer = lambda call: (
        error(100, "gone", 33) if "666" in call.ids else Reply(leads(call.ids), headers=headers)
    )
    await stack.worker()
    await stack.send(3)
    await stack.post({"object": "page", "entry": [{"id": "1", "time": 1, "changes": [{"field": "feed", "value": {}}]}]})
    await stack.post({}, **{"x-hub-signature-256": "sha256=0"})
    await stack.reaches(3, "leads_jobs_total", outcome="stored")
    await stack.reaches(12, "leads_graph_usage_percent", page="*")

    exposed = {}
    for name, family in (await stack.metrics()).items():
        assert family.documentation, name
        assert family.samples, name
        shown = f"{name}_total" if family.type == "counter" else name
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        exposed[shown] = (family.type, frozenset(labels))
    assert exposed == DOCUMENTED

    assert await stack.value("leads_attempts_total", error="none") == 3
    assert await stack.value("leads_graph_leads_total") == 3
    assert await stack.value("leads_graph_leads_asked_total") == 3
    assert await stack.value("leads_store_write_seconds_count") >= 1
    assert await stack.value("leads_store_batch_jobs_sum") == 3
    assert await stack.value("leads_webhook_events_total", source="meta", outcome="accepted") == 3
    assert await stack.value("leads_webhook_rejected_total", source="meta", status="401", reason="signature") == 1
    assert await stack.value("leads_webhook_unhandled_total", object="page", field="feed") == 1


async def test_counts_grow_over_restarts_of_workers_and_web(stack: Running) -> None:
    seen: list[float] = []
    for stop in ("TERM", "KILL", "TERM"):
        worker = await stack.worker()
        await stack.send(5)
        await stack.agree("idle")
        await stack.reaches((len(seen) + 1) * 5, "leads_jobs_total", outcome="stored")
        seen.append(await stack.value("leads_jobs_total", outcome="stored"))
        await worker.end({"TERM": 15, "KILL": 9}[stop])  # type: ignore[arg-type]
        await stack.apart(stack.web.stop)
        await stack.apart(stack.web.start)
    assert seen == [5, 10, 15]
    assert await stack.value("leads_jobs_total", outcome="stored") == 15


def test_every_cause_and_every_label_is_in_the_list() -> None:
    for kind in Kind:
        assert f"`{kind.value}`" in README
    for name, words in COUNTERS.items():
        row = next(line for line in README.splitlines() if line.startswith(f"| `leads_{name}_total`"))
        assert [word for word in words if not re.search(rf"\b{word}\b", row)] == []
    assert set(COUNTERS["graph_calls"]) == set(OUTCOMES)


def test_the_list_has_no_name_twice() -> None:
    names = [name for name, *_ in _ROW.findall(README)]
    assert len(names) == len(set(names)) > 30
