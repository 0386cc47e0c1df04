"""Screen 5: backing up and restoring. Screen 6: what operators did."""

from __future__ import annotations

from dataclasses import replace

import pytest

from console.errors import UsageError
from console.ports import Action, Verb
from console.tools import Tools
from tests.tui.conftest import WIDE, opened
from tests.tui.fakes import World

WANTED = {"directory": "/backups", "stack": "leads", "keep": "0", "recipient": ""}
TOOLS = Tools(backup=lambda: WANTED, stack_name=lambda: "leads")


async def test_back_up_now() -> None:
    async with opened(tools=TOOLS) as seat:
        await seat.press("5")
        await seat.sees("9 d ago")
        await seat.press("b")
        assert (await seat.did(Verb.BACKUP)).args == WANTED
        await seat.sees("is done")


async def test_a_backup_that_makes_no_sense_is_said() -> None:
    def refuse() -> dict[str, str]:
        raise UsageError("no age")

    async with opened(tools=Tools(backup=refuse)) as seat:
        await seat.press("5", "b")
        await seat.sees("no age")
        assert not seat.runner.done


async def test_a_restore_wants_the_name_of_the_stack_typed() -> None:
    async with opened(tools=TOOLS) as seat:
        await seat.press("5", "B")
        await seat.sees("restore from /backups/")
        await seat.clear("/backups/a.leads.tar.age --identity /key")
        await seat.press("enter")
        await seat.sees("Restore a.leads.tar.age?")
        await seat.sees("51 jobs in flight")
        await seat.press("right", "enter")
        await seat.misses("Restore a.leads")
        assert not seat.runner.done, "yes cannot be chosen before the name is typed"
        await seat.press("B")
        await seat.clear("/backups/a.leads.tar.age --identity /key")
        await seat.press("enter")
        await seat.sees("51 jobs in flight")
        await seat.type("leadq")
        await seat.press("backspace", "s", "right", "enter")
        action = await seat.did(Verb.RESTORE, "/backups/a.leads.tar.age")
        assert action.args == {"identity": "/key"}


@pytest.mark.parametrize("typed", ["'/my backups/'a.tar", "/my backups/a.tar", '"/my backups/a.tar"'])
async def test_a_directory_with_spaces_is_quoted_and_one_that_is_not_is_understood(typed: str) -> None:
    tools = replace(TOOLS, backup=lambda: {"directory": "/my backups"})
    async with opened(tools=tools) as seat:
        await seat.press("5", "B")
        await seat.sees("restore from '/my backups/' ")
        await seat.press("enter")
        await seat.misses("restore from")
        assert not seat.runner.done, "no archive was named"
        await seat.press("B")
        await seat.clear(f"{typed} --identity '/my key'")
        await seat.press("enter")
        await seat.sees("Restore a.tar?")
        await seat.sees("51 jobs in flight")
        await seat.type("leads")
        await seat.press("right", "enter")
        action = await seat.did(Verb.RESTORE, "/my backups/a.tar")
        assert action.args == {"identity": "/my key"}


async def test_escape_restores_nothing() -> None:
    async with opened(tools=TOOLS) as seat:
        await seat.press("5", "B")
        await seat.sees("restore from")
        await seat.press("escape")
        await seat.misses("restore from")
        await seat.press("B", "enter")
        await seat.misses("restore from")
        assert not seat.runner.done


async def test_a_read_only_console_has_neither() -> None:
    async with opened(tools=TOOLS, read_only=True) as seat:
        await seat.press("5", "b", "B")
        await seat.sees("9 d ago")
        assert "back up" not in seat.lines[-1]
        assert not seat.runner.done


async def test_what_operators_did_stands_beside_what_came_to_pass() -> None:
    async with opened() as seat:
        seat.app.acting.begin(Action(Verb.SEND), "send")
        await seat.did(Verb.SEND)
        await seat.press("6")
        await seat.sees("ana@ops")
        await seat.sees("12 recorded by operators")
        await seat.press("slash")
        await seat.type("backup")
        await seat.sees("/backup")
        await seat.misses("reveal")
        await seat.press("enter", "enter")
        await seat.sees("1 job made ready again")
        await seat.press("escape", "escape")
        await seat.sees("reveal")


async def test_a_record_that_cannot_be_read_is_said_and_what_was_read_stays() -> None:
    world = World()
    async with opened(world) as seat:
        await seat.press("6")
        await seat.sees("ana@ops")
        world.leads_error = "Postgres does not answer"
        await seat.press("r")
        await seat.sees("what operators did: Postgres does not answer")
        assert "ana@ops" in seat.text


async def test_growth_a_day_and_the_queues_file_are_told() -> None:
    async with opened(size=WIDE) as seat:
        await seat.press("5")
        await seat.sees("+9.4 GB/day")
        await seat.sees("full in 34 days")
        await seat.sees("61 MB after the last rewrite")
        await seat.sees("0 waiting 0 delayed since its start")
        await seat.sees("the last one took 0.4 s")


async def test_what_is_said_of_the_disk_is_whole_where_it_is_narrow() -> None:
    async with opened() as seat:
        await seat.press("5")
        await seat.sees("317 GB free of 512 GB, full in 34 days")
