"""The runner: one action at a time per target, always exactly one result, nothing under --read-only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest

from api.errors import PayloadError
from api.models import (
    Accounting,
    JobPage,
    JobState,
    JobView,
    LeadDetails,
    LeadFilter,
    LeadPage,
    QueueSnapshot,
    StoreSnapshot,
)
from api.store.records import OperatorAction
from console.errors import ConsoleError, StackError, UnreachableError
from console.ports import Action, Result, Sources, Verb
from console.runner import ActionRunner
from console.snapshots import LogLine, Progress, Replica, Role, Service, StackSnapshot, State

OK = Result(ok=True, text="done", changed=1)


@dataclass
class Verbs:
    """Verbs that end when told to."""

    fails: Exception | None = None
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    begun: list[Action] = field(default_factory=list)
    closed: int = 0
    recorded: list[tuple[Action, Result]] = field(default_factory=list)

    async def do(self, action: Action) -> AsyncIterator[Progress | Result]:
        self.begun.append(action)
        try:
            yield Progress("begun")
            await self.gate.wait()
            if self.fails:
                raise self.fails
            yield OK
        finally:
            self.closed += 1

    async def record(self, action: Action, result: Result) -> Result:
        self.recorded.append((action, result))
        return result


@dataclass
class Readings:
    """A stack, a queue and a store as they are given."""

    services: tuple[Service, ...] = ()
    queue_now: QueueSnapshot | ConsoleError = field(default_factory=lambda: QueueSnapshot(0, aof="always"))
    total: int = 0
    backup: float | ConsoleError = 0.0
    broken: Exception | None = None

    def sources(self) -> Sources:
        return Sources(_Stack(self), _Queue(self), _Leads(self), _Checker(self))


class _Stack:
    def __init__(self, readings: Readings) -> None:
        self.readings = readings

    async def read(self) -> StackSnapshot:
        if self.readings.broken:
            raise self.readings.broken
        return StackSnapshot("local", "leads", "", self.readings.services, 0.0)

    def logs(
        self, services: object = (), *, since: float = 0.0, tail: int | None = None, follow: bool = False
    ) -> AsyncIterator[list[LogLine]]:
        raise AssertionError("not read here")


class _Queue:
    def __init__(self, readings: Readings) -> None:
        self.readings = readings

    async def read(self) -> QueueSnapshot:
        if isinstance(self.readings.queue_now, ConsoleError):
            raise self.readings.queue_now
        return self.readings.queue_now

    async def jobs(self, state: JobState, *, cursor: str = "", limit: int = 50, match: str = "") -> JobPage:
        raise AssertionError("not read here")

    async def job(self, job_id: str) -> JobView | None:
        raise AssertionError("not read here")


class _Leads:
    def __init__(self, readings: Readings) -> None:
        self.readings = readings

    async def read(self) -> StoreSnapshot:
        return StoreSnapshot(self.readings.total, 0, ())

    async def page(self, where: LeadFilter, *, cursor: str = "", limit: int = 50, full: bool = False) -> LeadPage:
        raise AssertionError("not read here")

    async def details(self, lead_id: int) -> LeadDetails:
        raise AssertionError("not read here")

    async def actions(self, limit: int = 50) -> tuple[OperatorAction, ...]:
        raise AssertionError("not read here")


class _Checker:
    def __init__(self, readings: Readings) -> None:
        self.readings = readings

    async def accounting(self) -> Accounting:
        raise AssertionError("not read here")

    async def last_backup(self) -> float:
        if isinstance(self.readings.backup, ConsoleError):
            raise self.readings.backup
        return self.readings.backup


def runner(verbs: Verbs, *, read_only: bool = False) -> ActionRunner:
    return ActionRunner(verbs, Readings().sources(), read_only=read_only)


async def everything(events: AsyncIterator[Progress | Result]) -> list[Progress | Result]:
    return [event async for event in events]


async def outcome(events: AsyncIterator[Progress | Result]) -> Result:
    last = (await everything(events))[-1]
    assert isinstance(last, Result)
    return last


async def test_steps_come_before_the_one_result() -> None:
    verbs = Verbs()
    verbs.gate.set()
    assert await everything(runner(verbs).run(Action(Verb.RETRY, ("a",)))) == [Progress("begun"), OK]
    assert verbs.recorded == [(Action(Verb.RETRY, ("a",)), OK)]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Action(Verb.RESTART, ("worker",)), Action(Verb.STOP, ("worker",))),
        (Action(Verb.RESTART, ("app", "worker")), Action(Verb.STOP, ("worker", "db"))),
        (Action(Verb.UP), Action(Verb.STOP, ("worker",))),
        (Action(Verb.STOP, ("worker",)), Action(Verb.DOWN)),
        (Action(Verb.DISCARD, ("j1",)), Action(Verb.RETRY, ("j1",))),
        (Action(Verb.RETRY_MATCHING), Action(Verb.DISCARD, ("j1",))),
        (Action(Verb.PAUSE), Action(Verb.RESUME)),
    ],
)
async def test_a_busy_target_is_refused_until_it_is_free(first: Action, second: Action) -> None:
    verbs = Verbs()
    one = runner(verbs)
    running = asyncio.create_task(outcome(one.run(first)))
    while not verbs.begun:
        await asyncio.sleep(0)
    refused = await outcome(one.run(second))
    assert not refused.ok
    assert refused.exit_code == 1
    assert f"{first.verb} is under way" in refused.text
    assert verbs.begun == [first]
    verbs.gate.set()
    assert (await running).ok
    assert (await outcome(one.run(second))).ok


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (Action(Verb.RESTART, ("worker",)), Action(Verb.STOP, ("app",))),
        (Action(Verb.RESTART), Action(Verb.RETRY, ("j1",))),
        (Action(Verb.RETRY, ("j1",)), Action(Verb.RETRY, ("j2",))),
        (Action(Verb.SEND), Action(Verb.SEND)),
        (Action(Verb.RETRY, ("j1",)), Action(Verb.PAUSE)),
    ],
)
async def test_different_targets_run_side_by_side(first: Action, second: Action) -> None:
    verbs = Verbs()
    one = runner(verbs)
    tasks = [asyncio.create_task(outcome(one.run(action))) for action in (first, second)]
    while len(verbs.begun) < 2:
        await asyncio.sleep(0)
    verbs.gate.set()
    assert all(result.ok for result in await asyncio.gather(*tasks))


async def test_a_target_is_free_again_after_a_cancelled_action() -> None:
    verbs = Verbs()
    one = runner(verbs)
    running = asyncio.create_task(outcome(one.run(Action(Verb.STOP, ("db",)))))
    while not verbs.begun:
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert verbs.closed == 1
    verbs.gate.set()
    assert (await outcome(one.run(Action(Verb.STOP, ("db",))))).ok


@pytest.mark.parametrize(
    ("error", "text", "hint", "code"),
    [
        (UnreachableError("no engine", "start it"), "no engine", "start it", 3),
        (StackError("db is unhealthy"), "db is unhealthy", "", 1),
        (PayloadError("not JSON"), "not JSON", "", 1),
        (RuntimeError("boom"), "unexpected RuntimeError: boom", "this is a defect of the console", 1),
    ],
)
async def test_an_error_is_a_result(error: Exception, text: str, hint: str, code: int) -> None:
    verbs = Verbs(fails=error)
    verbs.gate.set()
    events = await everything(runner(verbs).run(Action(Verb.UP)))
    assert events == [Progress("begun"), Result(ok=False, text=text, hint=hint, exit_code=code)]


@pytest.mark.parametrize("verb", [verb for verb in Verb if verb is not Verb.REVEAL])
async def test_read_only_refuses_every_verb_that_changes_something(verb: Verb) -> None:
    verbs = Verbs()
    verbs.gate.set()
    result = await outcome(runner(verbs, read_only=True).run(Action(verb, ("x",))))
    assert (result.ok, result.exit_code) == (False, 2)
    assert verbs.begun == []


async def test_read_only_lets_a_reveal_be_recorded() -> None:
    verbs = Verbs()
    verbs.gate.set()
    assert (await outcome(runner(verbs, read_only=True).run(Action(Verb.REVEAL, ("lead 1",))))).ok


def service(role: Role, state: State = State.HEALTHY) -> Service:
    return Service(role.value, role, (Replica(role.value, role.value, state),))


ALL = tuple(service(role) for role in (Role.APP, Role.WORKER, Role.DB, Role.REDIS))
BUSY = QueueSnapshot(0, ready=3, in_flight=51, aof="always")


async def warned(action: Action, readings: Readings) -> tuple[str, ...]:
    return await ActionRunner(Verbs(), readings.sources()).warnings(action)


async def test_stopping_the_worker_tells_of_jobs_in_flight() -> None:
    lines = await warned(Action(Verb.STOP, ("worker",)), Readings(ALL, BUSY))
    assert lines == ("51 jobs are in flight: workers get time to finish",)


async def test_stopping_redis_without_aof_tells_what_may_be_lost() -> None:
    lines = await warned(Action(Verb.STOP, ("redis",)), Readings(ALL, replace(BUSY, aof="off")))
    assert lines[0] == "AOF is off: 54 jobs are in Redis and may be lost when it stops"
    assert "no webhook is accepted" in lines[-1]
    assert "AOF" not in "".join(await warned(Action(Verb.RESTART, ("redis",)), Readings(ALL, BUSY)))


async def test_going_down_tells_of_the_aof_the_jobs_in_flight_and_the_last_backup() -> None:
    assert await warned(Action(Verb.DOWN), Readings(ALL, BUSY)) == (
        "AOF is on (always): 54 jobs are in Redis and on disk",
        "51 jobs are in flight: workers get time to finish",
        "no backup was ever made",
        "no webhook is accepted until it runs again; Meta tries for 36 h, then gives up",
    )
    lines = await warned(Action(Verb.STOP), Readings(ALL, QueueSnapshot(0, aof="off"), backup=time.time() - 7300))
    assert lines[:2] == ("AOF is off: nothing is in Redis now", "the last backup was 2 h ago")
    lines = await warned(Action(Verb.STOP, ("db",)), Readings(ALL, BUSY, backup=UnreachableError("Postgres is away")))
    assert lines[-1] == "when the last backup was is not known: Postgres is away"


async def test_down_with_volumes_says_first_what_is_deleted() -> None:
    lines = await warned(Action(Verb.DOWN, (), {"volumes": "yes"}), Readings(ALL, BUSY, total=18_402))
    assert lines[0] == "the volumes are deleted: 18,402 leads and everything queued are gone for good"


async def test_restarting_the_app_needs_no_warning() -> None:
    assert await warned(Action(Verb.RESTART, ("app",)), Readings(ALL, BUSY)) == ()


async def test_what_does_not_run_is_no_risk() -> None:
    stopped = tuple(service(role, State.STOPPED) for role in (Role.APP, Role.WORKER, Role.REDIS))
    assert await warned(Action(Verb.DOWN), Readings(stopped, UnreachableError("away"))) == ()


async def test_an_unreadable_queue_is_told_not_raised() -> None:
    lines = await warned(Action(Verb.STOP, ("worker",)), Readings(ALL, UnreachableError("connection refused")))
    assert lines == ("what is in flight is not known: connection refused",)


async def test_a_defect_while_warning_does_not_keep_the_operator_from_acting() -> None:
    lines = await warned(Action(Verb.STOP, ("worker",)), Readings(ALL, broken=RuntimeError("boom")))
    assert lines == ("what this risks could not be found out: RuntimeError",)


async def test_discarding_and_pausing_say_what_they_mean() -> None:
    assert "30 days" in (await warned(Action(Verb.DISCARD, ("j1",)), Readings()))[0]
    assert "nothing is stored" in (await warned(Action(Verb.PAUSE), Readings()))[0]
    assert await warned(Action(Verb.RETRY, ("j1",)), Readings()) == ()


async def test_a_file_that_cannot_be_written_is_no_defect() -> None:
    verbs = Verbs(fails=NotADirectoryError(20, "Not a directory", "/dev/null/x"))
    verbs.gate.set()
    *_, result = await everything(runner(verbs).run(Action(Verb.BACKUP)))
    assert result == Result(ok=False, text="/dev/null/x: Not a directory", exit_code=1)
