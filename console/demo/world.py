"""Owns what is true in the demo: which leads exist, on which form, with which answers, and what befalls each.

Everything follows from the seed and the lead's number, so that the traffic and the Graph stand-in agree without talking
to each other, and two runs are alike.
"""

from __future__ import annotations

import random
import re
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from console.demo.people import DECORATED, FORMS, LOCALES, LONG_NAMES, FormText

_LOCALES = {locale.code: locale for locale in LOCALES}
_PLATFORMS = ("fb", "ig", "ig", "fb", "an")


class Fate(StrEnum):
    """What happens when a lead is read: fine, an error that heals, gone for good (100/33), no such id (803)."""

    FINE = "fine"
    HEALS = "heals"
    MISSING = "missing"
    UNKNOWN = "unknown"

    @property
    def lasting(self) -> bool:
        """Whether it never gets better."""
        return self in (Fate.MISSING, Fate.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Form:
    """A lead form with its ids. `organic` forms come without an ad."""

    id: str
    page_id: str
    text: FormText
    campaign_id: str
    adset_id: str
    ad_id: str
    organic: bool


class World:
    """The demo's leads, numbered from 0. `issued` of them exist so far."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        dice = random.Random(f"world {seed}")  # noqa: S311 - invented data
        self._first = 10**15 + dice.randrange(10**12) * 1_000
        self.forms = tuple(
            Form(
                id=str(2 * 10**14 + dice.randrange(10**13)),
                page_id=str(10**14 + dice.randrange(10**13)),
                text=text,
                campaign_id=str(1_2020 * 10**10 + dice.randrange(10**10)),
                adset_id=str(1_2030 * 10**10 + dice.randrange(10**10)),
                ad_id=str(1_2040 * 10**10 + dice.randrange(10**10)),
                organic=index % 5 == 4,
            )
            for index, text in enumerate(FORMS)
        )
        self.started_at = time.time()
        self.every_s = 0.001
        self.issued = 0

    def lead_id(self, number: int) -> str:
        """The leadgen id of the lead with that number."""
        return str(self._first + number)

    def number(self, lead_id: str) -> int | None:
        """The lead's number, None if the id is none of ours."""
        if not re.fullmatch(r"[0-9]{1,20}", lead_id):
            return None
        number = int(lead_id) - self._first
        return number if 0 <= number < 10**9 else None

    def form(self, number: int) -> Form:
        """The form it was filled in on; some forms are busier than others."""
        index = int(len(self.forms) * self._dice(number, "form").random() ** 1.6)
        return self.forms[index]

    def fate(self, number: int) -> Fate:
        """3 of 100 leads heal, 1 of 200 never does: by number, so that small runs have their share too."""
        if number % 200 == 77:
            return Fate.MISSING if number % 400 == 77 else Fate.UNKNOWN
        return Fate.HEALS if number % 100 in (13, 48, 91) else Fate.FINE

    def answer(self, number: int) -> dict[str, Any]:
        """The lead as the Graph API gives it (`field_data` and all)."""
        dice = self._dice(number, "lead")
        form = self.form(number)
        locale = _LOCALES[form.text.locale]
        given, family = dice.choice(locale.given), dice.choice(locale.family)
        name = locale.name.format(given=given, family=family)
        odd = dice.random()
        if odd < 0.02:
            name = dice.choice(LONG_NAMES)
        elif odd < 0.05:
            name = dice.choice(DECORATED).format(name)
        email = f"{_ascii(given) or 'kontakt'}.{_ascii(family) or 'lead'}{dice.randrange(1_000)}@{locale.domain}"
        phone = re.sub("#", lambda _: str(dice.randrange(10)), locale.phone)
        fields = [_field(label, value) for label, value in zip(locale.labels, (name, email, phone), strict=True)]
        for question, answers in form.text.questions:
            many = question == "services" and dice.random() < 0.5
            fields.append(_field(question, *(dice.sample(answers, 2) if many else [dice.choice(answers)])))
        answer: dict[str, Any] = {
            "id": self.lead_id(number),
            "created_time": self.created_time(number),
            "form_id": form.id,
            "platform": dice.choice(_PLATFORMS),
            "is_organic": form.organic,
            "field_data": fields,
        }
        if not form.organic:
            answer |= {
                "ad_id": form.ad_id,
                "ad_name": f"{form.text.campaign} · A",
                "adset_id": form.adset_id,
                "adset_name": f"{form.text.campaign} · 25-54",
                "campaign_id": form.campaign_id,
                "campaign_name": form.text.campaign,
            }
        if dice.random() < 0.3:
            answer["custom_disclaimer_responses"] = [
                {"checkbox_key": "newsletter", "is_checked": "1" if dice.random() < 0.6 else ""}
            ]
        return answer

    def created_at(self, number: int) -> float:
        """When the person sent the form, epoch seconds: from moments before the demo began, `every_s` apart."""
        return self.started_at - 2 + number * self.every_s

    def created_time(self, number: int) -> str:
        """The same as the Graph API writes it."""
        return time.strftime("%Y-%m-%dT%H:%M:%S+0000", time.gmtime(self.created_at(number)))

    def _dice(self, number: int, what: str) -> random.Random:
        return random.Random(f"{self._seed} {what} {number}")  # noqa: S311 - invented data


def _field(name: str, *values: str) -> dict[str, Any]:
    return {"name": name, "values": list(values)}


def _ascii(text: str) -> str:
    return re.sub(r"[^a-z]+", "", text.lower())[:20]
