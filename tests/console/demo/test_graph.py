"""The Graph stand-in answers, fails and heals as the real one, over real HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from console.demo.graph import GraphStandIn, Temper
from console.demo.world import Fate, World

TOKEN = "token"
CALM = Temper(slow=0.0, broken=0.0)


@pytest.fixture
def world() -> World:
    world = World(1)
    world.issued = 400
    return world


@pytest.fixture
async def graph(world: World) -> AsyncIterator[GraphStandIn]:
    async with GraphStandIn(world, token=TOKEN, app_secret="secret", temper=CALM) as graph:
        yield graph


@pytest.fixture
async def http(graph: GraphStandIn) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=graph.url, trust_env=False) as client:
        yield client


async def get(http: httpx.AsyncClient, path: str, **query: str) -> tuple[int, Any]:
    answer = await http.get(f"/v25.0/{path}", params={"access_token": TOKEN} | query)
    return answer.status_code, answer.json()


def first(world: World, fate: Fate) -> str:
    return world.lead_id(next(n for n in range(1_000) if world.fate(n) is fate))


async def test_one_lead(http: httpx.AsyncClient, world: World) -> None:
    assert await get(http, world.lead_id(3), fields="id,field_data") == (200, world.answer(3))


async def test_many_leads_without_those_that_cannot_be_read_now(http: httpx.AsyncClient, world: World) -> None:
    fine, ill, gone = (first(world, fate) for fate in (Fate.FINE, Fate.HEALS, Fate.MISSING))
    status, found = await get(http, "", ids=f"{fine},{ill},{gone}")
    assert (status, list(found)) == (200, [fine])


async def test_an_error_heals_after_two_reads_and_is_then_in_the_batch_too(
    http: httpx.AsyncClient, world: World
) -> None:
    ill = first(world, Fate.HEALS)
    for _ in range(2):
        status, body = await get(http, ill)
        assert (status, body["error"]["code"], body["error"]["is_transient"]) == (500, 2, True)
    assert (await get(http, ill))[0] == 200
    assert list((await get(http, "", ids=ill))[1]) == [ill]


async def test_what_never_heals(http: httpx.AsyncClient, world: World) -> None:
    for _ in range(4):
        status, body = await get(http, first(world, Fate.MISSING))
        assert (status, body["error"]["code"], body["error"]["error_subcode"]) == (400, 100, 33)
    unknown, fine = first(world, Fate.UNKNOWN), first(world, Fate.FINE)
    status, body = await get(http, "", ids=f"{fine},{unknown}")
    assert (status, body["error"]["code"]) == (404, 803)
    assert unknown in body["error"]["message"]
    assert (await get(http, unknown))[1]["error"]["code"] == 803
    assert (await get(http, "444444444444"))[1]["error"]["code"] == 803


async def test_names_of_forms_and_pages(http: httpx.AsyncClient, world: World) -> None:
    form = world.forms[0]
    assert await get(http, form.id) == (200, {"id": form.id, "name": form.text.name})
    status, found = await get(http, "", ids=f"{form.id},{form.page_id}", fields="id,name")
    assert status == 200
    assert {found[form.id]["name"], found[form.page_id]["name"]} == {form.text.name, form.text.page}
    assert (await get(http, f"{form.page_id}/leadgen_forms"))[1]["data"][0]["id"] == form.id


async def test_a_forms_leads_come_in_pages_each_once(http: httpx.AsyncClient, world: World) -> None:
    form = world.forms[0]
    seen: list[str] = []
    after: dict[str, str] = {}
    while True:
        _, body = await get(http, f"{form.id}/leads", limit="10", **after)
        seen += [lead["id"] for lead in body["data"]]
        if "next" not in body["paging"]:
            break
        assert "access_token" not in body["paging"]["next"]
        after = {"after": body["paging"]["cursors"]["after"]}
    mine = [n for n in range(400) if world.form(n).id == form.id and not world.fate(n).lasting]
    assert seen == [world.lead_id(n) for n in reversed(mine)]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"access_token": ""}, 104),
        ({"access_token": "other"}, 190),
        ({"appsecret_proof": "0" * 64}, 100),
        ({"ids": ",".join(str(n) for n in range(51))}, 100),
    ],
)
async def test_calls_that_are_wrong(http: httpx.AsyncClient, query: dict[str, str], code: int) -> None:
    status, body = await get(http, "", **query)
    assert (status, body["error"]["code"]) == (400, code)


async def test_the_right_proof_is_taken(http: httpx.AsyncClient, world: World) -> None:
    proof = hmac.new(b"secret", TOKEN.encode(), hashlib.sha256).hexdigest()
    assert (await get(http, world.lead_id(3), appsecret_proof=proof))[0] == 200


async def test_a_page_at_its_limit_says_when_it_ends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    temper = Temper(slow=0, broken=0, limit_every_s=100, limit_s=5)
    async with GraphStandIn(world, token=TOKEN, temper=temper) as graph, httpx.AsyncClient(base_url=graph.url) as http:
        number = next(n for n in range(400) if world.form(n) == world.forms[1] and world.fate(n) is Fate.FINE)
        assert (await get(http, world.lead_id(number)))[0] == 200
        monkeypatch.setattr(graph, "_began", graph._began - 101)
        answer = await http.get(f"/v25.0/{world.lead_id(number)}", params={"access_token": TOKEN})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, 80_005)
        assert world.forms[1].page_id in answer.headers["X-Business-Use-Case-Usage"]
        other = next(n for n in range(400) if world.form(n) == world.forms[0] and world.fate(n) is Fate.FINE)
        assert (await get(http, world.lead_id(other)))[0] == 200
        assert graph.counts.errors == {80_005: 1}


async def test_some_answers_are_slow_and_some_are_html(world: World) -> None:
    temper = Temper(slow=1.0, slow_s=0.3, broken=1.0)
    async with GraphStandIn(world, token=TOKEN, temper=temper) as graph, httpx.AsyncClient(base_url=graph.url) as http:
        answer = await http.get("/v25.0/", params={"access_token": TOKEN, "ids": world.lead_id(3)})
    assert answer.status_code == 500
    assert answer.text.startswith("<html>")
    assert answer.elapsed.total_seconds() >= 0.29


async def test_what_is_no_http_ends_the_connection_and_nothing_else(graph: GraphStandIn, world: World) -> None:
    port = int(graph.url.rpartition(":")[2])
    for junk in (b"\r\n\r\n", b"GET\r\n\r\n", b"\xff" * 200_000, b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(junk)
        writer.write_eof()
        await asyncio.wait_for(_end_of(reader), 5)
        writer.close()
    async with httpx.AsyncClient(base_url=graph.url) as http:
        assert (await get(http, world.lead_id(3)))[0] == 200


async def test_closing_frees_the_port_under_open_connections(world: World) -> None:
    async with GraphStandIn(world, token=TOKEN, temper=CALM) as graph:
        port = int(graph.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def _end_of(reader: asyncio.StreamReader) -> None:
    try:
        assert await reader.read() == b""
    except ConnectionResetError:
        return
