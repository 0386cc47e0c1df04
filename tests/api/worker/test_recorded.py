"""Every recorded answer of the Graph API in a worker: where its job is then, alone and among others of its page."""

from __future__ import annotations

import time

import httpx

from api.graph import Action, Trouble, answers, verdict
from api.models import JobState
from tests.api.graph.cases import CASES
from tests.api.graph.test_responses import SINGLE, WAITS, asked_for
from tests.api.worker.rig import Rig, meta_job
from tests.api.worker.standin import Call, Reply, leads

APP_WIDE = {"err_4_app", "err_341"}
PAGES = {name: str(5000 + n) for n, name in enumerate(sorted(set(SINGLE) - APP_WIDE))}


def recorded(name: str) -> Reply:
    case = CASES[name]
    return Reply(case["body"], case["status"], case["headers"])


async def test_every_recorded_answer_sends_its_lead_where_it_should(rig: Rig) -> None:
    """A page for each case, all at once: no page's trouble may touch another's."""
    jobs = {name: meta_job(f"{page}1", page=page) for name, page in PAGES.items()}
    by_id = {job.external_id: name for name, job in jobs.items()}

    def answer(call: Call) -> Reply:
        (asked,) = call.ids
        name = by_id[asked]
        reply = recorded(name)
        same = asked_for(CASES[name])
        body = reply.body if "wrong_id" in name else reply.body.replace(f'"{same}"', f'"{asked}"')
        return Reply(body, reply.status, reply.headers)

    rig.graph.answer = answer
    await rig.publish(*jobs.values())
    # Retries are far off, so that each job is found where the first answer sent it.
    async with rig.working(retry_base=30.0):
        started = time.time()
        for name, job in jobs.items():
            action = CASES[name]["action"]
            if action.startswith("store"):
                details = await rig.stored(job)
                assert details.lead is not None, name
                assert details.lead.status == ("partial" if "partial" in action else "stored"), name
                assert details.lead.external_id == job.external_id, name
            elif action == "dead-letter":
                view = await rig.state(job, JobState.DEAD)
                assert (view.job.attempt, view.error != "") == (1, True), name
            elif action == "ask operator":
                view = await rig.state(job, JobState.RETRY)
                assert (view.job.attempt, [a.n for a in view.job.history]) == (0, [0]), name
                await rig.notice(f"page:{job.page}")
            elif name in WAITS:
                view = await rig.state(job, JobState.RETRY)
                assert view.job.attempt == 0, name
                assert CASES[name]["delay_s"] - 5 < view.due_at - started < CASES[name]["delay_s"] + 60, name
            else:
                view = await rig.state(job, JobState.RETRY)
                assert (view.job.attempt, [a.n for a in view.job.history]) == (1, [1]), name
                assert CASES[name]["delay_s"] - 1 < view.due_at - started < 1.2 * CASES[name]["delay_s"] + 60, name
        await rig.notice(f"fields:{PAGES['lead_id_only']}")
        pauses = {pause.page: pause for pause in (await rig.inspector.snapshot()).pauses}
    paused = {name for name, page in PAGES.items() if page in pauses}
    assert paused == {n for n in PAGES if CASES[n]["action"] == "ask operator" or n in WAITS}
    assert all((pauses[PAGES[name]].until == 0) is (name not in WAITS) for name in paused)
    assert (await rig.accounting()).balanced


async def test_every_recorded_error_of_one_among_several_concerns_whom_it_should(rig: Rig) -> None:
    """Five leads of a page in one call, which fails as recorded as long as the first is in it."""
    names = {name: page for name, page in PAGES.items() if not CASES[name]["action"].startswith("store")}
    jobs = {name: [meta_job(f"{page}{n}", page=page) for n in range(5)] for name, page in names.items()}
    by_page = {page: name for name, page in names.items()}

    def answer(call: Call) -> Reply:
        page = call.ids[0][:4]
        if f"{page}0" not in call.ids:
            return Reply(leads(call.ids))
        reply = recorded(by_page[page])
        return Reply(reply.body.replace('"123123123123"', f'"{page}0"'), reply.status, reply.headers)

    rig.graph.answer = answer
    await rig.publish(*(job for five in jobs.values() for job in five))
    async with rig.working(retry_base=30.0):
        for name, (bad, *others) in jobs.items():
            result = trouble(name)
            alone = result.action is Action.BURY or result.tries or result.kind == "permission"
            if name in WAITS or (result.action is Action.ASK and not alone):
                for job in (bad, *others):
                    assert (await rig.state(job, JobState.RETRY)).job.attempt == 0, name
                continue
            for job in others:
                if alone:
                    assert (await rig.stored(job)).deliveries[0].attempts == 1, name
                else:
                    assert (await rig.state(job, JobState.RETRY)).job.attempt == 1, name
            where = JobState.DEAD if result.action is Action.BURY else JobState.RETRY
            assert (await rig.state(bad, where)).job.attempt == 1, name
    assert (await rig.accounting()).balanced


def trouble(name: str) -> Trouble:
    """What the error table says of a recorded answer, if it came for one lead."""
    case = CASES[name]
    _, value, _ = answers.read(case["body"].encode("utf-8", "surrogatepass"))
    if case["status"] == 200 and isinstance(value, dict) and "error" not in value:
        return Trouble(Action.BURY, "another lead")
    return verdict.trouble(case["status"], httpx.Headers(case["headers"]), value)
