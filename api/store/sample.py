"""A sample of what leads are searched by: how frequent a fragment is, and which parts of it narrow a search best."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import LiteralString

from api.store.connections import Connection, rows
from api.store.search_index import LETTERS
from api.store.text import parts_of

_KEPT_S = 600.0
_PAGES, _ROWS_A_PAGE = 150, 10
_AT_A_TIME = 50
_COMMON = 0.12
"""A trigram of so many leads has a list too long to be worth reading."""
_MOST_PIECES = 6
_A_CODE = 0.0025
"""The share of leads that has four digits in a row, probably: some 25 of the 10,000 there are."""
_ROW, _ENTRY = 5_000.0, 10.0
"""What it takes, about, to look at a lead that the index found, and to read an entry of a list: nanoseconds."""
_ENOUGH = 5
"""Leads of the sample that tell whether a piece narrows what the others leave."""
_UNSEEN = 0.3
"""Leads of the sample taken to have what none of them has."""

_SIZE: LiteralString = """
SELECT pg_relation_size('leads') / current_setting('block_size')::int,
       greatest((SELECT reltuples FROM pg_class WHERE oid = 'leads'::regclass), 0)
"""
_TEXTS: LiteralString = "SELECT search, search_parts FROM leads WHERE ctid = ANY (%s::tid[])"


class Sample:
    """About a thousand leads' search texts, read anew every ten minutes. Estimates only: no answer depends on it."""

    def __init__(self) -> None:
        self._texts: Sequence[str] = ()
        self._parts: Sequence[str] = ()
        self._counts: Counter[str] = Counter()
        self._letters: dict[str, bool] = {}
        self._read_at = float("-inf")
        self.leads = 0.0

    async def refresh(self, connection: Connection) -> None:
        """Read it, unless it is fresh."""
        if time.monotonic() - self._read_at < _KEPT_S:
            return
        pages, self.leads = (await rows(connection, _SIZE))[0]
        places = [
            f"({page},{row + 1})"
            for page in random.sample(range(pages), min(_PAGES, pages))
            for row in range(_ROWS_A_PAGE)
        ]
        read = await rows(connection, _TEXTS, [places])
        counts: Counter[str] = Counter()
        for n, (_, text) in enumerate(read):
            plain = _edges(text, [sign.isalnum() for sign in text])
            counts.update({plain[k : k + 3] for k in range(len(plain) - 2)})
            if n % _AT_A_TIME == 0:
                await asyncio.sleep(0)
        self._texts, self._parts, self._counts = [text for text, _ in read], [part for _, part in read], counts
        self._read_at = time.monotonic()

    def share(self, folded: str) -> float:
        """The share of leads that have the fragment; 0 where the sample has none."""
        return sum(folded in text for text in self._texts) / max(1, len(self._texts))

    async def pieces(self, connection: Connection, folded: str) -> tuple[list[str], float]:
        """Parts of a fragment that narrow a search for it best, and about what share of leads has all of them.
        No parts where the index knows no trigram of it.

        The index would read the list of every trigram of the fragment, and those of "gmail" are as long as the table.
        """
        text, *codes = parts_of(folded)
        found = _trigrams(text, await self._which(connection, text))
        total = max(1, len(self._texts))
        counts = {piece: float(self._counts[trigram]) for piece, (trigram, _) in found.items()}
        for n, code in enumerate(codes):
            of_digits = _trigrams(code, [True] * len(code))
            found |= {piece: (trigram, -1 - n) for piece, (trigram, _) in of_digits.items()}
            counts |= {piece: max(self._counts[piece], _A_CODE * total) for piece in of_digits}
        shares = {piece: max(counts[piece], _UNSEEN) / total for piece in found}
        words = {piece: word for piece, (_, word) in found.items()}
        chosen: list[str] = []
        have, left = list(self._parts), 1.0
        while len(chosen) < _MOST_PIECES:
            rest = [piece for piece in found if piece not in chosen and counts[piece] <= _COMMON * total]
            if not rest and not chosen:
                rest = list(found)
            if not rest:
                break
            used = Counter(words[piece] for piece in chosen)
            seen = {p: sum(p in text for text in have) if chosen else counts[p] for p in rest}
            # What leaves the fewest; where none are left, what is rarest of another word than the ones before.
            best = min(rest, key=lambda p: (seen[p], used[words[p]], counts[p], p))
            then = _left([*chosen, best], shares, words, 0.0)
            useless = len(have) >= _ENOUGH and seen[best] > 0.8 * len(have)
            if chosen and (useless or (left - then) * _ROW < shares[best] * _ENTRY):
                break
            chosen.append(best)
            have, left = [text for text in have if best in text], then
        # As if its words had nothing to do with each other, or as the sample has them: the more pessimistic.
        return chosen, max(_left(chosen, shares, words, _UNSEEN / total), len(have) / total)

    async def _which(self, connection: Connection, folded: str) -> list[bool]:
        """Which signs the server takes for letters or digits: its locale decides."""
        unknown = sorted({sign for sign in folded if not sign.isascii() and sign not in self._letters})
        if unknown:
            known = await rows(connection, LETTERS, [unknown])
            self._letters |= {sign: letter for sign, (letter,) in zip(unknown, known, strict=True)}
        return [sign.isalnum() if sign.isascii() else self._letters[sign] for sign in folded]


def _left(chosen: Sequence[str], shares: Mapping[str, float], words: Mapping[str, int], least: float) -> float:
    """The share of leads that has all of the pieces, as if words had nothing to do with each other.

    Those of a word have: its further letters tell half as much, and a further digit is one in ten.
    """
    by_word: dict[int, list[float]] = {}
    for piece in chosen:
        by_word.setdefault(words[piece], []).append(shares[piece])
    left = 1.0
    for word, each in by_word.items():
        first, *others = sorted(each)
        if word < 0:
            left *= first * 0.1 ** len(others)
        else:
            left *= max(least, first * math.sqrt(math.prod(others)))
    return left


def _edges(text: str, letters: Sequence[bool]) -> str:
    """The text with a blank for whatever is no letter or digit, as trigrams have it."""
    return "".join([sign if letter else " " for sign, letter in zip(text, letters, strict=True)])


def _trigrams(folded: str, letters: Sequence[bool]) -> dict[str, tuple[str, int]]:
    """Parts of a fragment that are a trigram each: three letters or digits, or two and the edge of their run.

    Each comes with that trigram and the number of its word.
    """
    plain = _edges(folded, letters)
    found = {}
    for n in range(len(folded) - 2):
        if letters[n + 1] and letters[n : n + 3].count(True) >= 2:
            found[folded[n : n + 3]] = (plain[n : n + 3], plain[: n + 1].count(" "))
    return found
