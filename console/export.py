"""Writes leads as CSV or JSON lines, a page at a time: memory does not grow with their number.

CSV is RFC 4180 in UTF-8. A cell that a spreadsheet would run as a formula gets an apostrophe before it, as
https://owasp.org/www-community/attacks/CSV_Injection says, unless it is wanted as it is.
"""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import IO, Protocol

import msgspec

from api.models import Lead, LeadFilter, LeadPage
from console.format import number
from console.masking import mask_email, mask_name, mask_phone, mask_value
from console.snapshots import Progress

FORMATS = ("csv", "jsonl")
PAGE = 2_000
"""Leads read and written at once."""
BOM = b"\xef\xbb\xbf"
TEXTS = (
    "source", "external_id", "job_id", "status", "full_name", "email", "phone", "phone_e164", "page_id", "page_name",
    "form_id", "form_name", "ad_id", "ad_name", "campaign_id", "campaign_name", "platform",
)  # fmt: skip
TIMES = ("received_at", "created_at", "stored_at")
COLUMNS = ("id", *TEXTS, *TIMES, "is_test", "fields", "consent")
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # spreadsheets run the full-width forms too
_PERSONAL: dict[str, Callable[[str], str]] = {
    "full_name": mask_name,
    "email": mask_email,
    "phone": mask_phone,
    "phone_e164": mask_phone,
}
_MASKED = tuple((TEXTS.index(name), mask) for name, mask in _PERSONAL.items())
_texts_of = attrgetter(*TEXTS)
_times_of = attrgetter(*TIMES)
# The same few answers come again and again; what is remembered of them is bounded.
_mask_answer = lru_cache(maxsize=4_096)(mask_value)


class Pages(Protocol):
    """Where leads are read from (console.sources.leads)."""

    async def page(self, where: LeadFilter, *, cursor: str = "", limit: int = 50, full: bool = False) -> LeadPage:
        """A page of leads, newest first."""
        ...


@dataclass(frozen=True, slots=True)
class Layout:
    """How leads are written.

    Attributes:
        format: "csv" or "jsonl".
        answers: names of answers that get a column of their own in CSV.
        reveal: personal data in full.
        exact: CSV cells as they are, even those a spreadsheet would run.
        bom: CSV begins with a byte order mark, by which Excel knows UTF-8.
    """

    format: str = "csv"
    answers: tuple[str, ...] = ()
    reveal: bool = False
    exact: bool = False
    bom: bool = False

    @property
    def head(self) -> bytes:
        """What stands before the first lead."""
        if self.format != "csv":
            return b""
        return (BOM if self.bom else b"") + self._rows([[*COLUMNS, *self.answers]])

    def body(self, leads: Sequence[Lead]) -> bytes:
        """Some leads."""
        if self.format == "csv":
            return self._rows([self._row(lead) for lead in leads])
        return b"".join(msgspec.json.encode(self._document(lead)) + b"\n" for lead in leads)

    def _row(self, lead: Lead) -> list[str]:
        fields = self._fields(lead)
        return [
            str(lead.id),
            *self._texts(lead),
            *map(_time, _times_of(lead)),
            "true" if lead.is_test else "false",
            msgspec.json.encode(fields).decode(),
            msgspec.json.encode(lead.consent).decode(),
            *("; ".join(fields.get(name, ())) for name in self.answers),
        ]

    def _document(self, lead: Lead) -> dict[str, object]:
        return {
            "id": lead.id,
            **dict(zip(TEXTS, self._texts(lead), strict=True)),
            **dict(zip(TIMES, _times_of(lead), strict=True)),
            "is_test": lead.is_test,
            "fields": self._fields(lead),
            "consent": lead.consent,
        }

    def _texts(self, lead: Lead) -> Sequence[str]:
        if self.reveal:
            texts: tuple[str, ...] = _texts_of(lead)
            return texts
        masked = list(_texts_of(lead))
        for index, mask in _MASKED:
            masked[index] = mask(masked[index])
        return masked

    def _fields(self, lead: Lead) -> dict[str, list[str]]:
        if self.reveal:
            return lead.fields
        return {name: [_mask_answer(value) for value in values] for name, values in lead.fields.items()}

    def _rows(self, rows: Sequence[Sequence[str]]) -> bytes:
        text = io.StringIO()
        csv.writer(text).writerows(rows if self.exact else [[harmless(cell) for cell in row] for row in rows])
        return text.getvalue().encode()


def harmless(cell: str) -> str:
    """The cell so that no spreadsheet takes it for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _time(at: datetime | None) -> str:
    return at.isoformat() if at else ""


async def export(
    source: Pages, where: LeadFilter, layout: Layout, to: IO[bytes], *, most: int = 0
) -> AsyncIterator[Progress]:
    """Write the leads of a filter, newest first; a step a page, `done` counting leads. `most` 0: all.

    Leads that arrive meanwhile are newer than the first page, and not written.

    Raises:
        UnreachableError: Postgres does not answer; what was read before is written, and nothing if that is nothing.
        OSError: `to` takes no more.
    """
    done, head = 0, layout.head
    coming = _ask(source, where, "", most or PAGE)
    try:
        while True:
            page = await coming
            left = most - done - len(page.leads) if most else PAGE
            more = bool(page.cursor) and left > 0
            if more:
                # Postgres reads the next page while this one is written.
                coming = _ask(source, where, page.cursor, left)
                await asyncio.sleep(0)
            to.write(head + layout.body(page.leads))
            done, head = done + len(page.leads), b""
            yield Progress(f"{number(done)} written", done=done)
            if not more:
                return
    finally:
        coming.cancel()
        await asyncio.gather(coming, return_exceptions=True)


def _ask(source: Pages, where: LeadFilter, cursor: str, limit: int) -> asyncio.Future[LeadPage]:
    return asyncio.ensure_future(source.page(where, cursor=cursor, limit=min(limit, PAGE), full=True))
