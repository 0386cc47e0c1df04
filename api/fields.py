"""Owns reading people out of answers: names, e-mail, phone, consent, test marks, from Graph data and form bodies.

Pure. Every answer is kept as text under its own name; the contact is picked from them by name, in several languages.
Nothing here refuses a lead: what cannot be understood stays in its raw text.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

Fields = dict[str, list[str]]

MAX_DEPTH = 8
"""Levels of a form's nested answers that become names of their own; what lies deeper becomes one text."""

TEST_VALUE = "<test lead: dummy data for"
"""How every placeholder of Meta's Lead Ads Testing Tool begins."""

_TEST_EMAILS = frozenset({"test@meta.com", "test@fb.com"})
_DASHBOARD_ID = re.compile(r"4{9,}")
_UNFIT_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u([0-9a-fA-F]{4})|.)", re.DOTALL)
_NOT_WORD = re.compile(r"[\W_]+")
_EMAIL = re.compile(r"[^@\s<>()\",;:]{1,64}@[^@\s<>()\",;:]{1,255}\.[^@\s<>()\",;:.]{2,63}")
_PHONE_SIGNS = re.compile(r"[\s().\-/\u2010-\u2015\u00a0\u200e\u200f\u202a-\u202e]+")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_TRUE = frozenset({"1", "true", "yes", "on", "checked"})

# In order of preference; compared after `plain`. A "nom" or "nome" beside a first name is the surname.
_FULL = (
    "full name", "fullname", "your name", "contact name", "lead name", "nome completo", "nombre completo",
    "nombre y apellidos", "nombre y apellido", "nom complet", "nom et prenom", "prenom et nom", "vor und nachname",
    "vollstandiger name", "nome e cognome", "volledige naam", "imie i nazwisko", "ad soyad", "ad soyadi",
    "полное имя", "имя и фамилия", "фио", "氏名", "お名前", "名前", "姓名", "全名", "이름", "성명", "الاسم الكامل",
    "الاسم", "שם מלא", "पूरा नाम", "ho va ten", "nama lengkap", "name", "nome", "nombre", "nom", "naam", "имя", "nama",
)  # fmt: skip
_FIRST = (
    "first name", "firstname", "given name", "forename", "fname", "vorname", "prenom", "primeiro nome",
    "primer nombre", "voornaam", "imie", "名", "имя", "nombre", "nome",
)  # fmt: skip
_LAST = (
    "last name", "lastname", "surname", "family name", "lname", "nachname", "familienname", "nom de famille",
    "sobrenome", "apellidos", "apellido", "cognome", "achternaam", "nazwisko", "soyad", "soyadi", "фамилия", "姓",
    "nom",
)  # fmt: skip
_EMAILS = (
    "email", "e mail", "email address", "e mail address", "mail", "work email", "business email", "your email",
    "e mail adresse", "email adresse", "adresse e mail", "adresse email", "correo electronico", "correo",
    "endereco de e mail", "indirizzo email", "e mailadres", "adres e mail", "e posta", "электронная почта", "почта",
    "メールアドレス", "メール", "邮箱", "电子邮件", "電子郵件", "이메일", "البريد الإلكتروني", "דואל", "ईमेल",
)  # fmt: skip
_PHONES = (
    "phone number", "phone", "mobile number", "mobile phone", "mobile", "cell phone", "cell", "telephone",
    "telephone number", "tel", "work phone number", "work phone", "whatsapp", "whatsapp number", "contact number",
    "telefone", "celular", "numero de telefone", "telefono", "numero de telefono", "telefon", "telefonnummer", "handy",
    "handynummer", "mobilnummer", "numero de telephone", "portable", "cellulare", "numero di telefono",
    "telefoonnummer", "numer telefonu", "cep telefonu", "телефон", "номер телефона", "電話番号", "电话", "手机号",
    "電話", "전화번호", "휴대폰", "رقم الهاتف", "الهاتف", "טלפון", "फ़ोन नंबर", "so dien thoai", "nomor telepon",
)  # fmt: skip

_PHONE_WORDS = ("phone", "telephone", "telefon", "mobile", "whatsapp", "celular")
_PEOPLE = frozenset({"contact", "customer", "person", "user", "lead", "applicant", "client", "answers", "fields"})
"""Objects whose nested "name" is the lead's; another's ("company", "form") is not."""


class Number(str):
    """A number as it was written in JSON: no digit is lost, and none is computed with."""

    __slots__ = ()


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


_decoder = json.JSONDecoder(parse_int=Number, parse_float=Number, parse_constant=_refuse)


@dataclass(frozen=True, slots=True)
class Contact:
    """Who it is: texts as sent, "" where there was none; `phone_e164` only where the number says its country."""

    full_name: str = ""
    email: str = ""
    phone: str = ""
    phone_e164: str = ""


def clean_json(text: str) -> tuple[str, bool]:
    """JSON text with escapes of NUL and of lone surrogates, which jsonb refuses, made U+FFFD; and whether any were."""
    if not _UNFIT_ESCAPE.search(text):
        return text, False
    cleaned = _ESCAPE.sub(_fit_escape, text)
    return cleaned, cleaned != text


def parse_json(text: str) -> Any:
    """JSON as Python values, numbers as `Number`. ValueError for what is not JSON (NaN is not) or nested too deep."""
    try:
        return _decoder.decode(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def graph_fields(field_data: Any) -> Fields:
    """Graph `field_data` ([{"name", "values": […]}]) as name → all values, whatever shape they come in."""
    found: Fields = {}
    for entry in field_data if isinstance(field_data, list) else []:
        if isinstance(entry, dict):
            values = entry["values"] if "values" in entry else entry.get("value")
            found.setdefault(_name(entry.get("name")), []).extend(_texts(values))
    return found


def graph_consent(responses: Any) -> dict[str, bool]:
    """Graph `custom_disclaimer_responses` ([{"checkbox_key", "is_checked"}]) as key → checked."""
    found = {}
    for entry in responses if isinstance(responses, list) else []:
        if isinstance(entry, dict):
            found[_name(entry.get("checkbox_key"))] = _checked(entry.get("is_checked"))
    return found


def form_data(body: Any) -> dict[str, Any]:
    """The part of a form's body about the lead: its `data`, or the body itself. Empty if neither is an object."""
    if not isinstance(body, dict):
        return {}
    data = body.get("data")
    return data if isinstance(data, dict) else body


def form_fields(data: dict[str, Any]) -> Fields:
    """The answers in a form's data: its `fields` (an object, or a list as in Graph), or the data itself."""
    fields = data.get("fields")
    if isinstance(fields, list):
        return graph_fields(fields)
    found: Fields = {}
    _flatten(fields if isinstance(fields, dict) else data, "", found, 1)
    return found


def form_consent(data: dict[str, Any]) -> dict[str, bool]:
    """A form's `consent`: an object of name → checked, or one answer for all."""
    consent = data.get("consent")
    if isinstance(consent, dict):
        return {_name(key): _checked(value) for key, value in consent.items()}
    return {} if consent is None or isinstance(consent, list) else {"consent": _checked(consent)}


def contact(fields: Fields) -> Contact:
    """Pick name, e-mail and phone from the answers by their names; e-mail and phone also by their looks."""
    answers: dict[str, str] = {}
    for name, values in fields.items():
        outer, _, inner = name.rpartition(".")
        first = next((stripped for value in values if (stripped := value.strip())), "")
        if first and (not outer or plain(outer.rpartition(".")[2]) in _PEOPLE):
            answers.setdefault(plain(inner), first)
    best: dict[str, tuple[int, str]] = {}
    for name, value in answers.items():
        for kind, rank in _RANKS.get(name, ()):
            if kind not in best or rank < best[kind][0]:
                best[kind] = (rank, value)
    full, given, family, email, phone = (best[kind][1] if kind in best else "" for kind in _KINDS)
    if given and family and full in ("", given, family):
        # "nombre" may be the whole name, or the first name beside "apellidos".
        full = f"{given} {family}"
    email = email or next((value for value in answers.values() if _EMAIL.fullmatch(value)), "")
    phone = phone or next((value for name, value in answers.items() if _asks_for_phone(name, value)), "")
    return Contact(full or given or family, email, phone, e164(phone))


def e164(phone: str) -> str:
    """`phone` as +country number when it is written with + or 00; "" for everything else.

    A number without its country could only be guessed, so it stays as typed.
    """
    if not phone:
        return ""
    text = unicodedata.normalize("NFKC", phone).strip().removeprefix("p:").replace("(0)", "")
    text = _PHONE_SIGNS.sub("", text)
    if text.startswith("00"):
        text = "+" + text[2:]
    digits = text
    if not text.isascii():
        digits = "".join(str(unicodedata.digit(sign, "x")) if sign.isdigit() else sign for sign in text)
    return digits if _E164.fullmatch(digits) else ""


def is_test(fields: Fields, external_id: str = "") -> bool:
    """Whether it is Meta's own test: the Testing Tool's placeholders or address, or the dashboard's id 444444444444."""
    if _DASHBOARD_ID.fullmatch(external_id):
        return True
    return any(
        value.startswith(TEST_VALUE) or value.lower() in _TEST_EMAILS for values in fields.values() for value in values
    )


def plain(name: str) -> str:
    """A field's name (its first 200 characters) for comparison: case, accents, width and separators made equal."""
    return _plain(name[:200])


@lru_cache(4_096)
def _plain(name: str) -> str:
    """Remembered, because forms ask the same again and again."""
    if name.isascii():
        return _NOT_WORD.sub(" ", name.lower()).strip()
    bare = unicodedata.normalize("NFC", _without_latin_accents(unicodedata.normalize("NFKD", name)))
    # Vowel signs (category M) belong to their word; a regular expression's \w leaves them out.
    kept = (sign if sign.isalnum() or unicodedata.category(sign)[0] == "M" else " " for sign in bare.casefold())
    return " ".join("".join(kept).split())


def _without_latin_accents(decomposed: str) -> str:
    """Accents go where they sit on a Latin letter; elsewhere (й, で) they make another letter."""
    kept: list[str] = []
    latin = False
    for sign in decomposed:
        if not unicodedata.combining(sign):
            latin = sign.isascii()
            kept.append(sign)
        elif not latin:
            kept.append(sign)
    return "".join(kept)


def _fit_escape(match: re.Match[str]) -> str:
    unit = match[1]
    if unit and (unit == "0000" or (unit[0] in "dD" and unit[1] in "89abcdefABCDEF")):
        return "\\ufffd"
    return match[0]


def _name(value: Any) -> str:
    return value if isinstance(value, str) and value else "unnamed"


def _texts(value: Any) -> list[str]:
    """An answer's values as texts; null is no value."""
    return [_text(part) for part in (value if isinstance(value, list) else [value]) if part is not None]


def _text(value: Any, depth: int = 0) -> str:
    """A value as text: scalars as they were written, the rest as compact JSON."""
    if isinstance(value, Number) or (isinstance(value, str) and not depth):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list) and depth > MAX_DEPTH:
        return '"…"'
    if isinstance(value, dict):
        return "{" + ",".join(f"{_quoted(str(k))}:{_text(v, depth + 1)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_text(part, depth + 1) for part in value) + "]"
    return "null" if value is None else _quoted(str(value))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _flatten(data: dict[str, Any], prefix: str, found: Fields, depth: int) -> None:
    for key, value in data.items():
        name = prefix + (key or "unnamed")
        if isinstance(value, dict) and value and depth < MAX_DEPTH:
            _flatten(value, f"{name}.", found, depth + 1)
        else:
            found.setdefault(name, []).extend(_texts(value))


def _checked(value: Any) -> bool:
    return value if isinstance(value, bool) else str(value).strip().lower() in _TRUE


def _asks_for_phone(name: str, value: str) -> bool:
    """A question such as "What is your mobile number?", answered with at least six digits."""
    return any(word.startswith(_PHONE_WORDS) for word in name.split()) and sum(map(str.isdigit, value)) >= 6


def _rank() -> dict[str, list[tuple[str, int]]]:
    ranks: dict[str, list[tuple[str, int]]] = {}
    for kind, names in _KINDS.items():
        for rank, name in enumerate(names):
            ranks.setdefault(plain(name), []).append((kind, rank))
    return ranks


_KINDS = {"full": _FULL, "given": _FIRST, "family": _LAST, "email": _EMAILS, "phone": _PHONES}
_RANKS = _rank()
