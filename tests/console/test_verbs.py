"""Verbs on a real queue and a real store: what moves, what is recorded, that the accounting holds at every step."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from api.ids import new_id
from api.models import Job, JobState
from api.queue import Publisher
from api.store import migrate
from console.errors import UnreachableError
from console.ports import Action, Result, Verb
from console.session import Session
from console.settings import Settings
from console.snapshots import Endpoints, Progress
from tests.console.test_session import Runtime


class Local(Runtime):
    """A runtime whose stack is two servers; its steps can fail."""

    def __init__(self, redis_url: str, database_url: str) -> None:
        self.at = Endpoints(database_url, redis_url, "http://127.0.0.1:1")
        self.step = Progress("done", "app", ok=True)

    async def endpoints(self) -> Endpoints:
        return self.at

    async def _steps(self) -> AsyncIterator[Progress]:
        yield self.step


@pytest.fixture
async def session(redis_url: str, database_url: str) -> AsyncIterator[Session]:
    await migrate(database_url)
    async with Session(Settings(operator="ana@desk"), Local(redis_url, database_url)) as session:
        yield session


def job(number: int = 1) -> Job:
    return Job(id=new_id(), source="meta", external_id=str(number), payload='{"leadgen_id":"1"}', received_at=1.0)


async def publish(redis_url: str, *, ready: list[Job], dead: list[Job]) -> None:
    publisher = Publisher(redis_url)
    try:
        await publisher.publish(ready, [(one, "(#100) Invalid parameter") for one in dead])
    finally:
        await publisher.close()


async def do(session: Session, verb: Verb, *targets: str, **args: str) -> Result:
    events = [event async for event in session.runner.run(Action(verb, targets, args))]
    assert isinstance(events[-1], Result)
    return events[-1]


async def states(session: Session) -> dict[str, int]:
    found = await session.queue.read()
    accounting = await session.checker.accounting()
    assert accounting.balanced, accounting
    return {state.value: getattr(found, state.value.replace("-", "_")) for state in JobState}


async def actions(session: Session) -> list[tuple[str, str, str, str]]:
    found = await session.links.read(lambda reader: reader.actions())
    return [(action.who, action.what, action.target, action.result) for action in found]


async def test_discard_and_undo_keep_the_accounting(session: Session, redis_url: str) -> None:
    one, two = job(1), job(2)
    await publish(redis_url, ready=[], dead=[one, two])
    result = await do(session, Verb.DISCARD, one.id)
    assert (result.ok, result.text, result.changed) == (True, "1 job discarded", 1)
    assert await states(session) | {"stuck": 0} == {
        "ready": 0, "in-flight": 0, "retry": 0, "stuck": 0, "dead": 1, "discarded": 1,
    }  # fmt: skip
    (found,) = await session.leads.find(one.id)
    assert [delivery.outcome.value for delivery in found.deliveries] == ["discarded"]

    result = await do(session, Verb.UNDO, one.id)
    assert (result.ok, result.text) == (True, "1 job taken back")
    assert (await states(session))["ready"] == 1
    assert await session.leads.find(one.id) == ()
    assert await actions(session) == [
        ("ana@desk", "undo", one.id, "1 job taken back"),
        ("ana@desk", "discard", one.id, "1 job discarded"),
    ]


async def test_what_cannot_be_discarded_is_said_and_leaves_no_row(session: Session, redis_url: str) -> None:
    one = job()
    await publish(redis_url, ready=[], dead=[one])
    unknown = new_id()
    events = [event async for event in session.runner.run(Action(Verb.DISCARD, (one.id, unknown)))]
    assert [id_ for event in events if isinstance(event, Progress) for id_ in event.jobs] == [one.id]
    result = events[-1]
    assert isinstance(result, Result)
    assert (result.ok, result.changed, result.exit_code) == (False, 1, 1)
    assert result.text == f"1 job discarded; {unknown} is not in the queue"
    again = await do(session, Verb.DISCARD, one.id)
    assert not again.ok
    assert (await states(session))["discarded"] == 1


async def test_retry_makes_dead_and_discarded_jobs_ready(session: Session, redis_url: str) -> None:
    one, two = job(1), job(2)
    await publish(redis_url, ready=[], dead=[one, two])
    await do(session, Verb.DISCARD, two.id)
    result = await do(session, Verb.RETRY, one.id, two.id)
    assert (result.ok, result.text) == (True, "2 jobs made ready again")
    assert (await states(session))["ready"] == 2
    assert await session.leads.find(two.id) == ()


async def test_retry_matching_tells_how_far_it_is(session: Session, redis_url: str) -> None:
    await publish(redis_url, ready=[], dead=[job(n) for n in range(30)])
    action = Action(Verb.RETRY_MATCHING, (), {"state": "dead", "match": "invalid parameter"})
    events = [event async for event in session.runner.run(action)]
    assert any(isinstance(event, Progress) and "looked at" in event.text and event.done for event in events)
    assert events[-1] == Result(ok=True, text="30 jobs made ready again", changed=30)
    assert (await states(session))["ready"] == 30


async def test_discard_matching_tells_which_jobs_can_be_taken_back(session: Session, redis_url: str) -> None:
    dead = [job(n) for n in range(30)]
    await publish(redis_url, ready=[job(99)], dead=dead)
    action = Action(Verb.DISCARD_MATCHING, (), {"state": "dead", "match": ""})
    events = [event async for event in session.runner.run(action)]
    away = [id_ for event in events if isinstance(event, Progress) for id_ in event.jobs]
    assert sorted(away) == sorted(one.id for one in dead)
    assert (await do(session, Verb.UNDO, *away)).text == "30 jobs taken back"


async def test_a_state_that_is_none_is_a_usage_error(session: Session) -> None:
    result = await do(session, Verb.RETRY_MATCHING, state="asleep")
    assert (result.ok, result.exit_code) == (False, 2)


async def test_edit_replaces_the_payload_and_records_no_payload(session: Session, redis_url: str) -> None:
    one = job()
    await publish(redis_url, ready=[], dead=[one])
    assert (await do(session, Verb.EDIT, one.id, payload='{"leadgen_id":"2","email":"ana@gmail.com"}')).ok
    view = await session.queue.job(one.id)
    assert view is not None
    assert view.job.payload == '{"leadgen_id":"2","email":"ana@gmail.com"}'
    assert await actions(session) == [("ana@desk", "edit", one.id, "1 job edited")]
    assert (await do(session, Verb.EDIT, one.id, payload="{")).exit_code == 1


async def test_pause_and_resume(session: Session) -> None:
    assert (await do(session, Verb.PAUSE)).ok
    assert (await session.queue.read()).paused
    assert (await do(session, Verb.RESUME)).ok
    assert not (await session.queue.read()).paused
    assert (await do(session, Verb.RESUME, page="1029")).text == "page 1029 was not waiting"


async def test_a_reveal_is_recorded_before_anything_is_shown(session: Session) -> None:
    assert (await do(session, Verb.REVEAL, "lead 7")).ok
    assert await actions(session) == [("ana@desk", "reveal", "lead 7", "shown")]


async def test_no_record_no_reveal(redis_url: str) -> None:
    runtime = Local(redis_url, "postgresql://u:p@127.0.0.1:1/none")
    async with Session(Settings(), runtime) as session:
        result = await do(session, Verb.REVEAL, "lead 7")
        assert (result.ok, result.exit_code) == (False, 3)
        assert "stays masked" in result.text
        paused = await do(session, Verb.PAUSE)
        assert paused.ok
        assert "not recorded" in paused.text


@pytest.mark.parametrize(
    ("verb", "targets", "text"),
    [
        (Verb.UP, (), "the stack is up"),
        (Verb.START, ("app",), "app is started"),
        (Verb.STOP, ("app", "worker"), "app, worker are stopped"),
        (Verb.RESTART, ("worker",), "worker is restarted"),
        (Verb.RECREATE, ("worker",), "worker is recreated"),
        (Verb.BUILD, (), "the images are built; up puts them to use"),
        (Verb.PULL, ("db",), "the images are here; up puts newer ones to use"),
        (Verb.DOWN, (), "the stack is down; its data is kept"),
    ],
)
async def test_stack_verbs_say_what_was_done(session: Session, verb: Verb, targets: tuple[str, ...], text: str) -> None:
    result = await do(session, verb, *targets)
    assert (result.ok, result.text) == (True, text)
    assert [(what, target) for _, what, target, _ in await actions(session)] == [(verb.value, " ".join(targets))]


async def test_scaling_says_how_long_it_lasts(session: Session) -> None:
    result = await do(session, Verb.SCALE, "worker", count="3")
    assert result.text == "worker has 3 replicas; at the next up WORKERS in .env decides (scale --save writes it there)"
    assert (await do(session, Verb.SCALE, "worker", count="1", keep="yes")).text == "worker has 1 replica"


@pytest.mark.parametrize("count", ["", "-1", "x", "101", "9" * 400, "²"])
async def test_a_number_of_replicas_that_is_none_is_refused(session: Session, count: str) -> None:
    result = await do(session, Verb.SCALE, "worker", count=count)
    assert (result.ok, result.exit_code) == (False, 2)
    assert (await do(session, Verb.SCALE, "worker", "app", count="1")).exit_code == 2


async def test_a_step_that_fails_fails_the_verb(session: Session) -> None:
    assert isinstance(session.runtime, Local)
    session.runtime.step = Progress("does not start", "app", ok=False)
    result = await do(session, Verb.UP)
    assert (result.ok, result.text, result.exit_code) == (False, "app: does not start", 1)


async def test_a_send_to_nobody_is_unreachable(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("META_APP_SECRET", "s3cret")
    result = await do(session, Verb.SEND)
    assert (result.ok, result.exit_code) == (False, UnreachableError.exit_code)
    assert "does not answer at http://127.0.0.1:1" in result.text


async def test_a_lost_job_is_named(session: Session, redis_url: str, redis_server: object) -> None:
    import redis

    one, two = job(1), job(2)
    await publish(redis_url, ready=[], dead=[one, two])
    with redis.Redis.from_url(redis_url) as client:
        client.zrem("{leads}:dead", one.id)
        client.hdel("{leads}:parked", one.id)
    found = await session.checker.accounting()
    assert not found.balanced
    assert found.missing == (f"#1 meta:1 {one.id}",)


async def test_a_program_on_the_terminal_is_recorded_before_it_opens_without_its_words(session: Session) -> None:
    result = await do(session, Verb.SHELL, "db", tool="psql", words="/bin/sh -c 'exit 3'")
    assert (result.ok, result.exit_code, result.text) == (True, 3, "psql in db has ended")
    assert await actions(session) == [("ana@desk", "shell", "db tool=psql", "opened")]
    failed = await do(session, Verb.SHELL, "app", words="/no/such")
    assert (failed.ok, failed.text) == (False, "/no/such cannot be run: No such file or directory")


async def test_a_read_only_console_opens_nothing(session: Session) -> None:
    session.runner.read_only = True
    result = await do(session, Verb.SHELL, "app", words="true")
    assert (result.ok, result.exit_code) == (False, 2)
    assert await actions(session) == []
