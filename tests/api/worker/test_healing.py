"""A page that an operator has to put right: only one lead is asked for now and then, and it goes on at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from api.models import JobState, PagePause
from api.queue import Consumer, Operator
from api.store import Writer
from tests.api.worker.conftest import Log
from tests.api.worker.rig import Rig, meta_job, until
from tests.api.worker.standin import Call, Reply, error, leads

EXPIRED = error(190, "Error validating access token: Session has expired", 463)
REFUSED = error(200, "(#200) Requires leads_retrieval permission to manage the object", status=403)


def pause_of(rig: Rig, page: str) -> Callable[[], Awaitable[PagePause | None]]:
    """The pause of a page, once it is there."""

    async def check() -> PagePause | None:
        return next((p for p in (await rig.inspector.snapshot()).pauses if p.page == page), None)

    return check


def waiting(rig: Rig, count: int) -> Callable[[], Awaitable[bool]]:
    """Whether so many jobs wait."""

    async def check() -> bool:
        snapshot = await rig.inspector.snapshot()
        return (snapshot.retry, snapshot.ready, snapshot.in_flight) == (count, 0, 0)

    return check


def tried(rig: Rig, tries: int) -> Callable[[], Awaitable[bool]]:
    """Whether a paused page was tried at least so often."""

    async def check() -> bool:
        return any(pause.tries >= tries for pause in (await rig.inspector.snapshot()).pauses)

    return check


async def test_the_first_success_releases_all_that_wait(rig: Rig, log: Log) -> None:
    rig.graph.answer = lambda _: EXPIRED
    jobs = [meta_job(str(n)) for n in range(1000, 1400)]
    await rig.publish(*jobs)
    async with rig.working():
        await until(waiting(rig, 400), "all to wait")
        view = await rig.state(jobs[399], JobState.RETRY)
        # By themselves they would not be back before the test has run out of patience.
        assert view.due_at - time.time() > 200
        await until(tried(rig, 2), "two tries")
        pause = await until(pause_of(rig, "1029"), "the pause")
        tries = [call for call in rig.graph.calls if len(call.ids) == 1]
        assert pause.lead in {call.ids[0] for call in tries}
        assert len(rig.graph.all) - len(tries) <= 5
        rig.graph.answer = lambda call: Reply(leads(call.ids))
        await rig.rows(400)
        await rig.notice("page:1029", there=False)
        assert (await rig.inspector.snapshot()).pauses == ()
    details = await rig.stored(jobs[399])
    assert details.deliveries[0].attempts == 1
    (resumed,) = log.events("graph.resumed")
    assert (resumed["page"], resumed["released"]) == ("1029", 400)
    assert (await rig.accounting()).balanced


async def test_what_a_worker_that_died_did_not_release_the_next_one_does(rig: Rig) -> None:
    """It had lifted the pause, and was killed before it released the jobs."""
    rig.graph.answer = lambda _: EXPIRED
    jobs = [meta_job(str(n)) for n in range(1000, 1060)]
    await rig.publish(*jobs)
    async with rig.working():
        await until(waiting(rig, 60), "all to wait")
    async with Consumer(rig.redis_url, "leads", "w-0") as other:
        assert await other.clear_pause("1029")
    rig.graph.answer = lambda call: Reply(leads(call.ids))
    async with rig.working():
        await rig.rows(60)


async def test_released_jobs_keep_the_others_waiting_that_wait_for_themselves(rig: Rig) -> None:
    """What failed by itself keeps its backoff when its page is released."""
    own = meta_job("7")
    rig.graph.answer = lambda _: error(2, "Service temporarily unavailable", status=503)
    await rig.publish(own)
    async with rig.working(retry_base=30.0):
        before = await rig.state(own, JobState.RETRY)
        async with Consumer(rig.redis_url, "leads", "w-0") as other:
            assert await other.release("1029") == 0
            assert await other.release("*") == 0
        after = await rig.state(own, JobState.RETRY)
    assert (before.due_at, before.job.attempt) == (after.due_at, 1)


async def test_a_restart_tries_at_once(rig: Rig) -> None:
    """As after a new token was put into .env. The page's own next try is far away."""
    rig.graph.answer = lambda call: EXPIRED if call.query["access_token"] == "old" else Reply(leads(call.ids))
    jobs = [meta_job(str(n)) for n in range(1000, 1100)]
    await rig.publish(*jobs)
    async with rig.working(meta_access_token="old", retry_base=3000.0):
        await until(waiting(rig, 100), "all to wait")
        pause = await until(pause_of(rig, "1029"), "the pause")
        assert pause.next_at - time.time() > 1000
    async with rig.working(meta_access_token="new", retry_base=3000.0):
        await rig.rows(100)
    assert next(len(call.ids) for call in rig.graph.calls if call.query["access_token"] == "new") == 1


async def test_a_missing_token_that_is_given_releases_at_once(rig: Rig) -> None:
    jobs = [meta_job(str(n), page="2000") for n in range(1000, 1060)]
    await rig.publish(*jobs)
    async with rig.working(meta_access_token="", meta_access_tokens={"1": "a", "2": "b"}, retry_base=3000.0):
        await until(waiting(rig, 60), "all to wait")
    assert rig.graph.all == []
    async with rig.working(meta_access_token="", meta_access_tokens={"1": "a", "2000": "b"}, retry_base=3000.0):
        await rig.rows(60)


async def test_an_operator_s_word_releases_at_once(rig: Rig) -> None:
    rig.graph.answer = lambda _: REFUSED
    jobs = [meta_job(str(n)) for n in range(1000, 1100)]
    await rig.publish(*jobs)
    async with rig.working(retry_base=3000.0):
        await until(waiting(rig, 100), "all to wait")
        rig.graph.answer = lambda call: Reply(leads(call.ids))
        async with Operator(rig.redis_url, "leads") as operator:
            assert await operator.clear_pause("1029")
        await rig.rows(100)
        await rig.notice("page:1029", there=False)


async def test_an_operator_ends_a_limit_s_pause_too(rig: Rig) -> None:
    rig.graph.answer = lambda _: error(80005, "too many")
    jobs = [meta_job(str(n)) for n in range(1000, 1100)]
    await rig.publish(*jobs)
    async with rig.working():
        await until(waiting(rig, 100), "all to wait")
        rig.graph.answer = lambda call: Reply(leads(call.ids))
        async with Operator(rig.redis_url, "leads") as operator:
            assert await operator.clear_pause("1029")
        await rig.rows(100)


async def test_tries_become_rarer_and_workers_take_turns(rig: Rig) -> None:
    rig.graph.answer = lambda _: REFUSED
    await rig.publish(*(meta_job(str(n)) for n in range(1000, 1010)))
    async with rig.working(retry_base=1.0), rig.working(retry_base=1.0, worker_name="w-2"):
        await until(tried(rig, 1), "a try")
        first = await until(pause_of(rig, "1029"), "the pause")
        await until(tried(rig, 3), "three tries")
        third = await until(pause_of(rig, "1029"), "the pause")
        singles = [call for call in rig.graph.calls if len(call.ids) == 1]
        # Two of them by the call that met the trouble, to see whether it is the whole page.
        assert len(singles) <= third.tries + 4
    assert first.kind == third.kind == "permission"


async def test_pages_that_share_a_token_go_on_together(rig: Rig) -> None:
    good: set[str] = set()
    rig.graph.answer = lambda call: Reply(leads(call.ids)) if good else EXPIRED
    pages = [str(2000 + n) for n in range(6)]
    await rig.publish(*(meta_job(f"{page}1", page=page) for page in pages))
    async with rig.working(retry_base=3000.0):

        async def all_paused() -> bool:
            return len((await rig.inspector.snapshot()).pauses) == len(pages)

        await until(all_paused, "the pauses")
        good.add("now")
        async with Consumer(rig.redis_url, "leads", "w-0") as other:
            # One of them is due; the others are not for a long time.
            (first, *_) = [p for p in (await rig.inspector.snapshot()).pauses if p.page == pages[0]]
            await other.set_pause(PagePause(first.page, first.kind, 0.0, first.reason, lead=first.lead, next_at=1.0))
        await rig.rows(len(pages))


async def test_the_lead_it_is_tried_with_may_be_gone(rig: Rig) -> None:
    gone: set[str] = set()

    def answer(call: Call) -> Reply:
        if not gone:
            return EXPIRED
        if gone & set(call.ids):
            return error(803, f"(#803) Some of the aliases you requested do not exist: {call.ids[0]}", status=404)
        return Reply(leads(call.ids))

    rig.graph.answer = answer
    jobs = [meta_job(str(n)) for n in range(1000, 1020)]
    await rig.publish(*jobs)
    async with rig.working():
        pause = await until(pause_of(rig, "1029"), "the pause")
        gone.add(pause.lead)
        await rig.rows(19)
        (dead,) = [job for job in jobs if job.external_id == pause.lead]
        await rig.state(dead, JobState.DEAD)


async def test_the_page_is_told_by_its_name(rig: Rig) -> None:
    """The name is from the days when the token was good, kept in the store."""
    first, second = meta_job("1"), meta_job("2")
    await rig.publish(first)
    async with rig.working():
        await rig.stored(first)
    rig.graph.answer = lambda _: EXPIRED
    await rig.publish(second)
    async with rig.working():
        assert "page Casa & Co (1029): " in await rig.notice("page:1029")
        pause = await until(pause_of(rig, "1029"), "the pause")
    assert pause.name == "Casa & Co"


async def test_no_pause_waits_for_a_name(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    held = asyncio.Event()

    async def slow(self: Writer, kind: str, each: str) -> str:
        del self, kind, each
        await held.wait()
        return "Casa & Co"

    monkeypatch.setattr(Writer, "name_of", slow)
    monkeypatch.setattr("api.worker.names._MAX_WAIT_S", 600.0)
    rig.graph.names.clear()
    rig.graph.answer = lambda _: error(80005, "too many")
    await rig.publish(meta_job("1"))
    async with rig.working():
        assert (await until(pause_of(rig, "1029"), "the pause")).name == ""
        held.set()

        async def named() -> bool:
            return [pause.name for pause in (await rig.inspector.snapshot()).pauses] == ["Casa & Co"]

        await until(named, "the name")


async def test_one_lead_that_may_not_be_read_holds_its_page_up_only_until_another_comes(rig: Rig) -> None:
    rig.graph.answer = lambda call: REFUSED if "1" in call.ids else Reply(leads(call.ids))
    bad, good = meta_job("1"), meta_job("2")
    await rig.publish(bad)
    async with rig.working():
        await until(pause_of(rig, "1029"), "the pause")
        await rig.publish(good)
        await rig.stored(good)


async def test_one_lead_that_may_not_be_read_is_not_its_page(rig: Rig) -> None:
    rig.graph.answer = lambda call: REFUSED if "1007" in call.ids else Reply(leads(call.ids))
    jobs = [meta_job(str(n)) for n in range(1000, 1050)]
    await rig.publish(*jobs)
    async with rig.working(retry_base=30.0):
        await rig.rows(49)
        view = await rig.state(jobs[7], JobState.RETRY)
        assert (await rig.inspector.snapshot()).pauses == ()
    assert view.job.attempt == 1
    assert sum(len(call.ids) for call in rig.graph.calls) <= 4 * 50
