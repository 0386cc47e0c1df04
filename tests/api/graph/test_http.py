"""Answers that are none, over real HTTP: cut, endless, packed, redirected, late. Each costs one bounded call."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from api.graph import EVERY, Action, GraphClient, GraphLead, Trouble
from tests.api.worker.standin import Call, Reply, StandIn, error, lead, leads

TOKEN = "EAAGsecrettokenabcdefghijklmnop"
HTML = {"Content-Type": "text/html"}
GZIP = {"Content-Encoding": "gzip"}


@pytest.fixture
async def graph() -> AsyncIterator[StandIn]:
    async with StandIn() as made:
        yield made


async def ask(graph: StandIn, *ids: str, timeout_s: float = 20.0) -> dict[str, GraphLead | Trouble]:
    """What comes of these ids."""
    async with GraphClient(url=graph.url, token=TOKEN, timeout_s=timeout_s) as client:
        return (await client.leads("1029", ids)).results


def is_temporary(result: GraphLead | Trouble) -> bool:
    """Whether it is retried with backoff, for as often as the settings say."""
    assert isinstance(result, Trouble)
    assert TOKEN not in repr(result)
    return (result.action, result.delay_s, result.tries) == (Action.RETRY, 30.0, 0)


BROKEN = {
    "html": Reply("<html>Sorry</html>", 200, HTML),
    "html error": Reply("<html>Sorry</html>", 502, HTML),
    "html refusal": Reply("<html>Forbidden</html>", 403, HTML),
    "empty": Reply("", 200),
    "empty error": Reply("", 503),
    "cut": Reply(leads(["1"]), cut=40),
    "cut at once": Reply(leads(["1"]), cut=0),
    "cut json": Reply(json.dumps(lead("1"))[:-9]),
    "redirect": Reply("", 302, {"Location": "http://127.0.0.1:9/steal"}),
    "not packed": Reply(leads(["1"]), headers=GZIP),
    "packed and cut": Reply(gzip.compress(json.dumps(lead("1")).encode())[:-12], headers=GZIP),
    "packed twice": Reply(gzip.compress(gzip.compress(b"{}")), headers={"Content-Encoding": "gzip, gzip"}),
    "strange packing": Reply(leads(["1"]), headers={"Content-Encoding": "br"}),
    "not HTTP": Reply(leads(["1"]), headers={"Content-Length": "many"}),
    "a word": Reply("true", 503),
    "unexplained": Reply("{}", 500),
}


@pytest.mark.parametrize("ids", [["1"], ["1", "2", "3"]])
@pytest.mark.parametrize("name", BROKEN)
async def test_what_is_no_answer_is_asked_for_later(graph: StandIn, name: str, ids: list[str]) -> None:
    graph.answer = lambda _: BROKEN[name]
    results = await ask(graph, *ids)
    assert all(is_temporary(result) for result in results.values())
    assert [call.ids for call in graph.calls] == [ids]


@pytest.mark.parametrize("kind", ["text/javascript; charset=UTF-8", "text/html", "application/octet-stream", ""])
async def test_a_sound_answer_is_taken_whatever_it_calls_itself(graph: StandIn, kind: str) -> None:
    graph.answer = lambda call: Reply(leads(call.ids), headers={"Content-Type": kind})
    assert all(isinstance(result, GraphLead) for result in (await ask(graph, "1", "2")).values())


async def test_a_packed_answer_is_unpacked(graph: StandIn) -> None:
    graph.answer = lambda call: Reply(gzip.compress(json.dumps(leads(call.ids)).encode()), headers=GZIP)
    assert all(isinstance(result, GraphLead) for result in (await ask(graph, "1", "2")).values())


@pytest.mark.parametrize("headers", [{}, GZIP])
async def test_a_gigantic_answer_is_not_read_to_its_end_and_asked_for_in_parts(
    graph: StandIn, headers: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.graph.transport.MAX_ANSWER", 20_000)

    def answer(call: Call) -> Reply:
        body = {lead_id: lead(lead_id, padding="x" * (5_000_000 if lead_id == "3" else 10)) for lead_id in call.ids}
        text = json.dumps(body if len(call.ids) > 1 else body[call.ids[0]]).encode()
        return Reply(gzip.compress(text, 1) if headers else text, headers=headers)

    graph.answer = answer
    results = await ask(graph, *(str(n) for n in range(1, 7)))
    large = results.pop("3")
    assert isinstance(large, Trouble)
    assert (large.action, large.tries) == (Action.RETRY, 4)
    assert all(isinstance(result, GraphLead) for result in results.values())


async def test_a_late_answer_is_given_up_in_time(graph: StandIn) -> None:
    ended = asyncio.Event()

    async def answer(call: Call) -> Reply:
        await ended.wait()
        return Reply(leads(call.ids))

    graph.answer = answer
    assert is_temporary((await ask(graph, "1", timeout_s=0.3))["1"])
    ended.set()


async def test_an_answer_that_comes_byte_by_byte_is_given_up_too() -> None:
    """The limit is the whole call's."""
    ended = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        with contextlib.suppress(OSError):
            gone = asyncio.ensure_future(reader.read())
            while not gone.done():
                writer.write(b" ")
                await writer.drain()
                await asyncio.wait([gone], timeout=0.02)
        writer.close()
        ended.set()

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with GraphClient(url=url, token=TOKEN, timeout_s=0.5) as client:
            assert is_temporary((await client.leads("1029", ["1"])).results["1"])
        await ended.wait()


async def test_a_redirect_takes_no_token_elsewhere(graph: StandIn) -> None:
    async with StandIn() as elsewhere:
        graph.answer = lambda _: Reply("", 307, {"Location": f"{elsewhere.url}/v25.0/1"})
        assert is_temporary((await ask(graph, "1"))["1"])
        assert elsewhere.all == []


async def test_a_listing_s_next_link_takes_no_token_elsewhere(graph: StandIn) -> None:
    async with StandIn() as elsewhere:
        link = f"{elsewhere.url}/v25.0/77/leads?access_token={TOKEN}&after=2"
        graph.answer = lambda _: Reply({"data": [lead("1")], "paging": {"cursors": {"after": "2"}, "next": link}})
        async with GraphClient(url=graph.url, token=TOKEN) as client:
            found = await client.edges.leads("1029", "77", since=0)
        assert (len(found.leads), found.after, elsewhere.all) == (1, "", [])


async def budget(graph: StandIn, bad: Callable[[str], bool], failing: Reply, count: int = 50) -> int:
    """How many ids were asked for in all, until each of `count` had its lead or its trouble."""

    def answer(call: Call) -> Reply:
        return failing if any(map(bad, call.ids)) else Reply(leads(call.ids))

    graph.answer = answer
    results = await ask(graph, *(str(n) for n in range(1, count + 1)))
    assert {i for i, result in results.items() if isinstance(result, Trouble)} == set(filter(bad, results))
    return sum(len(call.ids) for call in graph.calls)


UNNAMED = [error(803), error(100, "Unsupported get request.", 33), error(100), error(999_999), error(200)]


@pytest.mark.parametrize("failing", UNNAMED)
@pytest.mark.parametrize("every", [1, 2, 7, 25, 50])
async def test_bad_ids_nobody_names_cost_at_most_four_calls_an_id(graph: StandIn, failing: Reply, every: int) -> None:
    """Each id counts as a call in Meta's limits."""
    assert await budget(graph, lambda i: int(i) % every == 0, failing) <= 200


async def test_a_bad_id_that_is_named_costs_one_more_call_of_all(graph: StandIn) -> None:
    assert await budget(graph, lambda i: i == "7", error(803, "(#803) do not exist: 7")) == 100


async def test_a_page_that_refuses_everything_is_asked_for_two_ids_more(graph: StandIn) -> None:
    graph.answer = lambda _: error(200, status=403)
    results = await ask(graph, *(str(n) for n in range(1, 51)))
    assert {result.action for result in results.values() if isinstance(result, Trouble)} == {Action.ASK}
    assert [len(call.ids) for call in graph.calls] == [50, 1, 1]


@pytest.mark.parametrize("refused", ["1", "25", "50"])
async def test_one_lead_that_is_refused_is_not_the_page(graph: StandIn, refused: str) -> None:
    assert await budget(graph, lambda i: i == refused, error(200, status=403)) <= 200
    graph.calls.clear()
    result = (await ask(graph, *(str(n) for n in range(1, 51))))[refused]
    assert isinstance(result, Trouble)
    assert (result.action, result.tries, result.ask_after) == (Action.RETRY, 4, True)


async def test_ids_dropped_silently_are_asked_for_alone(graph: StandIn) -> None:
    graph.answer = lambda call: Reply(leads(call.ids) if len(call.ids) == 1 else {i: lead(i) for i in call.ids[::2]})
    results = await ask(graph, *(str(n) for n in range(1, 51)))
    assert all(isinstance(result, GraphLead) for result in results.values())
    assert [len(call.ids) for call in graph.calls] == [50] + [1] * 25


async def test_a_form_that_is_gone_does_not_hide_the_other_names(graph: StandIn) -> None:
    graph.on_names = lambda call: error(100, "Object with ID '78' does not exist", 33) if "78" in call.ids else None
    async with GraphClient(url=graph.url, token=TOKEN) as client:
        assert await client.names("1029", ["1029", "77", "78"]) == {"1029": "Casa & Co", "77": "Imóveis SP"}
        graph.all.clear()
        graph.on_names = lambda _: error(803)
        assert await client.names("1029", [str(n) for n in range(50)]) == {}
    assert len(graph.all) <= 6


async def test_nothing_is_asked_while_a_page_is_blocked(graph: StandIn) -> None:
    async with GraphClient(url=graph.url, token=TOKEN) as client:
        client.limits.block("1029", time.time() + 60, "so it was told")
        result = (await client.leads("1029", ["1", "2"])).results["2"]
        assert isinstance(result, Trouble)
        assert (result.action, result.error) == (Action.WAIT, "so it was told")
        assert 50 < result.delay_s <= 60
        assert await client.names("1029", ["77"]) == {}
        assert isinstance((await client.leads("7", ["1"])).results["1"], GraphLead)
        client.limits.block(EVERY, time.time() + 60, "all of them")
        assert isinstance((await client.leads("7", ["1"])).results["1"], Trouble)
    assert [call.ids for call in graph.all] == [["1"]]


async def test_a_block_that_is_met_while_others_wait_for_their_turn_stops_them(graph: StandIn) -> None:
    """Calls that wait for a free connection do not follow one that was told to wait."""
    held = asyncio.Event()

    async def answer(call: Call) -> Reply:
        await held.wait()
        return error(80005, "too many")

    graph.answer = answer
    async with GraphClient(url=graph.url, token=TOKEN, connections=1) as client:
        asking: list[Awaitable[object]] = [asyncio.ensure_future(client.leads("1029", [str(n)])) for n in range(5)]
        while not graph.open:
            await asyncio.sleep(0.01)
        held.set()
        await asyncio.gather(*asking)
        assert client.counts.calls["limit"] == len(graph.calls) == 1
