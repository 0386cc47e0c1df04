"""What the Graph API answers, end to end: where the job is afterwards, what it cost, and what the operator is told."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable

import pytest

from api.models import JobState, Outcome, PagePause
from api.queue import Consumer
from tests.api.worker.conftest import Log
from tests.api.worker.rig import Rig, form_job, meta_job, until
from tests.api.worker.standin import Call, Reply, error, leads
from tests.api.worker.test_recorded import APP_WIDE, recorded

TEMPORARY = error(2, "Service temporarily unavailable", status=503)
EXPIRED = error(190, "Error validating access token: Session has expired", 463)


def in_turn(*replies: Reply | None) -> Callable[[Call], Reply]:
    """One reply after the other, the last one for ever; None is a sound answer."""
    left = itertools.chain(replies, itertools.repeat(replies[-1]))
    return lambda call: next(left) or Reply(leads(call.ids))


@pytest.mark.parametrize("name", sorted(APP_WIDE))
async def test_a_limit_of_the_app_stops_all_calls_and_no_form(rig: Rig, name: str) -> None:
    rig.graph.answer = in_turn(recorded(name))
    first, second, form = meta_job("1", page="1"), meta_job("2", page="2"), form_job("msg_1")
    await rig.publish(first)
    async with rig.working():
        assert (await rig.state(first, JobState.RETRY)).job.attempt == 0
        await rig.publish(second, form)
        assert (await rig.state(second, JobState.RETRY)).job.attempt == 0
        await rig.stored(form)
        pauses = (await rig.inspector.snapshot()).pauses
    assert [pause.page for pause in pauses] == ["*"]
    assert len(rig.graph.calls) == 1


async def test_a_user_s_limit_is_everyone_s_where_there_is_one_token(rig: Rig) -> None:
    rig.graph.answer = in_turn(error(17, "User request limit reached"))
    job = meta_job("1")
    await rig.publish(job)
    async with rig.working():
        await rig.state(job, JobState.RETRY)
        assert [pause.page for pause in (await rig.inspector.snapshot()).pauses] == ["*"]


async def test_a_user_s_limit_is_the_page_s_where_there_are_more(rig: Rig) -> None:
    rig.graph.answer = in_turn(error(17, "User request limit reached"))
    job = meta_job("1")
    await rig.publish(job)
    async with rig.working(meta_access_tokens={"1029": "own"}):
        await rig.state(job, JobState.RETRY)
        assert [pause.page for pause in (await rig.inspector.snapshot()).pauses] == ["1029"]


async def test_after_a_pause_jobs_go_on_by_themselves(rig: Rig) -> None:
    jobs = [meta_job(str(n + 1)) for n in range(70)]
    async with Consumer(rig.redis_url, "leads", "w-0") as other:
        await other.set_pause(PagePause("1029", "limit", time.time() + 8.0, "too many calls"))
    async with rig.working():
        await until(_known(rig), "the pause")
        await rig.publish(*jobs)
        view = await rig.state(jobs[0], JobState.RETRY)
        assert view.error == "too many calls"
        await rig.rows(70)
        await until(_no_pause(rig), "the pause to be lifted")
    details = await rig.stored(jobs[0])
    assert details.deliveries[0].attempts == 1
    assert [attempt.n for _, attempt in details.attempts] == [0, 1]


async def test_an_expired_token_burns_nothing_and_heals_by_itself(rig: Rig, log: Log) -> None:
    rig.graph.answer = lambda _: EXPIRED
    jobs = [meta_job(str(n + 1)) for n in range(60)]
    other = meta_job("900", page="2000")
    await rig.publish(*jobs)
    async with rig.working():
        assert "Session has expired" in await rig.notice("page:1029")

        async def probed() -> bool:
            return len(rig.graph.calls) >= 4

        await until(probed, "a few tries")
        assert all(len(call.ids) == 1 for call in rig.graph.calls[2:])
        (pause,) = (await rig.inspector.snapshot()).pauses
        assert (pause.page, pause.kind, pause.until) == ("1029", "token", 0)
        rig.graph.answer = lambda call: EXPIRED if "900" in call.ids else Reply(leads(call.ids))
        await rig.publish(other)
        await rig.rows(60)
        await rig.notice("page:1029", there=False)
        await rig.notice("page:2000")
    details = await rig.stored(jobs[0])
    assert details.deliveries[0].attempts == 1
    assert [attempt.n for _, attempt in details.attempts] == [0, 1]
    assert rig.settings.meta_access_token not in log.text
    assert [event["page"] for event in log.events("graph.asks")] == ["1029", "2000"]


async def test_a_page_without_a_token_waits_for_one(rig: Rig) -> None:
    without = meta_job("1", page="2000")
    await rig.publish(without, meta_job("2", page="1029"))
    async with rig.working(meta_access_token="", meta_access_tokens={"1029": "a", "1030": "b"}):
        assert "META_ACCESS_TOKENS" in await rig.notice("page:2000")
        await rig.rows(1)
        assert (await rig.state(without, JobState.RETRY)).job.attempt == 0
    async with rig.working():
        await rig.rows(2)


async def test_a_temporary_error_is_retried_and_remembered(rig: Rig, log: Log) -> None:
    rig.graph.answer = in_turn(TEMPORARY, TEMPORARY, None)
    job = meta_job("1")
    await rig.publish(job)
    async with rig.working():
        details = await rig.stored(job)
        await rig.idle()
    assert details.deliveries[0].attempts == 3
    history = [attempt for _, attempt in details.attempts]
    assert [attempt.n for attempt in history] == [1, 2, 3]
    assert ["code 2" in attempt.error for attempt in history] == [True, True, False]
    waits = [later.started_at - earlier.started_at for earlier, later in itertools.pairwise(history)]
    assert waits[0] >= 0.1
    assert waits[1] >= 0.2
    assert [event["attempt"] for event in log.events("lead.retry")] == [1, 2]


async def test_attempts_come_to_an_end(rig: Rig) -> None:
    rig.graph.answer = in_turn(TEMPORARY)
    job = meta_job("1")
    await rig.publish(job)
    async with rig.working(max_attempts=3, retry_base=0.05):
        view = await rig.state(job, JobState.DEAD)
    assert len(rig.graph.calls) == 3
    assert (view.job.attempt, [attempt.n for attempt in view.job.history]) == (3, [1, 2, 3])
    assert "temporarily unavailable" in view.error


async def test_a_missing_lead_is_given_up_after_a_few_and_the_operator_is_told(rig: Rig) -> None:
    rig.graph.answer = in_turn(recorded("err_100_33_real_id"))
    job = meta_job("1039213147374064")
    await rig.publish(job)
    async with rig.working(retry_base=0.02):
        view = await rig.state(job, JobState.DEAD)
        assert "was given up" in await rig.notice("missing:1029")
    assert (view.job.attempt, len(rig.graph.calls)) == (4, 4)


async def test_the_dashboard_s_test_lead_is_stored_as_a_test(rig: Rig) -> None:
    rig.graph.answer = in_turn(error(100, "Unsupported get request.", 33))
    job = meta_job("444444444444", page="444444444444", form="444444444444")
    await rig.publish(job)
    async with rig.working():
        stored = (await rig.stored(job)).lead
    assert stored is not None
    assert (stored.is_test, stored.status, stored.ad_id) == (True, "partial", "5")


async def test_one_bad_id_does_not_fail_the_others(rig: Rig) -> None:
    def answer(call: Call) -> Reply:
        bad = [lead_id for lead_id in call.ids if lead_id == "7"]
        return error(803, f"(#803) Some of the aliases you requested do not exist: {bad[0]}") if bad else Reply(
            leads(call.ids))  # fmt: skip

    rig.graph.answer = answer
    jobs = [meta_job(str(n)) for n in range(1, 51)]
    await rig.publish(*jobs)
    async with rig.working():
        await rig.rows(49)
        await rig.state(jobs[6], JobState.DEAD)
    assert len(rig.graph.calls) == 3
    accounting = await rig.accounting()
    assert (accounting.deliveries[Outcome.STORED], accounting.dead, accounting.balanced) == (49, 1, True)


async def test_a_lead_that_breaks_the_answer_is_found_in_the_end(rig: Rig) -> None:
    rig.graph.answer = lambda call: TEMPORARY if "7" in call.ids else Reply(leads(call.ids))
    jobs = [meta_job(str(n)) for n in range(1, 31)]
    await rig.publish(*jobs)
    async with rig.working(retry_base=0.02):
        await rig.rows(29)
        await rig.state(jobs[6], JobState.DEAD)


async def test_leads_without_answers_are_stored_told_and_completed(rig: Rig) -> None:
    rig.graph.answer = lambda call: Reply({"id": call.ids[0]})
    bare = meta_job("1")
    await rig.publish(bare)
    async with rig.working():
        assert "without their answers" in await rig.notice("fields:1029")
        stored = (await rig.stored(bare)).lead
        assert stored is not None
        assert (stored.status, stored.form_id, stored.ad_id) == ("partial", "77", "5")
        rig.graph.answer = lambda call: Reply(leads(call.ids))
        await rig.publish(meta_job("2"))
        await rig.notice("fields:1029", there=False)


async def test_a_dead_letter_without_an_id_is_never_asked_for(rig: Rig) -> None:
    jobs = [meta_job("invalid-0123456789abcdef"), meta_job("1")]
    await rig.publish(*jobs)
    async with rig.working():
        await rig.rows(1)
        view = await rig.state(jobs[0], JobState.DEAD)
    assert view.error
    assert [call.ids for call in rig.graph.calls if "invalid" in str(call.ids)] == []


async def test_an_api_out_of_reach_burns_no_attempt(rig: Rig, free_port: Callable[[], int]) -> None:
    job = meta_job("1")
    await rig.publish(job, form_job("msg_1"))
    async with rig.working(meta_graph_url=f"http://127.0.0.1:{free_port()}"):
        view = await rig.state(job, JobState.RETRY)
        await rig.rows(1)
        (pause,) = (await rig.inspector.snapshot()).pauses
    assert (view.job.attempt, pause.page) == (0, "*")
    assert "cannot be reached" in pause.reason
    async with rig.working():
        await rig.rows(2)


async def test_near_its_limit_a_page_is_read_slower(rig: Rig) -> None:
    """With little left of its limit, a page's second call waits; meanwhile another page goes on."""
    usage = {"X-Business-Use-Case-Usage": '{"1":[{"type":"leadgen","call_count":96}]}'}
    rig.graph.answer = lambda call: Reply(leads(call.ids), headers=usage if call.ids[0].startswith("1") else {})
    first, second = meta_job("11", page="1"), meta_job("12", page="1")
    await rig.publish(first)
    async with rig.working():
        await rig.stored(first)
        await rig.publish(second, *(meta_job(str(n), page="2") for n in range(20, 25)))
        await rig.rows(6)
        assert await rig.reader.find(second.id) == ()
    assert len([call for call in rig.graph.calls if call.ids[0].startswith("1")]) == 1


async def test_two_workers_share_what_they_know_of_pauses(rig: Rig) -> None:
    rig.graph.answer = lambda _: recorded("err_80005_leadgen")
    first, second = meta_job("1"), meta_job("2")
    await rig.publish(first)
    async with rig.working():
        await rig.state(first, JobState.RETRY)
    async with rig.working(worker_name="w-2"):
        await until(_known(rig), "the pause")
        await asyncio.sleep(1.1)
        await rig.publish(second)
        await rig.state(second, JobState.RETRY)
    assert len(rig.graph.calls) == 1


def _known(rig: Rig) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        snapshot = await rig.inspector.snapshot()
        return bool(snapshot.pauses) and any(worker.alive for worker in snapshot.workers)

    return check


def _no_pause(rig: Rig) -> Callable[[], Awaitable[bool]]:
    async def check() -> bool:
        return not (await rig.inspector.snapshot()).pauses

    return check
