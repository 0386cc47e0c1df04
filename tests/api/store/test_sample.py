"""The sample of what leads are searched by: which parts of a fragment a search is narrowed by, and by how much."""

from __future__ import annotations

import psycopg
import pytest

from api.store import Writer
from api.store.connections import Connections
from api.store.sample import Sample
from tests.api.store import making

LEADS = 200


@pytest.fixture
async def narrowed(writer: Writer, store_url: str) -> dict[str, tuple[list[str], float]]:
    """Fragments with the parts chosen for each, and the share of leads these leave."""
    named = [making.write(full_name="Ana Silva" if n else "Zoé Quince", email=f"x{n}@gmail.com") for n in range(LEADS)]
    await writer.write(named)
    with psycopg.connect(store_url, autocommit=True) as connection:
        connection.execute("ANALYZE leads")
    sample = Sample()
    connections = Connections(store_url, size=1, timeout_s=5.0, application="test")
    fragments = ("quince", "silva", "quince gmail", "a@g", "ab", "é q", "王伟", "_z")
    found = {}
    for fragment in fragments:

        async def ask(connection: psycopg.AsyncConnection[object], asked: str = fragment) -> tuple[list[str], float]:
            await sample.refresh(connection)
            return await sample.pieces(connection, asked)

        found[fragment] = await connections.run(ask)
    await connections.close()
    assert sample.leads == LEADS
    assert 0.98 <= sample.share("silva") < 1
    assert 0 < sample.share("quince") <= 0.02
    assert sample.share("nobody") == 0
    return found


async def test_the_rarest_parts_narrow(narrowed: dict[str, tuple[list[str], float]]) -> None:
    pieces, left = narrowed["quince gmail"]
    assert pieces
    assert all(piece in "quince gmail" for piece in pieces)
    assert not {"gma", "mai", "ail"} & set(pieces)
    assert 0 < left <= 0.02


async def test_what_all_have_narrows_nothing_and_says_so(narrowed: dict[str, tuple[list[str], float]]) -> None:
    assert narrowed["silva"][1] > 0.9


@pytest.mark.parametrize("fragment", ["a@g", "ab", "é q", "王伟", "_z"])
async def test_where_the_index_knows_no_part(narrowed: dict[str, tuple[list[str], float]], fragment: str) -> None:
    assert narrowed[fragment] == ([], 1.0)
