"""The record of what operators do: every verb there is leaves who, when, what, on what, and how it ended."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from api.ids import new_id
from api.models import Job
from api.store import OperatorAction, migrate
from console.ports import Action, Result, Verb
from console.session import Session
from console.settings import Settings
from tests.console.test_verbs import Local, publish

SECRETS = ("ana@gmail.com", "hunter2")
PAYLOAD = json.dumps({"email": SECRETS[0]})
ARGS: dict[Verb, dict[str, str]] = {
    Verb.EDIT: {"payload": PAYLOAD},
    Verb.SEND: {"form": "contact", "fields": PAYLOAD},
    Verb.BACKUP: {"directory": "/proc/none/folder"},
    Verb.SCALE: {"count": "2"},
}
TARGETS: dict[Verb, tuple[str, ...]] = {
    **dict.fromkeys((Verb.START, Verb.STOP, Verb.RESTART, Verb.SCALE, Verb.SHELL), ("worker",)),
    **dict.fromkeys((Verb.REVEAL, Verb.FORGET, Verb.REPLAY), ("lead 7",)),
    **dict.fromkeys((Verb.RETRY, Verb.DISCARD, Verb.UNDO, Verb.EDIT), ("01J9ZZZZZZZZZZZZZZZZZZZZZZ",)),
    Verb.RESTORE: ("/proc/none/archive",),
}


@pytest.fixture
async def session(redis_url: str, database_url: str) -> AsyncIterator[Session]:
    await migrate(database_url)
    async with Session(Settings(operator="ana@desk"), Local(redis_url, database_url)) as session:
        yield session


async def records(session: Session) -> list[OperatorAction]:
    return list(await session.links.read(lambda reader: reader.actions()))


@pytest.mark.parametrize("verb", Verb)
async def test_every_verb_is_recorded_well_or_not(session: Session, verb: Verb) -> None:
    """Most fail here: there is no such job, lead or file. What was tried and why it failed is recorded all the same."""
    began = time.time()
    action = Action(verb, TARGETS.get(verb, ()), ARGS.get(verb, {}))
    *_, result = [event async for event in session.runner.run(action)]
    assert isinstance(result, Result)
    (found,) = await records(session)
    assert (found.who, found.what) == ("ana@desk", verb.value)
    assert all(target in found.target or verb is Verb.FORGET for target in action.targets)
    assert found.result
    assert began - 60 < found.at.timestamp() < time.time() + 60
    assert [secret for secret in SECRETS if secret in f"{found.target} {found.result}"] == []


async def test_what_was_interrupted_is_recorded(session: Session, redis_url: str) -> None:
    await publish(redis_url, ready=[], dead=[_job(n) for n in range(5)])
    async with aclosing(session.runner.run(Action(Verb.RETRY_MATCHING, (), {"state": "dead"}))) as events:  # type: ignore[type-var]
        async for _ in events:
            break
    (found,) = await records(session)
    assert (found.what, found.result) == ("retry-matching", "interrupted")


def _job(number: int) -> Job:
    return Job(id=new_id(), source="meta", external_id=str(number), payload="{}", received_at=1.0)
