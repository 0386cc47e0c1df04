"""Writes leads as CSV or JSON lines, a page at a time: memory does not grow with their number.

CSV is RFC 4180 in UTF-8. A cell that a spreadsheet would run as a formula gets an apostrophe before it, as
https://owasp.org/www-community/attacks/CSV_Injection says, unless it is wanted as it is.
"""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Protocol

import msgspec

from api.models import Lead, LeadFilter, LeadPage
from console.format import number
from console.masking import mask_email, mask_name, mask_phone, mask_value
from console.snapshots import Progress

FORMATS = ("csv", "jsonl")
PAGE = 1_000
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
            *(self._text(lead, name) for name in TEXTS),
            *(_time(getattr(lead, name)) for name in TIMES),
            "true" if lead.is_test else "false",
            msgspec.json.encode(fields).decode(),
            msgspec.json.encode(lead.consent).decode(),
            *("; ".join(fields.get(name, ())) for name in self.answers),
        ]

    def _document(self, lead: Lead) -> dict[str, object]:
        return {
            "id": lead.id,
            **{name: self._text(lead, name) for name in TEXTS},
            **{name: _time(getattr(lead, name)) or None for name in TIMES},
            "is_test": lead.is_test,
            "fields": self._fields(lead),
            "consent": lead.consent,
        }

    def _text(self, lead: Lead, name: str) -> str:
        value: str = getattr(lead, name)
        return value if self.reveal or name not in _PERSONAL else _PERSONAL[name](value)

    def _fields(self, lead: Lead) -> dict[str, list[str]]:
        if self.reveal:
            return lead.fields
        return {name: [mask_value(value) for value in values] for name, values in lead.fields.items()}

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
        UnreachableError: Postgres does not answer; what was read before is written.
        OSError: `to` takes no more.
    """
    to.write(layout.head)
    done, cursor = 0, ""
    while True:
        limit = min(PAGE, most - done) if most else PAGE
        page = await source.page(where, cursor=cursor, limit=limit, full=True)
        to.write(layout.body(page.leads))
        done, cursor = done + len(page.leads), page.cursor
        yield Progress(f"{number(done)} written", done=done)
        if not cursor or (most and done >= most):
            return
