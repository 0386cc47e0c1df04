"""Calls: what is sent, how a bad id is kept from the good ones, and that no token gets out."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import socket
from collections.abc import Callable

import httpx
import pytest

from api.graph import EVERY, Action, Form, GraphClient, GraphLead, GraphTroubleError, Scope, Trouble
from tests.api.graph.cases import Scripted, ids_of, lead, response, several

TOKEN = "EAAGsecrettokenabcdefghijklmnop"


def fails(code: int, message: str = "no", subcode: int = 0) -> httpx.Response:
    return httpx.Response(400, json={"error": {"message": message, "code": code, "error_subcode": subcode}})


async def ask(
    answer: Callable[[httpx.Request], httpx.Response], ids: list[str], at_once: int = 50
) -> tuple[dict[str, GraphLead | Trouble], list[list[str]]]:
    transport = Scripted(answer)
    async with GraphClient(token=TOKEN, transport=transport) as client:
        return (await client.leads("1029", ids, at_once=at_once)).results, transport.asked


def stored(results: dict[str, GraphLead | Trouble]) -> set[str]:
    return {lead_id for lead_id, result in results.items() if isinstance(result, GraphLead)}


async def test_what_a_call_says() -> None:
    transport = Scripted(lambda request: several(ids_of(request)))
    async with GraphClient(
        url="http://127.0.0.1:1/", version="v24.0", tokens={"1029": TOKEN}, app_secret=b"s3", transport=transport
    ) as client:
        await client.leads("1029", ["1", "2"])
    url = transport.requests[0].url
    assert (url.host, url.path) == ("127.0.0.1", "/v24.0/")
    assert (url.params["ids"], url.params["access_token"]) == ("1,2", TOKEN)
    assert url.params["appsecret_proof"] == hmac.new(b"s3", TOKEN.encode(), hashlib.sha256).hexdigest()
    assert "field_data" in url.params["fields"]


async def test_each_page_has_its_token() -> None:
    transport = Scripted(lambda request: httpx.Response(200, json=lead(ids_of(request)[0])))
    async with GraphClient(token="common", tokens={"1": "own"}, transport=transport) as client:
        for page in ("1", "2", ""):
            await client.leads(page, ["9"])
        assert client.tokens == 2
    assert [request.url.params["access_token"] for request in transport.requests] == ["own", "common", "common"]


async def test_a_lead_without_a_page_takes_the_only_token() -> None:
    async with GraphClient(tokens={"1": "own"}) as client:
        assert (client.token_for(""), client.token_for("2")) == ("own", "")


async def test_without_a_token_nothing_is_called_and_the_operator_is_asked() -> None:
    transport = Scripted(lambda _: response("lead_organic"))
    async with GraphClient(tokens={"1": "a", "2": "b"}, transport=transport) as client:
        results = (await client.leads("1029\n", ["1", "2"])).results
    assert transport.requests == []
    for result in results.values():
        assert isinstance(result, Trouble)
        assert (result.action, result.kind) == (Action.ASK, "token")
        assert "1029" in result.error
        assert result.error.isprintable()


async def test_at_most_fifty_in_a_call() -> None:
    results, asked = await ask(lambda request: several(ids_of(request)), [str(n) for n in range(120)])
    assert [len(ids) for ids in asked] == [50, 50, 20]
    assert len(stored(results)) == 120


async def test_fewer_at_once_on_demand() -> None:
    _, asked = await ask(lambda request: several(ids_of(request)), ["1", "2", "3"], at_once=2)
    assert asked == [["1", "2"], ["3"]]


async def test_an_id_asked_for_twice_is_read_once() -> None:
    _, asked = await ask(lambda request: several(ids_of(request)), ["1", "2", "1"])
    assert asked == [["1", "2"]]


@pytest.mark.parametrize(("code", "subcode", "message"), [
    (100, 33, "Unsupported get request. Object with ID '7' does not exist, cannot be loaded"),
    (803, 0, "(#803) Some of the aliases you requested do not exist: 7"),
])  # fmt: skip
async def test_the_id_an_error_names_is_asked_for_alone(code: int, subcode: int, message: str) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        ids = ids_of(request)
        return fails(code, message, subcode) if "7" in ids else several(ids)

    results, asked = await ask(answer, [str(n) for n in range(1, 31)])
    assert stored(results) == {str(n) for n in range(1, 31)} - {"7"}
    assert [len(ids) for ids in asked] == [30, 1, 29]


@pytest.mark.parametrize("code", [100, 803, 999999])
async def test_a_bad_id_nobody_names_is_found_by_halving(code: int) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        ids = ids_of(request)
        if "7" in ids:
            return fails(code)
        return several(ids) if len(ids) > 1 else httpx.Response(200, json=lead(ids[0]))

    results, asked = await ask(answer, [str(n) for n in range(1, 51)])
    assert stored(results) == {str(n) for n in range(1, 51)} - {"7"}
    assert sum(map(len, asked)) < 150


async def test_all_bad_ends_too() -> None:
    results, asked = await ask(lambda _: fails(803), [str(n) for n in range(1, 51)])
    assert {result.action for result in results.values() if isinstance(result, Trouble)} == {Action.BURY}
    assert len(results) == 50
    assert sum(map(len, asked)) <= 200


@pytest.mark.parametrize("odd", [None, False, "x", {}, {"error": {"code": 100}}, {"id": 5}])
async def test_a_value_that_is_no_lead_is_asked_for_alone(odd: object) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        ids = ids_of(request)
        if ids == ["2"]:
            return httpx.Response(200, json=lead("2"))
        return httpx.Response(200, json={"1": lead("1"), "2": odd})

    results, asked = await ask(answer, ["1", "2"])
    assert asked[1:] == ([["2"]] if odd != {"id": 5} else [])
    assert stored(results) == ({"1", "2"} if odd != {"id": 5} else {"1"})


async def test_a_wrong_id_among_several_is_buried_alone() -> None:
    results, _ = await ask(lambda _: httpx.Response(200, json={"1": lead("1"), "2": lead("3")}), ["1", "2"])
    wrong = results["2"]
    assert isinstance(wrong, Trouble)
    assert wrong.action is Action.BURY
    assert stored(results) == {"1"}


async def test_ids_given_as_numbers_are_the_same_ids() -> None:
    body = '{"23842978613670425": {"id": 23842978613670425, "field_data": []}, "2": {"id": "2"}}'
    results, _ = await ask(lambda _: httpx.Response(200, content=body), ["23842978613670425", "2"])
    assert stored(results) == {"23842978613670425", "2"}
    found = results["23842978613670425"]
    assert isinstance(found, GraphLead)
    assert '"id": 23842978613670425' in found.raw


@pytest.mark.parametrize("name", ["err_190_expired_463", "err_80005_leadgen"])
async def test_once_the_page_must_wait_nothing_more_is_asked(name: str) -> None:
    results, asked = await ask(lambda _: response(name), [str(n) for n in range(1, 121)])
    assert len(asked) == 1
    assert len(results) == 120
    assert stored(results) == set()


async def test_a_temporary_error_concerns_its_own_call_only() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        ids = ids_of(request)
        return response("err_2_service_transient") if "1" in ids else several(ids)

    results, asked = await ask(answer, [str(n) for n in range(1, 101)])
    assert len(asked) == 2
    assert len(stored(results)) == 50


@pytest.mark.parametrize("lead_id", ["", "abc", "12/34", "1?x=1", "../me", "１２", "9" * 41, "me"])
async def test_what_is_no_id_is_never_sent(lead_id: str) -> None:
    results, asked = await ask(lambda request: httpx.Response(200, json=lead(ids_of(request)[0])), [lead_id, "1"])
    assert asked == [["1"]]
    bad = results[lead_id]
    assert isinstance(bad, Trouble)
    assert bad.action is Action.BURY


async def test_an_html_page_is_retried() -> None:
    results, _ = await ask(lambda _: httpx.Response(200, html="<html>Sorry</html>"), ["1"])
    found = results["1"]
    assert isinstance(found, Trouble)
    assert (found.action, found.delay_s) == (Action.RETRY, 30)


async def test_a_redirect_is_not_followed() -> None:
    results, asked = await ask(lambda _: httpx.Response(302, headers={"location": "http://evil.example/"}), ["1"])
    assert len(asked) == 1
    assert isinstance(results["1"], Trouble)


async def test_bytes_that_are_not_utf8_are_replaced() -> None:
    body = b'{"id":"1","field_data":[{"name":"full_name","values":["J\xfcrgen"]}]}'
    results, _ = await ask(lambda _: httpx.Response(200, content=body), ["1"])
    found = results["1"]
    assert isinstance(found, GraphLead)
    assert found.cleaned
    assert found.data["field_data"][0]["values"] == ["J\ufffdrgen"]


@pytest.mark.parametrize("value", [rb"x\u0000", b"J\xfcrgen", rb"\ud83d"])
async def test_only_the_lead_that_something_was_replaced_in_is_marked(value: bytes) -> None:
    body = b'{"1":{"id":"1","field_data":[{"name":"a","values":["%s"]}]},"2":{"id":"2","field_data":[]}}' % value
    results, _ = await ask(lambda _: httpx.Response(200, content=body), ["1", "2"])
    assert [isinstance(found, GraphLead) and found.cleaned for found in results.values()] == [True, False]


async def test_no_answer_in_time_burns_an_attempt_and_names_no_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        async with GraphClient(url=url, token=TOKEN, timeout_s=0.2) as client:
            found = (await client.leads("1029", ["1"])).results["1"]
    assert isinstance(found, Trouble)
    assert (found.action, found.delay_s) == (Action.RETRY, 30)
    assert TOKEN not in found.error + caplog.text


async def test_an_address_where_nobody_answers_makes_all_calls_wait_longer_each_time(
    free_port: Callable[[], int],
) -> None:
    async with GraphClient(url=f"http://127.0.0.1:{free_port()}", token=TOKEN) as client:
        found = []
        for _ in range(8):
            found.append((await client.leads("1029", ["1"])).results["1"])
            client.limits.unblock(EVERY)
    troubles = [trouble for trouble in found if isinstance(trouble, Trouble)]
    assert {(trouble.action, trouble.scope) for trouble in troubles} == {(Action.WAIT, Scope.APP)}
    assert [trouble.delay_s for trouble in troubles] == [5, 10, 20, 40, 60, 60, 60, 60]


async def test_calls_that_fail_together_count_as_one_time(free_port: Callable[[], int]) -> None:
    async with GraphClient(url=f"http://127.0.0.1:{free_port()}", token=TOKEN) as client:
        found = await asyncio.gather(*(client.leads(str(page), ["1"]) for page in range(8)))
    delays = [trouble.delay_s for each in found for trouble in each.results.values() if isinstance(trouble, Trouble)]
    assert len(delays) == 8
    assert max(delays) <= 5


async def test_an_endless_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.graph.transport.MAX_ANSWER", 1000)
    results, _ = await ask(lambda _: httpx.Response(200, content=b" " * 2000), ["1"])
    found = results["1"]
    assert isinstance(found, Trouble)
    assert found.action is Action.RETRY


def listing(after: str, link: str) -> httpx.Response:
    return httpx.Response(
        200, json={"data": [lead(f"1{after}")], "paging": {"cursors": {"after": after}, "next": link}}
    )


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v25.0/1/leads?after=2",
        "http://graph.facebook.com/v25.0/1/leads?after=2",
        "https://graph.facebook.com:8443/v25.0/1/leads?after=2",
        "https://graph.facebook.com@evil.example/v25.0/1/leads?after=2",
        "//evil.example/?after=2",
        "https://[::1/?after=2",
        "",
    ],
)
async def test_a_listing_is_never_followed_elsewhere(link: str) -> None:
    transport = Scripted(lambda _: listing("2", link))
    async with GraphClient(token=TOKEN, transport=transport) as client:
        found = await client.edges.leads("1029", "77", since=0)
    assert (len(found.leads), found.after, len(transport.requests)) == (1, "", 1)


async def test_a_listing_goes_on_from_its_cursor_with_our_own_token() -> None:
    link = "https://graph.facebook.com/v25.0/77/leads?access_token=x&after=3"
    transport = Scripted(lambda _: listing("2", link))
    async with GraphClient(token=TOKEN, transport=transport) as client:
        found = await client.edges.leads("1029", "77", since=0, after="2")
    assert found.after == "3"
    (url,) = [request.url for request in transport.requests]
    assert (url.host, url.params["after"], url.params["access_token"]) == ("graph.facebook.com", "2", TOKEN)


async def test_fewer_leads_are_listed_at_once_where_so_many_are_too_many() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if int(request.url.params["limit"]) > 100:
            error = {
                "code": 1,
                "message": "Please reduce the amount of data you're asking for",
            }
            return httpx.Response(500, json={"error": error})
        return listing("", "")

    transport = Scripted(answer)
    async with GraphClient(token=TOKEN, transport=transport) as client:
        found = await client.edges.leads("1029", "77", since=0, limit=400)
    assert [request.url.params["limit"] for request in transport.requests] == ["400", "200", "100"]
    assert (len(found.leads), found.limit) == (1, 100)


async def test_forms_of_a_page_and_the_page_of_a_form() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/77"):
            return httpx.Response(200, json={"id": "77", "name": "Imóveis", "page_id": "1029", "status": "ACTIVE"})
        after = request.url.params.get("after", "")
        data = [{"id": "78" if after else "77", "name": "x"}, {"id": "../../evil"}, "none", {"name": "no id"}]
        following = {"cursors": {"after": "2"}, "next": "https://graph.facebook.com/v25.0/1029/leadgen_forms?after=2"}
        return httpx.Response(200, json={"data": data, "paging": following})

    async with GraphClient(token=TOKEN, transport=Scripted(answer)) as client:
        assert await client.edges.form("", "77") == Form("77", "Imóveis", "1029", "ACTIVE")
        assert [form.id for form in await client.edges.forms("1029")] == ["77", "78"]


async def test_a_listing_that_fails_says_why() -> None:
    async with GraphClient(token=TOKEN, transport=Scripted(lambda _: response("err_190_expired_463"))) as client:
        with pytest.raises(GraphTroubleError, match="Session has expired") as caught:
            await client.edges.leads("1029", "77", since=0)
    assert TOKEN not in str(caught.value)
    assert (caught.value.trouble.action, caught.value.answered) == (Action.ASK, True)


async def test_a_well_set_up_page_has_no_problems() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("subscribed_apps"):
            return httpx.Response(200, json={"data": [{"subscribed_fields": ["feed", "leadgen"]}]})
        return httpx.Response(200, json={"has_lead_access": {"can_access_lead": True}, "id": "1"})

    async with GraphClient(token=TOKEN, transport=Scripted(answer)) as client:
        assert await client.setup.access_problem("1") == ""
        assert await client.setup.subscription_problem("1") == ""


async def test_names_are_had_as_far_as_they_can() -> None:
    body = {"77": {"id": "77", "name": "Imóveis SP"}, "78": {"id": "78"}, "1029": None}
    transport = Scripted(lambda _: httpx.Response(200, content=json.dumps(body)))
    async with GraphClient(token=TOKEN, transport=transport) as client:
        assert await client.names("1029", ["77", "78", "1029", "site/x"]) == {"77": "Imóveis SP"}
        assert await client.names("1029", ["site/x"]) == {}
    assert transport.asked == [["77", "78", "1029"]]
    async with GraphClient(token=TOKEN, transport=Scripted(lambda _: response("err_190_malformed"))) as client:
        assert await client.names("1029", ["77"]) == {}
