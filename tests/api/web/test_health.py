"""Readiness: asked at most once in a while, together, within its limit."""

from __future__ import annotations

import asyncio

from api.errors import StoreUnavailableError
from api.web.health import Check as State
from api.web.health import Readiness


class Check:
    """Counts how often it is asked; fails with `error`, or hangs."""

    def __init__(self, error: BaseException | None = None, *, hangs: bool = False) -> None:
        self.asked = 0
        self.error = error
        self.hangs = hangs

    async def __call__(self) -> str:
        self.asked += 1
        await asyncio.sleep(0)
        if self.hangs:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        return "15.8"


async def test_those_who_ask_together_share_one_answer() -> None:
    check = Check()
    readiness = Readiness({"redis": check}, ttl_s=60)
    together = await asyncio.gather(*(readiness.states() for _ in range(20)))
    assert all(states["redis"].ok for states in together)
    assert (await readiness.states())["redis"].ok
    assert check.asked == 1


async def test_an_answer_is_not_kept_for_longer_than_told() -> None:
    check = Check()
    readiness = Readiness({"redis": check}, ttl_s=0)
    assert (await readiness.states())["redis"].ok
    check.error = StoreUnavailableError("away")
    assert (await readiness.states())["redis"].reason == "not available"
    check.error = None
    assert (await readiness.states())["redis"].ok


async def test_each_failure_is_named_and_none_hides_another() -> None:
    readiness = Readiness(
        {
            "a": Check(hangs=True),
            "b": Check(RuntimeError("secret")),
            "c": Check(StoreUnavailableError('connection to server at "10.0.0.1" failed: Connection refused')),
            "d": Check(),
        },
        timeout_s=0.05,
    )
    states = await readiness.states()
    assert {name: state.reason for name, state in states.items()} == {
        "a": "does not answer in time",
        "b": "not available",
        "c": "connection refused",
        "d": "",
    }
    assert states["a"].ms >= 50
    assert states["d"] == State(ok=True, ms=states["d"].ms)
