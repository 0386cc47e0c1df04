"""What a scrape shows of queue and workers, whatever pages are called and whichever server is away."""

from __future__ import annotations

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from api.cause import Kind, why
from api.metrics import Metrics
from api.models import QueueSnapshot, WorkerState, WorkerView
from api.scrape import MAX_PAGES, Scrape


def shown(scrape: Scrape) -> dict[str, Metric]:
    """The families of the page, read as Prometheus reads them."""
    text = Metrics().render(scrape).decode("ascii")
    return {family.name: family for family in text_string_to_metric_families(text)}


def queue(*used: tuple[str, float]) -> QueueSnapshot:
    """Figures with one worker that has heard so of its pages' limits."""
    return QueueSnapshot(1.0, workers=(WorkerView("w", 0.1, alive=True, state=WorkerState(graph_used=used)),))


def test_pages_are_bounded_and_their_names_harmless() -> None:
    hostile = ('1"} 1\nleads_queue_up 7\n', 99.0), ("\x1b[2J\u202e" + "9" * 500, 98.0), ("*", 97.0)
    used = (*hostile, *((str(page), float(page % 90)) for page in range(500)))
    families = shown(Scrape(queue(*used), {}, None, why(queue(*used))))
    samples = families["leads_graph_usage_percent"].samples
    assert len(samples) == MAX_PAGES
    assert [sample.value for sample in samples[:3]] == [99.0, 98.0, 97.0]
    assert max(len(sample.labels["page"]) for sample in samples) <= 40
    assert [sample.value for sample in families["leads_queue_up"].samples] == [1.0]


def test_exactly_one_cause_is_shown() -> None:
    for kind, scrape in (
        (Kind.IDLE, Scrape(queue(), {}, None, why(queue()))),
        (Kind.REDIS_AWAY, Scrape(None, None, None, why(None))),
    ):
        samples = shown(scrape)["leads_queue_cause"].samples
        assert {sample.labels["cause"] for sample in samples} == {each.value for each in Kind}
        assert [sample.labels["cause"] for sample in samples if sample.value] == [kind.value]


def test_figures_of_a_server_that_is_away_are_left_out() -> None:
    families = shown(Scrape(None, None, None, why(None)))
    assert families["leads_queue_up"].samples[0].value == 0.0
    assert families["leads_store_up"].samples[0].value == 0.0
    assert not {"leads_queue_jobs", "leads_workers", "leads_jobs", "leads_store_leads"} & set(families)
