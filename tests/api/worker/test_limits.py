"""Meta's limits, end to end: slower before the block, no call during it, and only whom it concerns."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from api.models import JobState
from api.worker import lanes
from api.worker.width import CALLS, MOST
from tests.api.graph.cases import CASES
from tests.api.worker.rig import Rig, meta_job, until
from tests.api.worker.standin import Call, Reply, error, leads

WAITING = (4, 17, 32, 341, 613, 80000, 80005, 80014)
LONG = 368
PAGE = "153125381133"


def business(percent: float, minutes: float = 0, *, page: str = PAGE) -> dict[str, str]:
    """The usage header of a page."""
    use = {"type": "leadgen", "call_count": percent, "total_time": 3, "estimated_time_to_regain_access": minutes}
    other = {"type": "ads_insights", "call_count": 100, "estimated_time_to_regain_access": 60}
    return {"X-Business-Use-Case-Usage": json.dumps({page: [other, use]})}


def app(percent: float) -> dict[str, str]:
    """The usage header of the app."""
    return {"X-App-Usage": json.dumps({"call_count": percent, "total_cputime": 1, "total_time": 2})}


def blocked(rig: Rig, page: str) -> Callable[[], Awaitable[float]]:
    """Until when all workers know a page to wait."""

    async def check() -> float:
        return next((p.until for p in (await rig.inspector.snapshot()).pauses if p.page == page), 0.0)

    return check


async def test_every_code_that_means_wait_waits_and_burns_nothing(rig: Rig) -> None:
    """Each on a page of its own with a token of its own; two leads in a call. 4 and 341 stop the whole app: alone."""
    codes = {str(9000 + n): code for n, code in enumerate([*WAITING, LONG]) if code not in (4, 341)}
    rig.graph.answer = lambda call: error(codes[call.ids[0][:4]], "no")
    jobs = [meta_job(f"{page}{n}", page=page) for page in codes for n in (1, 2)]
    await rig.publish(*jobs)
    async with rig.working(meta_access_tokens={page: f"token-{page}" for page in codes}):
        for job in jobs:
            view = await rig.state(job, JobState.RETRY)
            left_s = view.due_at - time.time()
            code = codes[job.page]
            assert (view.job.attempt, [attempt.n for attempt in view.job.history]) == (0, [0]), code
            assert left_s > (3600 if code == LONG else 800), code
        assert {p.page: p.kind for p in (await rig.inspector.snapshot()).pauses} == dict.fromkeys(codes, "limit")
    assert sorted(len(call.ids) for call in rig.graph.calls) == [2] * len(codes)


@pytest.mark.parametrize("code", [4, 341])
async def test_the_app_s_limit_stops_every_page(rig: Rig, code: int) -> None:
    rig.graph.answer = lambda _: error(code, "Application request limit reached")
    first = meta_job("1", page="1")
    await rig.publish(first)
    async with rig.working():
        await until(blocked(rig, "*"), "the block")
        calls = len(rig.graph.all)
        jobs = [meta_job(str(n), page=str(n)) for n in range(2, 60)]
        await rig.publish(*jobs)
        for job in [first, *jobs]:
            assert (await rig.state(job, JobState.RETRY)).job.attempt == 0
        assert len(rig.graph.all) == calls


async def test_no_call_is_made_for_a_blocked_page(rig: Rig) -> None:
    """Not by this worker, nor by another that has not met the block, nor for names; whatever else there is to do."""
    rig.graph.answer = lambda call: (
        Reply(CASES["err_80005_leadgen"]["body"], 400, business(100, 19)) if call.ids[0].startswith("5") else
        Reply(leads(call.ids))
    )  # fmt: skip
    first = meta_job("50000", page=PAGE)
    await rig.publish(first)
    async with rig.working(), rig.working(worker_name="w-2"), rig.working(worker_name="w-3"):
        until_at = await until(blocked(rig, PAGE), "the block")
        assert 18 * 60 < until_at - time.time() < 20 * 60
        before = len(rig.graph.all)
        troubled = [meta_job(f"5{n:04d}", page=PAGE, form="another form") for n in range(1, 3000)]
        steady = [meta_job(f"6{n:04d}") for n in range(100)]
        await rig.publish(*troubled, *steady)
        await rig.rows(100)

        async def all_wait() -> bool:
            return (await rig.inspector.snapshot()).retry == 3000

        await until(all_wait, "the troubled leads to wait")
        views = [await rig.state(troubled[n], JobState.RETRY) for n in (0, 1500, -1)]
        assert [view.job.attempt for view in views] == [0, 0, 0]
        assert all(until_at <= view.due_at < until_at + 15 for view in views)
    assert [call for call in rig.graph.all[before:] if call.ids[0].startswith("5")] == []
    assert (await rig.accounting()).balanced


@pytest.mark.parametrize(
    ("headers", "page", "least_s"),
    [
        (business(100), PAGE, 50),
        (business(40, 19), PAGE, 18 * 60),
        ({"X-Ad-Account-Usage": '{"acc_id_util_pct":100,"reset_time_duration":300}'}, PAGE, 280),
        (app(100), "*", 50),
    ],
)
async def test_a_full_limit_stops_calls_before_the_block(
    rig: Rig, headers: dict[str, str], page: str, least_s: float
) -> None:
    """The answer is sound; its headers say that the next one would not be."""
    rig.graph.answer = lambda call: Reply(leads(call.ids), headers=headers if call.ids[0].startswith("5") else {})
    first, second, other = meta_job("51", page=PAGE), meta_job("52", page=PAGE), meta_job("61")
    await rig.publish(first)
    async with rig.working():
        await rig.stored(first)
        until_at = await until(blocked(rig, page), "the pause")
        assert until_at - time.time() > least_s
        await rig.publish(second, other)
        assert (await rig.state(second, JobState.RETRY)).job.attempt == 0
        if page == "*":
            assert (await rig.state(other, JobState.RETRY)).job.attempt == 0
        else:
            await rig.stored(other)
    assert [call.ids for call in rig.graph.calls] == [["51"]] + ([] if page == "*" else [["61"]])


@pytest.mark.parametrize("wide", [False, True])
async def test_slower_from_eighty_per_cent(rig: Rig, wide: bool) -> None:
    """Use of the page spaces that page's calls, one at a time; use of the app those of all pages."""
    began: dict[str, list[float]] = {"5": [], "6": []}

    def answer(call: Call) -> Reply:
        began[call.ids[0][0]].append(time.monotonic())
        return Reply(leads(call.ids), headers=app(85) if wide else business(85) if call.ids[0][0] == "5" else {})

    rig.graph.answer = answer
    await rig.publish(meta_job("50000", page=PAGE))
    async with rig.working():
        await rig.rows(1)
        await rig.publish(*(meta_job(f"5{n:04d}", page=PAGE) for n in range(1, 120)))
        await rig.publish(*(meta_job(f"6{n:04d}", page="2") for n in range(60)))
        await rig.rows(180)
    slow = sorted(began["5"] + (began["6"] if wide else []))
    gaps = [later - earlier for earlier, later in itertools.pairwise(slow)]
    assert min(gaps) >= 0.9
    if not wide:
        assert began["6"][-1] < began["5"][-1]


@pytest.mark.parametrize(
    "value",
    ["", "[]", "null", "{", '{"1":[{"type":"leadgen","call_count":-1}]}', '{"1":[{"call_count":1e999}]}',
     "[" * 9_000, '{"1":[{"type":"leadgen","estimated_time_to_regain_access":"x"}]}', "\xff\xfe" * 50],
)  # fmt: skip
async def test_hostile_usage_headers_change_nothing(rig: Rig, value: str) -> None:
    names = ("X-App-Usage", "X-Business-Use-Case-Usage", "X-Ad-Account-Usage")
    rig.graph.answer = lambda call: Reply(leads(call.ids), headers=dict.fromkeys(names, value))
    await rig.publish(*(meta_job(str(n)) for n in range(100)))
    async with rig.working():
        await rig.rows(100)
        assert (await rig.inspector.snapshot()).pauses == ()


async def test_a_page_that_refuses_delays_no_other(rig: Rig) -> None:
    """Thousands of its leads are in front; none of the steady page's is behind any answer for them."""
    rig.graph.answer = lambda call: (
        error(190, "Session has expired", 463) if call.ids[0].startswith("5") else Reply(leads(call.ids))
    )
    troubled = [meta_job(f"5{n:04d}", page=PAGE) for n in range(3000)]
    steady = [meta_job(f"6{n:04d}") for n in range(100)]
    await rig.publish(*troubled, *steady)
    async with rig.working():
        await rig.rows(100)
        refused = [call for call in rig.graph.calls if call.ids[0].startswith("5") and len(call.ids) > 1]
        assert 0 < len(refused) <= 4
        await rig.publish(*(meta_job(f"7{n:04d}") for n in range(100)))
        await rig.rows(200)
    accounting = await rig.accounting()
    assert (accounting.retry + accounting.ready, accounting.balanced) == (3000, True)


@pytest.mark.parametrize(("percent", "least", "most"), [(10, CALLS + 1, MOST), (60, CALLS, CALLS)])
async def test_more_calls_at_once_only_while_the_limit_is_far(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, percent: int, least: int, most: int
) -> None:
    """Once there were answers enough to go by, they are held back until `least` calls are under way, so that it is no
    matter how fast the machine is at sending them. Without it, calls that are held would be slow.
    """
    monkeypatch.setattr(lanes, "SLOW_AFTER_S", 60.0)
    reached = asyncio.Event()
    seen = 0

    async def answer(call: Call) -> Reply:
        nonlocal seen
        seen = max(seen, len(rig.graph.open))
        if len(rig.graph.calls) > 4 * CALLS:
            if seen >= least:
                reached.set()
            await reached.wait()
        # Meta takes its time: more calls than there may be would be seen.
        await asyncio.sleep(0.02)
        return Reply(leads(call.ids), headers=business(percent))

    rig.graph.answer = answer
    await rig.publish(*(meta_job(f"5{n:04d}", page=PAGE) for n in range(3000)))
    async with rig.working():
        await rig.idle()
    assert least <= seen <= most


async def test_a_page_that_hangs_delays_no_other_and_takes_a_few_calls_only(rig: Rig) -> None:
    held = asyncio.Event()
    most = 0

    async def answer(call: Call) -> Reply:
        nonlocal most
        if call.ids[0].startswith("5"):
            most = max(most, sum(other.ids[0].startswith("5") for other in rig.graph.open))
            await held.wait()
        return Reply(leads(call.ids))

    rig.graph.answer = answer
    await rig.publish(*(meta_job(f"5{n:04d}", page=PAGE) for n in range(3000)))
    await rig.publish(*(meta_job(f"6{n:04d}") for n in range(100)))
    async with rig.working():
        # No answer came for the page that hangs, and none comes before these have their rows.
        await rig.rows(100)
        await rig.publish(*(meta_job(f"7{n:04d}") for n in range(100)))
        await rig.rows(200)
        assert most <= CALLS
        held.set()
        await rig.rows(3200)
    assert (await rig.accounting()).balanced


async def test_a_page_whose_calls_time_out_delays_no_other(rig: Rig) -> None:
    """Its leads lose attempts, as a timeout costs one; the steady page's have their rows at the first."""

    async def answer(call: Call) -> Reply:
        if call.ids[0].startswith("5"):
            await asyncio.Event().wait()
        return Reply(leads(call.ids))

    rig.graph.answer = answer
    steady = [meta_job(f"6{n:04d}") for n in range(300)]
    await rig.publish(*(meta_job(f"5{n:04d}", page=PAGE) for n in range(3000)))
    async with rig.working(graph_timeout=1.0, retry_base=0.5):
        for start in range(0, 300, 100):
            await rig.publish(*steady[start : start + 100])
            await rig.rows(start + 100)
    deliveries = await rig.reader.deliveries_in([job.id for job in steady])
    assert {delivery.attempts for delivery in deliveries.values()} == {1}
    accounting = await rig.accounting()
    assert (accounting.accepted, accounting.balanced) == (3300, True)


async def test_what_was_asked_is_counted(rig: Rig) -> None:
    answers: dict[str, Any] = {"5": error(80005, "no"), "6": error(190, "no"), "7": error(2, "no", status=503)}
    rig.graph.answer = lambda call: answers.get(call.ids[0][0], Reply(leads(call.ids), headers=business(42, page="8")))
    jobs = [meta_job(f"{page}{n}", page=page) for page in "5678" for n in (1, 2)]
    await rig.publish(*jobs)
    async with rig.working(retry_base=30.0):
        for job in jobs[:6]:
            await rig.state(job, JobState.RETRY)
        await rig.rows(2)
        assert rig.client is not None
        counts = rig.client.counts
    assert (counts.calls["limit"], counts.calls["token"], counts.calls["retry"]) == (1, 1, 1)
    assert (counts.leads_asked, counts.leads_got) == (8, 2)
    assert counts.used == {"8": 42.0}
    assert list(counts.blocked) == ["5"]
