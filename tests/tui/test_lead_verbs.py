"""Filters and export of screen 4."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from console.ports import Verb
from console.tui.present.search import parts, searched
from tests.tui.conftest import Seat, opened
from tests.tui.fakes import World


async def at_leads(seat: Seat) -> None:
    await seat.press("4")
    await seat.sees("100+ shown")


async def exported(seat: Seat, to: str) -> None:
    await seat.press("x")
    await seat.sees("export to")
    await seat.clear(to)
    await seat.press("enter")


async def test_filters_are_filled_in_in_a_box() -> None:
    async with opened() as seat:
        await at_leads(seat)
        await seat.press("f")
        await seat.sees("campaign")
        await seat.type("probe")
        await seat.press("up")
        await seat.type("meta")
        await seat.press("enter")
        await seat.sees("/source:meta form:probe")
        await seat.misses("Zoë")
        await seat.press("f", "ctrl+x", "enter")
        await seat.sees("100+ shown")
        await seat.press("f", "escape")
        await seat.sees("100+ shown")


@pytest.mark.parametrize("text", ["ana form:x", 'ana maria form:"Imóveis São" page:1029 day:today', "", "source:meta"])
def test_the_box_and_the_line_say_the_same(text: str) -> None:
    assert searched(parts(searched(parts(text)))) == searched(parts(text))
    assert sorted(searched(parts(text)).split()) == sorted(text.split())


async def test_export_writes_a_private_file_and_masks(tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    async with opened() as seat:
        await at_leads(seat)
        await exported(seat, str(target))
        await seat.sees("5,000 leads written")
        leads = [json.loads(line) for line in target.read_text().splitlines()]
        assert len(leads) == 5_000
        assert "•" in leads[0]["email"]
        assert stat.S_IMODE(target.stat().st_mode) == 0o600
        assert not seat.runner.done


async def test_export_in_full_is_recorded_first(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    async with opened() as seat:
        await at_leads(seat)
        await exported(seat, f"{target} --reveal")
        await seat.did(Verb.REVEAL, "export of leads")
        await seat.sees("leads written")
        assert "ana@" in target.read_text() or "@gmail.com" in target.read_text()


async def test_an_export_never_writes_over_a_file_nor_leaves_a_part(tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    target.write_text("mine")
    world = World()
    async with opened(world) as seat:
        await at_leads(seat)
        await exported(seat, str(target))
        await seat.sees("is there already")
        assert target.read_text() == "mine"
        world.leads_error = "Postgres does not answer"
        await exported(seat, str(tmp_path / "other.csv"))
        await seat.sees("✖ export")
        assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


@pytest.mark.parametrize("name", ["~nobody-of-that-name/leads.csv", f"{'x' * 300}.csv"])
async def test_a_name_that_no_file_can_have_is_said(name: str) -> None:
    async with opened() as seat:
        await at_leads(seat)
        await exported(seat, name)
        await seat.sees("✖ export")
