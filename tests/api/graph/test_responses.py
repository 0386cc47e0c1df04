"""Every recorded answer of the Graph API leads to what is written beside it."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from api.graph import Action, GraphClient, GraphLead, Scope, Trouble
from api.graph.verdict import TRANSIENT_DELAY_S
from tests.api.graph.cases import CASES, Scripted, ids_of, lead, response, several

SINGLE = {name: case for name, case in CASES.items() if "/{lead}?" in case["request"]}
OTHERS = {
    "err_100_too_many_ids",
    "ids_multi_ok",
    "ids_multi_silently_missing",
    "bulk_page_1",
    "bulk_next_same_cursor",
    "page_has_lead_access_denied",
    "page_subscribed_without_leadgen",
}


def asked_for(case: dict[str, Any]) -> str:
    """The id that was asked for: the one in the answer where it should be that one."""
    try:
        body = json.loads(case["body"])
    except ValueError:
        body = {}
    given = body.get("id", "") if isinstance(body, dict) else ""
    return given if given and case["action"] != "dead-letter" else "1814022725313742"


async def read(name: str) -> tuple[GraphLead | Trouble, float, int]:
    """What comes of asking for one lead: the result, the pace the headers ask for, and the calls it took."""
    transport = Scripted(lambda _: response(name))
    lead_id = asked_for(CASES[name])
    async with GraphClient(token="t", transport=transport) as client:
        answer = await client.leads("1029", [lead_id])
    assert list(answer.results) == [lead_id]
    return answer.results[lead_id], answer.usage.page.pace_s, len(transport.requests)


def test_every_case_is_tested() -> None:
    assert SINGLE.keys() | OTHERS == CASES.keys()
    assert not SINGLE.keys() & OTHERS


@pytest.mark.parametrize("name", [name for name, case in SINGLE.items() if case["action"].startswith("store")])
async def test_stored(name: str) -> None:
    result, pace_s, calls = await read(name)
    assert isinstance(result, GraphLead)
    assert calls == 1
    assert result.has_fields is ("partial" not in CASES[name]["action"])
    assert (pace_s > 0) is ("slow down" in CASES[name]["action"])
    assert result.cleaned is (name == "lead_lone_surrogate")
    sent = json.loads(CASES[name]["body"])
    if not result.cleaned:
        assert json.loads(result.raw) == sent


async def test_a_lone_surrogate_is_replaced() -> None:
    result, _, _ = await read("lead_lone_surrogate")
    assert isinstance(result, GraphLead)
    assert result.data["field_data"][0]["values"] == ["x\ufffd"]
    result.raw.encode()


WAITS = {"err_4_app", "err_32_page_user_token", "err_80005_leadgen", "err_80005_header_wrong_types", "err_341"}


@pytest.mark.parametrize("name", [name for name, case in SINGLE.items() if case["action"] == "retry with delay"])
async def test_retried_with_delay(name: str) -> None:
    case = CASES[name]
    result, _, calls = await read(name)
    assert isinstance(result, Trouble)
    assert calls == 1
    assert result.action is (Action.WAIT if name in WAITS else Action.RETRY)
    assert result.delay_s == case["delay_s"]
    assert (result.tries > 0) is ("after_retries" in case)
    assert result.ask_after is ("ask operator" in case.get("after_retries", ""))


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("err_4_app", Scope.APP),
        ("err_341", Scope.APP),
        ("err_32_page_user_token", Scope.PAGE),
        ("err_80005_leadgen", Scope.PAGE),
    ],
)
async def test_whom_a_limit_concerns(name: str, scope: Scope) -> None:
    result, _, _ = await read(name)
    assert isinstance(result, Trouble)
    assert (result.scope, result.kind) == (scope, "limit")


KINDS = {
    "err_100_appsecret_proof": "token",
    "err_190_expired_463": "token",
    "err_190_password_460": "token",
    "err_190_app_removed_458": "token",
    "err_190_malformed": "token",
    "err_104_no_token": "token",
    "err_200_leads_retrieval": "permission",
    "err_103_crm_access_revoked": "permission",
    "err_3_capability": "permission",
    "error_not_an_object": "permission",
}


@pytest.mark.parametrize("name", [name for name, case in SINGLE.items() if case["action"] == "ask operator"])
async def test_the_operator_is_asked(name: str) -> None:
    result, _, calls = await read(name)
    assert isinstance(result, Trouble)
    assert (result.action, result.scope, result.kind, calls) == (Action.ASK, Scope.PAGE, KINDS[name], 1)


@pytest.mark.parametrize("name", [name for name, case in SINGLE.items() if case["action"] == "dead-letter"])
async def test_buried(name: str) -> None:
    result, _, _ = await read(name)
    assert isinstance(result, Trouble)
    assert result.action is Action.BURY
    assert "999" in result.error


async def test_too_many_ids_are_split_and_asked_for_now() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        ids = ids_of(request)
        return response("err_100_too_many_ids") if len(ids) > 20 else several(ids)

    transport = Scripted(answer)
    wanted = [str(n) for n in range(100, 154)]
    async with GraphClient(token="t", transport=transport) as client:
        result = await client.leads("1029", wanted)
    assert all(isinstance(result.results[lead_id], GraphLead) for lead_id in wanted)
    assert [len(ids) for ids in transport.asked] == [50, 25, 12, 13, 25, 12, 13, 4]


async def test_too_many_ids_for_a_single_one_is_retried_later() -> None:
    transport = Scripted(lambda _: response("err_100_too_many_ids"))
    async with GraphClient(token="t", transport=transport) as client:
        result = (await client.leads("1029", ["1"])).results["1"]
    assert isinstance(result, Trouble)
    assert (result.action, result.delay_s) == (Action.RETRY, TRANSIENT_DELAY_S)


async def test_several_leads_in_one_call() -> None:
    transport = Scripted(lambda _: response("ids_multi_ok"))
    async with GraphClient(token="t", transport=transport) as client:
        results = (await client.leads("1029", ["1", "2"])).results
    assert transport.asked == [["1", "2"]]
    for lead_id, result in results.items():
        assert isinstance(result, GraphLead)
        assert result.id == lead_id
        assert json.loads(result.raw) == json.loads(CASES["ids_multi_ok"]["body"])[lead_id]


async def test_an_id_silently_missing_is_asked_for_alone() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        alone = ids_of(request) == ["2"]
        return httpx.Response(200, json=lead("2")) if alone else response("ids_multi_silently_missing")

    transport = Scripted(answer)
    async with GraphClient(token="t", transport=transport) as client:
        results = (await client.leads("1029", ["1", "2"])).results
    assert transport.asked == [["1", "2"], ["2"]]
    assert all(isinstance(result, GraphLead) for result in results.values())


async def test_a_part_of_a_listing_and_the_cursor_of_the_next() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return response("bulk_next_same_cursor" if request.url.params.get("after") else "bulk_page_1")

    transport = Scripted(answer)
    async with GraphClient(token="t", transport=transport) as client:
        found = await client.edges.leads("1029", "1811616845554330", since=1761945743.9)
        again = await client.edges.leads("1029", "1811616845554330", since=1761945743.9, after=found.after)
    assert [lead.id for lead in found.leads] == ["1814022725313742"]
    assert (found.after, again.after) == ("OTcx", "OTcx")
    assert [request.url.params.get("after") for request in transport.requests] == [None, "OTcx"]
    first = transport.requests[0].url
    assert first.path == "/v25.0/1811616845554330/leads"
    assert json.loads(first.params["filtering"]) == [
        {"field": "time_created", "operator": "GREATER_THAN", "value": 1761945743}
    ]


async def test_a_page_without_access_or_subscription_says_so() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        subscribed = request.url.path.endswith("/subscribed_apps")
        return response("page_subscribed_without_leadgen" if subscribed else "page_has_lead_access_denied")

    async with GraphClient(token="t", transport=Scripted(answer)) as client:
        access = await client.setup.access_problem("153125381133")
        subscription = await client.setup.subscription_problem("153125381133")
    assert "CRM access has been revoked from Lead Access Manager" in access
    assert "not subscribed to leadgen" in subscription
