"""Owns the names by which forms ask for a person's name, e-mail and phone, in several languages. Pure."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_NOT_WORD = re.compile(r"[\W_]+")

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

_YOUR = frozenset(
    ("your", "votre", "ton", "ta", "ihr", "ihre", "dein", "deine", "tu", "su", "seu", "sua", "tuo", "tua", "suo", "uw",
     "je", "jouw")
)  # fmt: skip
"""After the last of these a question such as "What's your first name?" names what it asks for."""

ASKED = 1_000
"""How far a question ranks behind a field that is named after what it holds."""


def kinds_of(name: str) -> tuple[tuple[str, int], ...]:
    """What a field asks for by its name (as `plain` gives it): pairs of a kind and its rank, 0 the best."""
    found = _RANKS.get(name)
    return _asked(name) if found is None else found


@lru_cache(4_096)
def _asked(name: str) -> tuple[tuple[str, int], ...]:
    words = name.split()
    last = max((place for place, word in enumerate(words) if word in _YOUR), default=len(words))
    found = _RANKS.get(" ".join(words[last + 1 :]), ())
    return tuple((kind, ASKED + rank) for kind, rank in found)


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


def _ranks() -> dict[str, tuple[tuple[str, int], ...]]:
    ranks: dict[str, tuple[tuple[str, int], ...]] = {}
    for kind, names in KINDS.items():
        for rank, name in enumerate(names):
            ranks[plain(name)] = (*ranks.get(plain(name), ()), (kind, rank))
    return ranks


KINDS = {"full": _FULL, "given": _FIRST, "family": _LAST, "email": _EMAILS, "phone": _PHONES}
_RANKS = _ranks()
