"""What the benchmark of the store asks a Reader for: the operators' ways to look at leads, many parameters each."""

from __future__ import annotations

import random
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from api.models import LeadFilter, LeadPage
from api.store import Reader
from api.store.listing import cursor_of
from api.store.wanted import Edge
from tests.bench import people

Ask = Callable[[Reader], Awaitable[Any]]

_COMMON_ENDS = ("@gmail", "@gmail.com", "gmail.c", "@hotmail", "@outlook.com", "@yahoo", "@icloud")


@dataclass(frozen=True, slots=True)
class Question:
    """One way to look at leads, with its parameters."""

    name: str
    asks: tuple[Ask, ...]


def questions(known: Sequence[people.Known], now: datetime, count: int) -> list[Question]:
    """All of them, `count` parameters each."""
    dice = random.Random(11)
    return [*_lists(dice, known, now, count), *_searches(dice, known, now, count), *_others(dice, known, now, count)]


def stopped(answer: Any) -> bool:
    """Whether a page ended before it was full, with more to look at."""
    return isinstance(answer, LeadPage) and answer.notice != ""


def _lists(dice: random.Random, known: Sequence[people.Known], now: datetime, count: int) -> list[Question]:
    some = dice.choices(known, k=count)
    spread = [people.form_id(int(people.FORMS * dice.random())) for _ in range(count)]

    def pages(name: str, wheres: Sequence[LeadFilter], *, deep: bool = False) -> Question:
        return Question(
            name, tuple(page(where, one if deep else None) for where, one in zip(wheres, some, strict=True))
        )

    days = [_day(one.at) for one in some]
    return [
        pages("list: first page", [LeadFilter()] * count),
        pages("list: deep page", [LeadFilter()] * count, deep=True),
        pages("list: a form (as often as it comes)", [LeadFilter(form=one.form) for one in some]),
        pages("list: a form (any), deep page", [LeadFilter(form=form) for form in spread], deep=True),
        pages("list: a form by name", [LeadFilter(form=f"form {int(form[-6:])}") for form in spread]),
        pages("list: a campaign", [LeadFilter(campaign=one.campaign) for one in some]),
        pages("list: a page, deep page", [LeadFilter(page=one.page) for one in some], deep=True),
        pages("list: a day", [LeadFilter(since=day, until=day + timedelta(days=1)) for day in days]),
        pages(
            "list: a form on a day",
            [
                LeadFilter(form=one.form, since=d, until=d + timedelta(days=1))
                for one, d in zip(some, days, strict=True)
            ],
        ),
        pages("list: partial ones, deep page", [LeadFilter(status="partial")] * count, deep=True),
        pages(
            "list: a source, deep page",
            [LeadFilter(source=s) for s in dice.choices(people.SOURCES, k=count)],
            deep=True,
        ),
        pages(
            "list: a form and a source",
            [LeadFilter(form=f, source=s) for f, s in zip(spread, dice.choices(people.SOURCES, k=count), strict=True)],
        ),
    ]


def _searches(dice: random.Random, known: Sequence[people.Known], now: datetime, count: int) -> list[Question]:
    named = [one for one in known if one.name]
    ascii_only = [one for one in named if one.email.split("@")[0][-1].isdigit()]
    latin = [one for one in named if one.name.isascii() and " " in one.name]
    other = [one for one in named if not any("a" <= c.lower() <= "z" for c in one.name)]

    def texts(name: str, wanted: Sequence[str], **where: Any) -> Question:
        return Question(name, tuple(page(LeadFilter(text=text, **where)) for text in wanted))

    def each(of: Sequence[people.Known], cut: Callable[[people.Known], str]) -> list[str]:
        return [cut(one) for one in dice.choices(of, k=count)]

    some = dice.choices(named, k=count)
    return [
        texts("e-mail, rare: ana.canees6854@", each(ascii_only, lambda k: k.email.split("@")[0])),
        texts("e-mail, whole", each(named, lambda k: k.email)),
        texts("e-mail, middling: ana.canees", each(ascii_only, lambda k: k.email.split("@")[0].rstrip("0123456789"))),
        texts("e-mail, middling: 6854@gmail", each(ascii_only, lambda k: k.email.split("@")[0][-4:] + "@gmail")),
        texts("e-mail, a company's domain", each([k for k in named if k.email[-5].isdigit()] or named, _domain)),
        texts("e-mail, common: 4@gmail.com", [dice.choice("0123456789asoe") + dice.choice(_COMMON_ENDS) for _ in some]),
        texts("name, rare: whole name", each(named, lambda k: k.name)),
        texts("name, middling: surname", each(latin, lambda k: k.name.split()[-1])),
        texts("name, middling: ria canees", each(latin, lambda k: k.name[2:])),
        texts("name, common: first name", each(latin, lambda k: k.name.split()[0])),
        texts("name, 3 letters", each(named, lambda k: _piece(dice, k.name, 3))),
        texts("name, 2 letters", each(named, lambda k: _piece(dice, k.name, 2))),
        texts("name, not Latin, 3 signs or more", each(other, lambda k: k.name.split()[-1][:5])),
        texts("phone: 1587-46", [f"{dice.randrange(90_000, 100_000)}-{dice.randrange(100):02}"[1:] for _ in some]),
        texts("phone: the last four digits", each(named, lambda k: k.phone[-4:])),
        texts("phone: whole, as typed", each(named, lambda k: k.phone)),
        texts("phone: whole, its digits", each(named, lambda k: re.sub("[^0-9]", "", k.phone))),
        texts("nothing has it: canees + xqzv", each(latin, lambda k: k.name.split()[-1] + "xqzv")),
        texts(
            "nothing has it: common letters",
            ["".join(dice.choices(("mar", "ana", "sil", "ose", "ira"), k=4)) for _ in some],
        ),
        Question(
            "first name in a form",
            tuple(
                page(LeadFilter(text=one.name.split()[0], form=people.form_id(dice.randrange(2_000)))) for one in some
            ),
        ),
        Question(
            "surname on a page, a month",
            tuple(
                page(
                    LeadFilter(
                        text=one.name.split()[-1], page=one.page, since=one.at - timedelta(days=30), until=one.at
                    )
                )
                for one in dice.choices(named, k=count)
            ),
        ),
        Question(
            "surname, deep page",
            tuple(
                page(LeadFilter(text=one.name.split()[-1]), at)
                for one, at in zip(some, dice.choices(known, k=count), strict=True)
            ),
        ),
    ]


def _others(dice: random.Random, known: Sequence[people.Known], now: datetime, count: int) -> list[Question]:
    def counts(name: str, days: int, *, form: bool) -> Question:
        asks = []
        for one in dice.choices(known, k=count):
            first = one.at.date()
            asks.append(counts_of(first, first + timedelta(days=days), one.form if form else ""))
        return Question(name, tuple(asks))

    def finds(name: str, cut: Callable[[people.Known], str]) -> Question:
        return Question(name, tuple(_find(cut(one)) for one in dice.choices(known, k=count)))

    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return [
        counts("count: a form on a day", 1, form=True),
        counts("count: a form, each of 90 days", 90, form=True),
        counts("count: all forms on a day", 1, form=False),
        counts("count: all forms, each of 30 days, 1,000 rows", 30, form=False),
        Question("console: header and latest leads", tuple(_snapshot(midnight) for _ in range(count))),
        Question("a lead by its number", tuple(_details(one.id) for one in dice.choices(known, k=count))),
        finds("trace: external id", lambda k: k.external),
        finds("trace: job id", lambda k: k.job.lower()),
        finds("trace: beginning of a job id", lambda k: k.job[:14]),
        finds("trace: request id", lambda k: k.request),
        Question("search: a job id", tuple(page(LeadFilter(text=one.job)) for one in dice.choices(known, k=count))),
    ]


def page(where: LeadFilter, after: people.Known | None = None) -> Ask:
    """A page of 50, the first or the one after a lead."""
    cursor = cursor_of(Edge(after.at, after.id)) if after else ""
    return lambda reader: reader.page(where, cursor)


def counts_of(since: date, until: date, form: str) -> Ask:
    """Leads per form and day."""
    return lambda reader: reader.counts(since, until, form)


def _find(text: str) -> Ask:
    return lambda reader: reader.find(text)


def _details(lead: int) -> Ask:
    return lambda reader: reader.details(lead)


def _snapshot(midnight: datetime) -> Ask:
    return lambda reader: reader.snapshot(midnight)


def _domain(one: people.Known) -> str:
    return one.email.split("@")[1]


def _piece(dice: random.Random, name: str, length: int) -> str:
    word = max(name.split(), key=len)
    at = dice.randrange(max(1, len(word) - length + 1))
    return word[at : at + length]


def _day(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
