"""Owns picking a person out of answers by what these are called, and telling tests from leads. Pure.

Nothing here refuses a lead: what cannot be understood stays in its raw text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from api.fields.answers import Fields
from api.fields.names import ASKED, KINDS, kinds_of, plain
from api.fields.phone import e164

TEST_VALUE = "<test lead: dummy data for"
"""How every placeholder of Meta's Lead Ads Testing Tool begins."""

_TEST_EMAILS = frozenset({"test@meta.com", "test@fb.com", "an_account@example.com"})
"""What the test tools of Meta and of Typeform fill in."""

_DASHBOARD_ID = re.compile(r"4{9,}")
_EMAIL = re.compile(r"[^@\s<>()\",;:]{1,64}@[^@\s<>()\",;:]{1,255}\.[^@\s<>()\",;:.]{2,63}")

_PHONE_WORDS = ("phone", "telephone", "telefon", "mobile", "whatsapp", "celular")
_PEOPLE = frozenset({"contact", "customer", "person", "user", "lead", "applicant", "client", "answers", "fields"})
"""Objects whose nested "name" is the lead's; another's ("company", "form") is not."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Who it is: texts as sent, "" where there was none; `phone_e164` is the phone as +country number, if it is one."""

    full_name: str = ""
    email: str = ""
    phone: str = ""
    phone_e164: str = ""


def contact(fields: Fields, region: str = "") -> Contact:
    """Pick name, e-mail and phone from the answers by their names; e-mail and phone also by their looks.

    `region` is the country of phone numbers that do not say theirs, "" for none (see `e164`).
    """
    answers: dict[str, str] = {}
    for name, values in fields.items():
        outer, inner = _split(name) if "." in name else ("", name)
        first = next((stripped for value in values if (stripped := value.strip())), "")
        if first and (not outer or plain(outer.rpartition(".")[2]) in _PEOPLE):
            answers.setdefault(plain(inner), first)
    best: dict[str, tuple[int, str]] = {}
    for name, value in answers.items():
        for kind, rank in kinds_of(name):
            if (kind not in best or rank < best[kind][0]) and (rank < ASKED or _answers(kind, value)):
                best[kind] = (rank, value)
    full, given, family, email, phone = (best[kind][1] if kind in best else "" for kind in KINDS)
    if given and family and full in ("", given, family):
        # "nombre" may be the whole name, or the first name beside "apellidos".
        full = f"{given} {family}"
    email = email or next((value for value in answers.values() if _EMAIL.fullmatch(value)), "")
    phone = phone or next((value for name, value in answers.items() if _asks_for_phone(name, value)), "")
    return Contact(full or given or family, email, phone, e164(phone, region) if phone else "")


def is_test(fields: Fields, external_id: str = "") -> bool:
    """Whether it is the sender's own test: a test tool's placeholders or address, or Meta's id 444444444444."""
    if _DASHBOARD_ID.fullmatch(external_id):
        return True
    return any(
        value.startswith(TEST_VALUE) or value.lower() in _TEST_EMAILS for values in fields.values() for value in values
    )


def _split(name: str) -> tuple[str, str]:
    """The object an answer belongs to and its own name there; of a question of several sentences the last one."""
    outer, _, inner = name.rstrip(" .").rpartition(".")
    return ("" if inner.startswith(" ") else outer), inner


def _answers(kind: str, value: str) -> bool:
    """Whether it can be the answer to a question for it, rather than to one such as "Is this your phone number?"."""
    if kind == "email":
        return _EMAIL.fullmatch(value) is not None
    return kind != "phone" or _may_be_phone(value)


def _asks_for_phone(name: str, value: str) -> bool:
    """Whether a phone is a word of the question, such as "Mobile number, with area code?"."""
    return any(word.startswith(_PHONE_WORDS) for word in name.split()) and _may_be_phone(value)


def _may_be_phone(value: str) -> bool:
    return sum(map(str.isdigit, value)) >= 6
