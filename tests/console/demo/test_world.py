"""The invented leads: the same for the same seed, of many kinds, with mishaps in their promised shares."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime

import pytest

from console.demo.people import FORMS, LOCALES, FormText
from console.demo.world import Fate, World


def test_a_seed_makes_the_same_world_and_another_one_another() -> None:
    one, same, other = World(7), World(7), World(8)
    same.started_at = one.started_at
    assert [one.answer(n) for n in range(50)] == [same.answer(n) for n in range(50)]
    assert one.forms == same.forms
    assert one.lead_id(0) != other.lead_id(0)


def test_ids_are_as_long_as_metas_and_lead_back() -> None:
    world = World(1)
    assert all(15 <= len(world.lead_id(n)) <= 17 for n in (0, 1, 10**6))
    assert [world.number(world.lead_id(n)) for n in (0, 1, 10**6)] == [0, 1, 10**6]
    assert all(world.number(text) is None for text in ("", "x", "1", "９９", "9" * 30, "-1", "444444444444"))


def test_mishaps_have_their_shares_also_in_small_runs() -> None:
    fates = Counter(World(3).fate(n) for n in range(2_000))
    assert fates[Fate.HEALS] == 60
    assert fates[Fate.MISSING] + fates[Fate.UNKNOWN] == 10
    assert fates[Fate.MISSING] == fates[Fate.UNKNOWN]
    few = Counter(World(3).fate(n) for n in range(500))
    assert few[Fate.HEALS] == 15
    assert few[Fate.MISSING] + few[Fate.UNKNOWN] == 3
    assert Fate.MISSING.lasting
    assert not Fate.HEALS.lasting


def test_people_are_of_many_kinds() -> None:
    world = World(5)
    answers = [world.answer(n) for n in range(1_000)]
    names = [answer["field_data"][0]["values"][0] for answer in answers]
    scripts = {"LATIN": "a", "HIRAGANA": "山", "ARABIC": "محمد", "HINDI": "शर्मा", "HANGUL": "김", "THAI": "สมชาย"}
    assert all(any(sample in name for name in names) for sample in scripts.values())
    assert any(len(name) > 80 for name in names)
    assert any("🦊" in name for name in names)
    assert any("[b]" in name for name in names)
    assert {answer["form_id"] for answer in answers} == {form.id for form in world.forms}
    assert {answer["field_data"][0]["name"] for answer in answers} > {"full_name", "FULL_NAME", "氏名"}
    assert any(len(field["values"]) > 1 for answer in answers for field in answer["field_data"])
    assert any("custom_disclaimer_responses" in answer for answer in answers)
    assert {answer["is_organic"] for answer in answers} == {True, False}
    assert all(("ad_id" in answer) is not answer["is_organic"] for answer in answers)
    json.dumps(answers)


def test_times_have_metas_shape_and_no_lead_is_from_the_future() -> None:
    world = World(5)
    made = datetime.fromisoformat(world.answer(3)["created_time"])
    assert made.timestamp() <= world.started_at


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_every_form_has_people_and_questions(form: FormText) -> None:
    assert form.locale in {locale.code for locale in LOCALES}
    assert form.questions


def test_no_address_can_be_anybodys() -> None:
    reserved = (".example", "example.com", "example.org", "example.net")
    assert all(locale.domain.endswith(reserved) for locale in LOCALES)
