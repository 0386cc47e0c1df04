"""How text is folded for search, and what Postgres cannot take is replaced. Writer and Reader must agree on it."""

from __future__ import annotations

import re
import unicodedata

MAX_SEARCH = 1_000
"""Characters of a lead's search text that are kept."""

_UNFIT = re.compile("[\x00\ud800-\udfff]")
_DIGITS = re.compile(r"\D+")


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
    digits = _DIGITS.sub("", phone)
    parts = [name[:400], email[:320], phone[:64], digits[:32] if digits != phone else "", *ids]
    return fold(" ".join(part for part in parts if part))[:MAX_SEARCH]


def like(text: str) -> str:
    """The LIKE pattern that finds the fragment `text`, folded, with LIKE's own signs taken literally."""
    return like_folded(fold(fit(text)))


def like_folded(text: str) -> str:
    """The same for a fragment, or a part of one, that is folded."""
    return "%" + re.sub(r"([\\%_])", r"\\\1", text) + "%"
