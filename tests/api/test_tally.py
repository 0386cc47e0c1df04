"""What workers count: whole numbers under names of ours, and the histograms made of them."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram

from api.tally import COUNTERS, HISTOGRAMS, Tally, counted, histogram


def test_counters_show_what_was_not_counted_yet_as_zero() -> None:
    tally = Tally()
    tally.add("jobs", "stored", 3)
    tally.add("jobs", "stored")
    tally.add("jobs", "invented")
    tally.add("graph_leads", by=7)
    found = counted(tally.totals, "jobs")
    assert found == dict.fromkeys(COUNTERS["jobs"], 0) | {"stored": 4, "invented": 1}
    assert tally.totals["graph_leads"] == 7


@given(st.lists(st.floats(0.0, 60.0), max_size=30), st.lists(st.floats(0.0, 60.0), max_size=30))
def test_histograms_of_several_workers_add_up_as_the_library_counts(first: list[float], second: list[float]) -> None:
    name = "store_write_seconds"
    totals: Counter[str] = Counter()
    theirs = Histogram("x", "x", buckets=HISTOGRAMS[name], registry=CollectorRegistry())
    for values in (first, second):
        tally = Tally()
        for value in values:
            tally.observe(name, value)
            theirs.observe(value)
        totals.update(tally.totals)
    buckets, total = histogram(totals, name)
    expected = [sample.value for sample in next(iter(theirs.collect())).samples if sample.name == "x_bucket"]
    assert [count for _, count in buckets] == expected
    assert abs(total - sum(first) - sum(second)) < 1e-3
