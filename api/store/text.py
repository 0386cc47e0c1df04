"""How text is folded for search, and what Postgres cannot take is replaced. Writer and Reader must agree on it."""

from __future__ import annotations

import re
import unicodedata

MAX_SEARCH = 1_000
"""Characters of a lead's search text that are kept."""

_UNFIT = re.compile("[\x00\ud800-\udfff]")
_DIGITS = re.compile(r"\D+")
_PAIRS = bytes(
    b"0123456789abcdefghijklmnopqrstuvwxyz"[(10 * left + right) % 36] if left < 10 and right < 10 else 0x20
    for left in range(16)
    for right in range(16)
)
"""A letter or digit for every two digits side by side (left << 4 | right), a blank where one of them is none."""
_NIBBLES = bytes(sign - 48 if 48 <= sign < 58 else 15 for sign in range(256))
_OF_NUMBERS = b"0123456789+-()."
_NO_NIBBLES = bytes(set(range(256)) - set(b"0123456789 "))


def fit(text: str) -> str:
    """`text` with NUL and lone surrogates, which Postgres refuses, replaced by U+FFFD."""
    if text.isascii() and "\0" not in text:
        return text
    return _UNFIT.sub("�", text)


def fold(text: str) -> str:
    """`text` for comparison: compatibility forms (full-width, ligatures) and case made equal, white space made one."""
    if text.isascii():
        return " ".join(text.lower().split())
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).split())


def search_text(name: str, email: str, phone: str, *ids: str) -> str:
    """What a lead is found by: its folded name, e-mail and phone, the phone's bare digits, and its ids."""
    digits = phone[1:] if phone[:1] == "+" and phone[1:].isdecimal() else _DIGITS.sub("", phone)
    parts = [name[:400], email[:320], phone[:64], digits[:32] if digits != phone else "", *ids]
    return fold(" ".join(filter(None, parts)))[:MAX_SEARCH]


def search_texts(name: str, email: str, phone: str, *ids: str) -> tuple[str, str]:
    """A lead's search text, and the `parts` of it."""
    search = search_text(name, email, phone, *ids)
    return search, parts(search)


def parts(search: str) -> str:
    """What the search index knows of a search text: the words that are no numbers, then codes of each word's digits.

    Every trigram of the `parts_of` a fragment of the text is in it.
    """
    raw = search.encode()
    kept = ""
    # The phone's digits without signs between come after the phone, and have what it has.
    for word in reversed(_codes(raw)):
        if len(word) > 2 and word not in kept:
            kept += " " + word
    return _worded(raw) + kept


def parts_of(folded: str) -> list[str]:
    """The parts of a fragment, folded: its words that are no numbers, and the codes of each word's digits."""
    raw = folded.encode()
    return [_worded(raw), *(word for word in _codes(raw) if len(word) > 2)]


def _worded(raw: bytes) -> str:
    """The words that are no numbers. A trigram of the others is in one of thirty leads, and tells nothing."""
    return b" ".join([word for word in raw.split(b" ") if word.strip(_OF_NUMBERS)]).decode()


def _codes(raw: bytes) -> list[str]:
    """The digits of each word, a sign for every two of them side by side: a trigram of it is four digits in a row.

    Two pairs may have the same sign: what has a code may not have the digits, but not the other way round.
    """
    nibbles = raw.translate(_NIBBLES, _NO_NIBBLES)
    # As one number, times 0x110: every nibble beside the one that follows it.
    pairs = (int.from_bytes(nibbles, "big") * 0x110).to_bytes(len(nibbles) + 1, "big")
    return pairs[1 : len(nibbles)].translate(_PAIRS).decode().split()


def like(text: str) -> str:
    """The LIKE pattern that finds the fragment `text`, folded, with LIKE's own signs taken literally."""
    return like_folded(fold(fit(text)))


def like_folded(text: str) -> str:
    """The same for a fragment, or a part of one, that is folded."""
    return "%" + re.sub(r"([\\%_])", r"\\\1", text) + "%"
