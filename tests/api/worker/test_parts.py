"""The worker's parts by themselves: what becomes of attempts, leads out of jobs, what is in hand, names."""

from __future__ import annotations

import asyncio
import itertools
import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from api.errors import PayloadError
from api.fields import parse_json
from api.graph import Action, GraphClient, GraphLead, Trouble
from api.models import Job
from api.queue import Taken
from api.settings import Settings
from api.sources import FormsSource
from api.worker import decode, policy
from api.worker.hand import MAX_BYTES, Hand
from api.worker.names import Names
from api.worker.width import CALLS, CALM, MOST, Width
from tests.api.graph.cases import Scripted, ids_of
from tests.api.worker.rig import form_job, meta_job

TEMPORARY = Trouble(Action.RETRY, "e", 30.0)
UNKNOWN = Trouble(Action.RETRY, "e", 300.0, tries=4)
FORMS = FormsSource(Settings())


def after(attempts: int) -> Job:
    job = meta_job("1")
    for n in range(attempts):
        job = policy.attempted(job, "w", float(n), 0.5, "e")
    return job


def delay(attempts: int, trouble: Trouble = TEMPORARY, *, max_attempts: int = 8, base: float = 30.0) -> float | None:
    return policy.delay_after(after(attempts), trouble, max_attempts=max_attempts, retry_base=base)


def test_delays_double_with_jitter_up_to_an_hour() -> None:
    for attempts, least in zip(range(1, 12), [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600, 3600], strict=True):
        found = [delay(attempts, max_attempts=100) for _ in range(50)]
        assert all(seconds is not None and least <= seconds <= 1.2 * least for seconds in found)
        assert len(set(found)) > 1


def test_delays_keep_their_proportion_to_the_base() -> None:
    short = delay(1, UNKNOWN, base=0.3)
    assert short is not None
    assert 3.0 <= short <= 3.6
    late = delay(40, TEMPORARY, max_attempts=100, base=0.3)
    assert late is not None
    assert late <= 36 * 1.2


@pytest.mark.parametrize(
    ("attempts", "trouble", "most", "ends"),
    [(7, TEMPORARY, 8, False), (8, TEMPORARY, 8, True), (9, TEMPORARY, 8, True), (1, TEMPORARY, 1, True),
     (3, UNKNOWN, 8, False), (4, UNKNOWN, 8, True), (2, UNKNOWN, 2, True)],
)  # fmt: skip
def test_attempts_come_to_an_end(attempts: int, trouble: Trouble, most: int, ends: bool) -> None:
    assert (delay(attempts, trouble, max_attempts=most) is None) is ends


def test_history_keeps_the_last_attempts() -> None:
    job = after(30)
    assert (job.attempt, len(job.history)) == (30, 20)
    assert [attempt.n for attempt in job.history] == list(range(11, 31))


def test_a_wait_burns_nothing_and_is_told_once() -> None:
    job = after(1)
    for now in range(50):
        job = policy.waited(job, "w", float(now), "token")
    assert (job.attempt, [attempt.n for attempt in job.history]) == (1, [1, 0])
    job = policy.waited(job, "w", 60.0, "limit")
    assert [attempt.error for attempt in job.history] == ["e", "token", "limit"]


def test_what_failed_often_is_asked_for_with_fewer_others() -> None:
    sizes = [policy.at_once(after(n)) for n in range(8)]
    assert sizes == sorted(sizes, reverse=True)
    assert (sizes[0], sizes[-1]) == (50, 1)


def test_a_form_lead() -> None:
    body = {
        "type": "lead.created",
        "timestamp": "2023-01-19T00:13:51Z",
        "data": {
            "id": "w-1",
            "form_name": "Landing page",
            "utm_campaign": "spring",
            "fields": {"name": "Ana", "email": "ana@example.com", "phone": "0034600123456", "interests": ["a", "b"]},
            "consent": {"marketing": True},
        },
    }
    lead = FORMS.lead(form_job("msg_1", body))
    assert (lead.full_name, lead.email, lead.phone, lead.phone_e164) == (
        "Ana", "ana@example.com", "0034600123456", "+34600123456",
    )  # fmt: skip
    assert (lead.form_name, lead.campaign_name, lead.status, lead.is_test) == (
        "Landing page", "spring", "stored", False,
    )  # fmt: skip
    assert lead.fields["interests"] == ["a", "b"]
    assert lead.consent == {"marketing": True}
    assert lead.created_at == datetime(2023, 1, 19, 0, 13, 51, tzinfo=UTC)
    assert json.loads(lead.raw) == body


def test_a_form_lead_marked_as_a_test() -> None:
    assert FORMS.lead(form_job("msg_1", {"type": "lead.test", "data": {"name": "Ana"}})).is_test


@pytest.mark.parametrize("body", ["[]", "1", "null", '"x"', "{}", '{"data":{}}'])
def test_a_form_without_answers_is_partial(body: str) -> None:
    lead = FORMS.lead(form_job("msg_1", body))
    assert (lead.fields, lead.status, lead.raw) == ({}, "partial", body)


@pytest.mark.parametrize("body", ["", "{", "NaN", '{"a":Infinity}', "\x00"])
def test_a_form_that_is_no_json_is_refused(body: str) -> None:
    with pytest.raises(PayloadError):
        FORMS.lead(form_job("msg_1", body))


def graph_lead(**data: Any) -> GraphLead:
    text = json.dumps({"id": "1"} | data)
    return GraphLead("1", text, parse_json(text))


@pytest.mark.parametrize(
    ("created", "moment"),
    [
        ("2015-02-28T08:49:14+0000", datetime(2015, 2, 28, 8, 49, 14, tzinfo=UTC)),
        ("2015-02-28T08:49:14", datetime(2015, 2, 28, 8, 49, 14, tzinfo=UTC)),
        (1438292065, datetime(2015, 7, 30, 21, 34, 25, tzinfo=UTC)),
        ("soon", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        (-1, None),
        (10**30, None),
        (None, None),
        ([], None),
    ],
)
def test_a_time_is_never_a_reason_to_refuse(created: Any, moment: datetime | None) -> None:
    lead = decode.meta_lead(meta_job("1"), graph_lead(created_time=created, field_data=[]), {})
    assert lead.created_at == moment


def test_what_the_answer_leaves_out_comes_from_the_webhook() -> None:
    lead = decode.meta_lead(meta_job("1", form="77"), graph_lead(), {"77": "Imóveis", "1029": "Casa"})
    assert (lead.form_id, lead.form_name, lead.page_name, lead.ad_id) == ("77", "Imóveis", "Casa", "5")
    assert lead.status == "partial"


@pytest.mark.parametrize("payload", ["", "not json", "[1]", "null"])
def test_a_webhook_that_cannot_be_read_costs_no_lead(payload: str) -> None:
    lead = decode.meta_lead(meta_job("1", payload=payload), graph_lead(field_data=[]), {})
    assert (lead.ad_id, lead.status) == ("", "stored")
    assert json.loads(decode.dashboard_lead(meta_job("1", payload=payload)).raw) == {}


def taken(entry_id: str, size: int = 10) -> Taken:
    return Taken(entry_id, form_job(entry_id, "x" * size))


async def test_the_hand_has_room_until_it_is_full() -> None:
    hand = Hand(10)
    hand.take(taken(str(n)) for n in range(8))
    hand.take([taken("7")])
    assert (len(hand), hand.room(), "7" in hand) == (8, 2, True)
    hand.release(["7", "none"])
    assert hand.room() == 3


async def test_what_is_set_aside_leaves_room_but_not_without_end() -> None:
    hand = Hand(10)
    hand.take(taken(str(n)) for n in range(60))
    assert hand.room() == 0
    assert hand.room(set_aside=55) == 5
    hand.take(taken(str(n)) for n in range(60, 100))
    assert hand.room(set_aside=100) == 0


async def test_there_is_room_to_spare_for_what_cannot_wait() -> None:
    hand = Hand(10)
    hand.take(taken(str(n)) for n in range(14))
    assert (hand.room(), hand.room(spare=10)) == (0, 6)


async def test_large_payloads_fill_the_hand_too() -> None:
    hand = Hand(1000)
    hand.take(taken(str(n), MAX_BYTES // 4) for n in range(4))
    assert hand.room() == 0
    hand.release(["0"])
    assert hand.room() > 0


async def test_emptied_waits_for_the_last() -> None:
    hand = Hand(10)
    hand.take([taken("1"), taken("2")])
    waiting = asyncio.create_task(hand.emptied(30))
    but = asyncio.create_task(hand.emptied_but(["2"], 30))
    await asyncio.sleep(0)
    hand.release(["1"])
    await but
    assert not waiting.done()
    hand.release(["2"])
    assert await waiting
    assert await hand.emptied(0)
    hand.take([taken("3")])
    assert not await hand.emptied(0.01)


async def test_two_that_want_to_be_alone_do_not_wait_for_each_other() -> None:
    hand = Hand(10)
    hand.take([taken(n) for n in "0123"])
    first, second = asyncio.Event(), asyncio.Event()

    async def alone(begun: asyncio.Event, *ids: str) -> None:
        async with hand.alone(ids, 30):
            begun.set()

    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        tasks.create_task(alone(first, "1", "2"))
        tasks.create_task(alone(second, "3"))
        await asyncio.sleep(0)
        assert not first.is_set()
        hand.release(["0"])
        await first.wait()
        assert not second.is_set()
        hand.release(["1", "2"])
        await second.wait()
        hand.release(["3"])


async def test_what_is_in_hand_is_extended_now_and_then() -> None:
    hand = Hand(10)
    hand.take([taken("1")])
    assert hand.to_extend(3600) == ()
    assert hand.to_extend(0) == ["1"]


def named(request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={i: {"id": i, "name": f"name {i}"} for i in ids_of(request)})


async def test_names_are_asked_for_once_by_whoever_comes_first() -> None:
    transport = Scripted(named)
    async with GraphClient(token="t", transport=transport) as client:
        names = Names(client)
        found = await asyncio.gather(*(names.of("1", ["1", "77"]) for _ in range(5)))
        assert found == [{"1": "name 1", "77": "name 77"}] * 5
        assert await names.of("1", ["77", "78", ""]) == {"77": "name 77", "78": "name 78"}
        await names.close()
    assert transport.asked == [["1", "77"], ["78"]]


async def test_names_that_cannot_be_had_are_left_out_and_not_asked_for_again() -> None:
    transport = Scripted(lambda _: httpx.Response(500))
    async with GraphClient(token="t", transport=transport) as client:
        names = Names(client)
        for _ in range(3):
            assert await names.of("1", ["77"]) == {}
        await names.close()
    assert len(transport.requests) == 1


async def test_no_lead_waits_long_for_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.worker.names._MAX_WAIT_S", 0.05)

    class Silent(GraphClient):
        async def names(self, page: str, ids: Any) -> dict[str, str]:
            await asyncio.Event().wait()
            return {}

    async with Silent(token="t") as client:
        names = Names(client)
        assert await names.of("1", ["77"]) == {}
        await names.close()


def test_only_waits_and_attempts_make_history() -> None:
    ns = itertools.count()
    job = policy.waited(policy.attempted(meta_job("1"), "w", next(ns), 1.0), "w", next(ns), "r")
    assert [(attempt.n, attempt.error) for attempt in job.history] == [(1, ""), (0, "r")]


def test_more_calls_at_once_while_they_go_well_and_the_limit_is_far() -> None:
    width = Width()
    assert width.calls == CALLS
    for _ in range(CALLS + 1):
        width.answered(well=True, used=0.0)
    assert width.calls == CALLS + 1
    for _ in range(100):
        width.answered(well=True, used=CALM - 1)
    assert width.calls == MOST
    width.answered(well=True, used=CALM)
    assert width.calls == CALLS


def test_fewer_calls_at_once_as_soon_as_one_fails_and_slowly_more_again() -> None:
    width = Width()
    width.answered(well=False, used=0.0)
    assert width.calls == CALLS // 2
    for _ in range(10):
        width.answered(well=False, used=0.0)
    assert width.calls == 1
    width.answered(well=True, used=0.0)
    assert width.calls == 2
