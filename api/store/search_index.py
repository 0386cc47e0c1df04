"""The index `leads_search`: trigrams of a lead's `parts`, and keys for stretches of time, forms and the like. Pure.

One GIN index holds both, so that a search reads only the part of a trigram's list that lies in the stretch: leads of
one time lie side by side in the table. Postgres cannot stop a GIN scan early; stretch by stretch it need not.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import LiteralString

WIDTH = timedelta(seconds=1 << 20)
"""Length of a stretch: 12 days."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

KEYS: LiteralString = (
    "(ARRAY['t' || (floor(extract(epoch FROM received_at AT TIME ZONE 'UTC'))::bigint >> 20)::text, "
    "'f' || form_id, 'p' || page_id, 'c' || campaign_id, 's' || source])"
)
"""A lead's keys, as the index has them: queries must say it in the same words."""

PREFIXES = {"form": "f", "page": "p", "campaign": "c", "source": "s"}

# New entries wait in a list that every search reads whole; kept short, and writing costs the same.
CREATE: LiteralString = (
    f"CREATE INDEX CONCURRENTLY leads_search ON leads USING gin ({KEYS}, search_parts gin_trgm_ops) "
    "WITH (gin_pending_list_limit = 1024)"
)
USABLE: LiteralString = "SELECT FROM pg_index WHERE indexrelid = to_regclass('leads_search') AND indisvalid"
LETTERS: LiteralString = (
    "SELECT show_trgm(sign) <> '{}' FROM unnest(%s::text[]) WITH ORDINALITY AS s (sign, n) ORDER BY n"
)
"""Which signs the server takes for letters or digits: its locale decides."""


def stretch_of(at: datetime) -> int:
    """Number of the stretch that holds a moment."""
    return (at - _EPOCH) // WIDTH


def start_of(stretch: int) -> datetime:
    """When a stretch begins."""
    return _EPOCH + WIDTH * stretch


def keys_of(newest: int, oldest: int) -> list[str]:
    """The keys of the stretches from `oldest` to `newest`, both included."""
    return [f"t{n}" for n in range(newest, oldest - 1, -1)]
