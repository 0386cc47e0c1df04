"""What a backfill brings in: every lead that is missing, once, whatever breaks on the way."""

from __future__ import annotations

import asyncio
import json
import time
from contextlib import aclosing

import pytest
import redis

from api.fields import moment
from api.ids import new_id
from api.models import Job, JobState, Lead, Outcome, PagePause
from api.queue import Bookmark, Publisher
from api.store import Write, Writer
from console.backfill import filling, intake, verb
from console.backfill.records import Report, Wanted
from console.demo.graph import GraphError, Temper
from console.errors import UsageError
from console.snapshots import Progress
from tests.console.backfill.conftest import TOKEN, Rig


def job(lead: str, **changes: object) -> Job:
    value = {"id": new_id(), "source": "meta", "external_id": lead, "payload": "{}", "received_at": time.time()}
    return Job(**(value | changes))  # type: ignore[arg-type]


async def publish(redis_url: str, ready: list[Job], dead: list[Job] | None = None) -> None:
    async with Publisher(redis_url) as publisher:
        await publisher.publish(ready, [(one, "(#100) gone") for one in dead or []])


async def test_a_form_s_missing_leads_are_queued_as_webhooks_queue_them(rig: Rig) -> None:
    result, steps = await rig.act(rig.wanted(0))
    expected = rig.leads(0)
    assert (result.ok, result.changed) == (True, len(expected)), result
    assert sorted(await rig.queued()) == sorted(expected)
    page = await rig.session.queue.jobs(JobState.READY, limit=1)
    one = page.jobs[0].job
    form = rig.form()
    value = json.loads(one.payload)
    assert (one.source, one.page, one.form) == ("meta", form.page_id, form.id)
    assert one.request_id.startswith("backfill-")
    assert value == {
        "leadgen_id": one.external_id, "page_id": form.page_id, "form_id": form.id,
        "ad_id": form.ad_id, "adgroup_id": form.ad_id, "created_time": value["created_time"],
    }  # fmt: skip
    assert abs(value["created_time"] - rig.world.created_at(rig.world.number(one.external_id) or 0)) < 1
    bars = [step for step in steps if step.service == form.id]
    assert any(0 < step.done <= step.total for step in bars)
    assert bars[-1].ok
    (action, *_) = await rig.session.links.read(lambda reader: reader.actions())
    assert (action.who, action.what) == ("ana@desk", "backfill")
    assert (action.target.startswith(f"form {form.id} since="), action.result) == (True, result.text)
    snapshot = await rig.session.queue.read()
    assert (snapshot.accepted, snapshot.duplicates) == (len(expected), 0)
    assert (await rig.session.checker.accounting()).balanced


async def test_all_forms_of_a_page(rig: Rig) -> None:
    page = rig.form().page_id
    places = [n for n, form in enumerate(rig.world.forms) if form.page_id == page]
    wanted = Wanted(rig.since(), page=page)
    result, _ = await rig.act(wanted)
    assert result.ok, result
    assert sorted(await rig.queued()) == sorted(rig.leads(*places))


async def test_only_what_was_created_since_then(rig: Rig) -> None:
    assert (await rig.run(rig.wanted(0, leads=500))).missing == len(rig.leads(0, leads=500))
    assert len(rig.leads(0, leads=500)) < len(rig.leads(0))


async def test_a_dry_run_counts_and_changes_nothing(rig: Rig, redis_url: str) -> None:
    known = rig.leads(0)[:7]
    await publish(redis_url, [job(lead) for lead in known])
    with redis.Redis.from_url(redis_url) as client:
        before = {key: client.dump(key) for key in client.scan_iter()}
        report = await rig.run(rig.wanted(0, 1, dry=True))
        assert {key: client.dump(key) for key in client.scan_iter()} == before
    expected = [len(rig.leads(place)) for place in (0, 1)]
    assert [count.read for count in report.forms] == expected
    assert (report.known, report.missing) == (7, sum(expected) - 7)
    assert await rig.session.links.read(lambda reader: reader.actions()) == ()


async def test_leads_that_came_before_are_known_whatever_became_of_them(
    rig: Rig, redis_url: str, database_url: str
) -> None:
    """Stored, erased at a person's wish, discarded, queued, and queued so long that the door has forgotten them."""
    stored, erased, discarded, queued, dead = rig.leads(0)[:5]
    jobs = [job(lead) for lead in (stored, erased, discarded)]
    await publish(redis_url, [*jobs, job(queued)], [job(dead, id="01" + "0" * 23 + "1")])
    writer = Writer(database_url)
    try:
        leads = [Lead("meta", one.external_id, moment(one.received_at), job_id=one.id) for one in jobs[:2]]
        await writer.write([Write(one, lead, "w") for one, lead in zip(jobs, leads, strict=False)])
    finally:
        await writer.close()
    found = await rig.session.leads.find(erased)
    assert found[0].lead is not None
    erased_id = found[0].lead.id
    await rig.session.links.read(lambda reader: reader.forget("ana", [erased_id], 0))
    await rig.session.links.read(lambda reader: reader.mark_discarded(jobs[2:]))
    with redis.Redis.from_url(redis_url) as client:
        for key in client.keys("{leads}:seen:*"):
            client.delete(key)
        client.set(f"{{leads}}:seen:meta:{queued}", f"4 {new_id()}", ex=60)
    assert (await rig.run(rig.wanted(0, dry=True))).known == 5
    report = await rig.run(rig.wanted(0))
    assert (report.known, report.missing) == (5, len(rig.leads(0)) - 5)
    assert Outcome.DISCARDED in {d.outcome for d in (await rig.session.leads.find(discarded))[0].deliveries}


async def test_what_is_queued_twice_counts_as_a_duplicate(rig: Rig) -> None:
    first = await rig.run(rig.wanted(0))
    again = await rig.run(rig.wanted(0))
    assert (again.known, again.missing) == (first.missing, 0)
    snapshot = await rig.session.queue.read()
    assert (snapshot.accepted, snapshot.duplicates) == (first.missing, first.missing)


@pytest.mark.parametrize("temper", [Temper(slow=0.0, broken=0.0, dropped=0.3)])
async def test_dropped_connections_lose_and_double_nothing(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "LISTED", 50)
    monkeypatch.setattr("console.backfill.asking._FIRST_S", 0.001)
    monkeypatch.setattr("console.backfill.asking.TRIES", 30)
    report = await rig.run(rig.wanted(0, 1, 2))
    assert report.failed is None
    assert sorted(await rig.queued()) == sorted(rig.leads(0, 1, 2))


@pytest.mark.parametrize("temper", [Temper(slow=0.0, broken=0.0, listings=3, limit_s=0.4)])
async def test_no_call_is_made_during_a_block_and_workers_hear_of_it(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "LISTED", 50)
    monkeypatch.setattr("api.graph.usage.MIN_WAIT_S", 0.01)
    monkeypatch.setattr("api.graph.usage._PACE", ())
    pauses: list[PagePause] = []
    reports: list[Report] = []
    async for event in rig.session.backfills().run(rig.wanted(0)):
        if isinstance(event, Report):
            reports.append(event)
        elif event.service == "graph" and event.ok is None:
            pauses += await rig.session.links.backlog(lambda backlog: backlog.pauses())
    assert reports[0].failed is None
    assert sorted(await rig.queued()) == sorted(rig.leads(0))
    assert (rig.graph.counts.while_blocked, rig.graph.counts.errors[80_005] > 2) == (0, True)
    assert {(pause.page, pause.kind) for pause in pauses} == {(rig.form().page_id, "limit")}


async def test_a_pause_that_workers_keep_is_kept_too(rig: Rig) -> None:
    page = rig.form().page_id
    pause = PagePause(page, "limit", time.time() + 3.0, "too many calls")
    await rig.session.links.backlog(lambda backlog: backlog.set_pause(pause))
    seen: list[Progress] = []
    async for event in rig.session.backfills().run(Wanted(rig.since(), (rig.form().id,), page=page)):
        if isinstance(event, Progress) and event.service == "graph" and event.ok is None:
            assert rig.graph.counts.calls == 0
            seen.append(event)
    assert "too many calls" in seen[0].text
    assert time.time() >= pause.until


async def test_a_page_that_waits_for_an_operator_is_not_called(rig: Rig) -> None:
    page = rig.form().page_id
    pause = PagePause(page, "token", 0.0, "Session has expired")
    await rig.session.links.backlog(lambda backlog: backlog.set_pause(pause))
    result, _ = await rig.act(Wanted(rig.since(), page=page))
    assert (result.ok, rig.graph.counts.calls) == (False, 0)
    assert "waits for an operator: Session has expired" in result.text
    assert f"leadsctl queue resume --page {page}" in result.hint


async def test_stopped_at_any_point_it_goes_on_where_it_was(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "LISTED", 50)
    expected = rig.leads(0)
    parts = -(-len(expected) // 50)
    for _ in range(3):
        taken = 0
        async with aclosing(rig.session.backfills().run(rig.wanted(0))) as events:
            async for event in events:
                taken += isinstance(event, Progress) and event.service == rig.form().id
                if taken == 3:
                    break
    rig.graph.counts.listings = 0
    report = await rig.run(rig.wanted(0))
    assert report.forms[0].resumed
    assert rig.graph.counts.listings < parts
    assert sorted(await rig.queued()) == sorted(expected)
    rig.graph.counts.listings = 0
    assert not (await rig.run(rig.wanted(0))).forms[0].resumed
    assert rig.graph.counts.listings == parts


async def test_what_is_created_while_it_is_stopped_is_found_too(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "LISTED", 50)
    wanted = rig.wanted(0)
    async with aclosing(rig.session.backfills().run(wanted)) as events:
        async for event in events:
            if isinstance(event, Progress) and event.service == rig.form().id:
                break
    rig.world.issued += 100
    report = await rig.run(wanted)
    assert report.forms[0].resumed
    assert sorted(await rig.queued()) == sorted(rig.leads(0, leads=3_100))


async def test_a_cursor_that_does_not_last_is_no_end(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.backfill.asking._FIRST_S", 0.001)
    form = rig.form().id
    mark = Bookmark(since=rig.since(), began=time.time(), after="123")
    await rig.session.links.backlog(lambda backlog: backlog.keep(form, mark))
    answer = rig.graph._edge

    def refusing(owner: str, edge: str, query: dict[str, list[str]]) -> dict[str, object]:
        if query.get("after") == ["123"]:
            raise GraphError(400, 100, "Invalid cursors values")
        return answer(owner, edge, query)

    monkeypatch.setattr(rig.graph, "_edge", refusing)
    report = await rig.run(rig.wanted(0))
    assert report.failed is None
    assert sorted(await rig.queued()) == sorted(rig.leads(0))


async def test_the_operator_has_it_end_and_is_told_the_truth(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "LISTED", 50)
    events = []
    async for event in rig.session.runner.run(verb.action(rig.wanted(0, 1))):
        events.append(event)
        if isinstance(event, Progress) and event.done:
            rig.session.halting.set()
    result = events[-1]
    assert not isinstance(result, Progress)
    queued = await rig.queued()
    assert (result.ok, result.exit_code, result.changed) == (False, 130, len(queued))
    assert 0 < len(queued) < len(rig.leads(0, 1))
    assert result.text.startswith("stopped: ")
    (action, *_) = await rig.session.links.read(lambda reader: reader.actions())
    assert action.result == result.text
    rig.session.halting.clear()
    assert (await rig.run(rig.wanted(0, 1))).failed is None
    assert sorted(await rig.queued()) == sorted(rig.leads(0, 1))


async def test_a_queue_that_refuses_is_waited_for(rig: Rig, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.backfill.patience._AGAIN_S", 0.02)
    waits = 0
    with redis.Redis.from_url(redis_url) as client:
        client.config_set("maxmemory", "1")
        try:
            async for event in rig.session.backfills().run(rig.wanted(0)):
                if isinstance(event, Progress) and event.service == "queue" and event.ok is None:
                    waits += 1
                    client.config_set("maxmemory", "0" if waits > 2 else "1")
        finally:
            client.config_set("maxmemory", "0")
    assert waits > 2
    assert sorted(await rig.queued()) == sorted(rig.leads(0))
    assert (await rig.session.queue.read()).duplicates == 0


async def test_workers_that_do_not_keep_up_are_waited_for(
    rig: Rig, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "MOST_WAITING", 10)
    monkeypatch.setattr(intake, "_LOOK_S", 0.01)
    monkeypatch.setattr(filling, "LISTED", 50)
    waits = 0
    with redis.Redis.from_url(redis_url) as client:
        async for event in rig.session.backfills().run(rig.wanted(0, leads=800)):
            if isinstance(event, Progress) and event.service == "queue" and event.ok is None:
                waits += 1
                assert client.xlen("{leads}:ready") <= 60
                client.xtrim("{leads}:ready", maxlen=0)
    assert waits > 2


async def test_a_form_that_fails_keeps_no_other_back(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.backfill.asking._FIRST_S", 0.001)
    demand, bad = rig.graph._demand_unblocked, rig.form(1).id

    def failing(form: str) -> None:
        if form == bad:
            raise GraphError(403, 200, f"(#200) Requires leads_retrieval permission access_token={TOKEN}")
        demand(form)

    monkeypatch.setattr(rig.graph, "_demand_unblocked", failing)
    result, _ = await rig.act(rig.wanted(0, 1))
    assert (result.ok, result.exit_code, result.changed) == (False, 1, len(rig.leads(0)))
    assert f"form {bad}: " in result.text
    assert "leads_retrieval" in result.text
    assert TOKEN not in result.text
    assert "leadsctl doctor" in result.hint


async def test_whose_a_form_is_has_to_be_known(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("META_ACCESS_TOKEN", raising=False)
    path = rig.session.settings.env_file
    assert path is not None
    page = rig.form().page_id
    tokens = f'META_ACCESS_TOKENS={{"{page}":"{TOKEN}","2":"other"}}'
    path.write_text(path.read_text().replace(f"META_ACCESS_TOKEN={TOKEN}", tokens))
    with pytest.raises(UsageError, match="is not known") as caught:
        await rig.run(rig.wanted(0))
    assert "--page" in caught.value.hint
    with pytest.raises(UsageError, match="there is no token for page 3"):
        await rig.run(Wanted(rig.since(), page="3"))
    wanted = Wanted(rig.since(), (rig.form().id,), page=page)
    assert (await rig.run(wanted)).missing == len(rig.leads(0))


async def test_a_cancelled_run_leaves_nothing_running(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "LISTED", 20)
    before = asyncio.all_tasks()
    started = asyncio.Event()

    async def go() -> None:
        async with aclosing(rig.session.backfills().run(rig.wanted(0, 1))) as events:
            async for event in events:
                if isinstance(event, Progress) and event.done:
                    started.set()

    task = asyncio.create_task(go())
    await started.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert {each for each in asyncio.all_tasks() - before if "/console/backfill/" in repr(each)} == set()
