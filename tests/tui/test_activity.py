"""Screen 6: what others did stands beside what was done here."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from api.store.records import OperatorAction
from console.ports import Action, Verb
from console.record import recorded
from tests.tui.conftest import WIDE, opened
from tests.tui.fakes import NOW, FakeLeads
from tests.tui.test_queue import at_queue, stuck


def record(n: int, who: str, target: str, result: str, *, what: str = "retry", before_s: float = 1) -> OperatorAction:
    return OperatorAction(n, datetime.fromtimestamp(NOW - before_s, UTC), who, what, target, result)


async def test_what_another_operator_did_at_the_same_moment_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    async def actions(_self: FakeLeads, limit: int = 50) -> tuple[OperatorAction, ...]:
        del limit
        return (
            record(4, "ana@here", stuck(0), f"{stuck(0)} is done"),
            record(3, "eva@there", stuck(0), f"0 jobs; {stuck(0)} is ready already", before_s=0),
            record(2, "ben@there", stuck(1), f"{stuck(1)} is done"),
            record(1, "cia@there", "", "everything is done", what="pause"),
        )

    monkeypatch.setattr(FakeLeads, "actions", actions)
    async with opened(size=WIDE) as seat:
        await at_queue(seat)
        await seat.press("r")
        await seat.did(Verb.RETRY, stuck(0))
        await seat.until(lambda: not seat.app.known.doing)
        await seat.press("6")
        await seat.sees("4 recorded by operators")
        for who in ("you", "eva@there", "ben@there", "cia@there"):
            assert f" {who} " in seat.text
        assert "ana@here" not in seat.text


def test_nothing_personal_is_in_the_record() -> None:
    edit = Action(Verb.EDIT, ("01J9",), {"payload": '{"email":"ana@gmail.com"}', "page": "1029"})
    assert recorded(edit) == "01J9 page=1029"
