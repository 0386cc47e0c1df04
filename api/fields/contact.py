"""Owns picking a person out of answers by what these are called, and telling tests from leads. Pure.

Nothing here refuses a lead: what cannot be understood stays in its raw text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter

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
MAX_CONTACT = 1_000
"""Characters kept of a name, an e-mail or a phone: lists of leads hold them. The answer itself is kept whole."""

_LONGEST_FORM = 4_000
"""Characters of names up to which a form is remembered."""

_PEOPLE = frozenset({"contact", "customer", "person", "user", "lead", "applicant", "client", "answers", "fields"})
"""Objects whose nested "name" is the lead's; another's ("company", "form") is not."""


@dataclass(frozen=True, slots=True)
class Contact:
    """Who it is: texts as sent (of very long ones the beginning), "" where there was none; `phone_e164` is the phone as
    +country number, if it is one.
    """

    full_name: str = ""
    email: str = ""
    phone: str = ""
    phone_e164: str = ""


@dataclass(frozen=True, slots=True)
class _Form:
    """What a form's names tell before any answer is seen.

    Attributes:
        wanted: for each of KINDS the names that ask for it, the best first, and the kind itself if the answer has to
            look like one.
        told: the names that may tell of the lead rather than of another.
        phones: those of them with a phone among the words of the question.
    """

    wanted: tuple[tuple[tuple[str, str], ...], ...]
    told: tuple[str, ...]
    phones: tuple[str, ...]


def contact(fields: Fields, region: str = "") -> Contact:
    """Pick name, e-mail and phone from the answers by their names; e-mail and phone also by their looks.

    `region` is the country of phone numbers that do not say theirs, "" for none (see `e164`).
    """
    names = tuple(fields)
    form = (_form if sum(map(len, names)) <= _LONGEST_FORM else _form_of)(names)
    full, given, family, email, phone = [_best(fields, wanted) if wanted else "" for wanted in form.wanted]
    if given and family and full in ("", given, family):
        # "nombre" may be the whole name, or the first name beside "apellidos".
        full = f"{given} {family}"
    if not email:
        email = next((value for name in form.told if _EMAIL.fullmatch(value := _first(fields[name]))), "")
    if not phone:
        phone = next((value for name in form.phones if _may_be_phone(value := _first(fields[name]))), "")
    return Contact(full or given or family, email, phone, e164(phone, region) if phone else "")


def is_test(fields: Fields, external_id: str = "") -> bool:
    """Whether it is the sender's own test: a test tool's placeholders or address, or Meta's id 444444444444."""
    if external_id[:1] == "4" and _DASHBOARD_ID.fullmatch(external_id):
        return True
    for values in fields.values():
        for value in values:
            if (value[:1] == "<" and value.startswith(TEST_VALUE)) or ("@" in value and value.lower() in _TEST_EMAILS):
                return True
    return False


def _split(name: str) -> tuple[str, str]:
    """The object an answer belongs to and its own name there; of a question of several sentences the last one."""
    outer, _, inner = name.rstrip(" .").rpartition(".")
    return ("" if inner.startswith(" ") else outer), inner


def _form_of(names: tuple[str, ...]) -> _Form:
    """See `_Form`."""
    wanted: dict[str, list[tuple[int, str]]] = {kind: [] for kind in KINDS}
    told, phones = [], []
    for name in names:
        outer, inner = _split(name) if "." in name else ("", name)
        if outer and plain(outer.rpartition(".")[2]) not in _PEOPLE:
            continue
        told.append(name)
        question = plain(inner)
        if any(word.startswith(_PHONE_WORDS) for word in question.split()):
            phones.append(name)
        for kind, rank in kinds_of(question):
            wanted[kind].append((rank, name))
    return _Form(
        tuple(
            tuple((name, kind if rank >= ASKED else "") for rank, name in sorted(found, key=itemgetter(0)))
            for kind, found in wanted.items()
        ),
        tuple(told),
        tuple(phones),
    )


_form = lru_cache(1_024)(_form_of)
"""Remembered, because the same form's answers have the same names."""


def _best(fields: Fields, wanted: tuple[tuple[str, str], ...]) -> str:
    """The answer to the best of these names that has one, "" if none has."""
    for name, kind in wanted:
        value = _first(fields[name])
        if value and (not kind or _answers(kind, value)):
            return value
    return ""


def _first(values: list[str]) -> str:
    """The beginning of the first value that is not blank, "" if there is none."""
    for value in values:
        if stripped := value.strip():
            return stripped[:MAX_CONTACT]
    return ""


def _answers(kind: str, value: str) -> bool:
    """Whether it can be the answer to a question for it, rather than to one such as "Is this your phone number?"."""
    if kind == "email":
        return _EMAIL.fullmatch(value) is not None
    return kind != "phone" or _may_be_phone(value)


def _may_be_phone(value: str) -> bool:
    return sum(map(str.isdigit, value)) >= 6
