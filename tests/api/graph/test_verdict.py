"""The error table and the usage headers, beyond the recorded answers."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.graph.usage import usage
from api.graph.verdict import Action, Scope, Trouble, fault, safe, trouble


def error(code: Any, subcode: Any = None, message: Any = "m", **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "code": code, "error_subcode": subcode} | more}


@pytest.mark.parametrize("code", [4, 17, 32, 341, 613, 80000, 80005, 80014])
def test_limits_wait(code: int) -> None:
    found = trouble(400, {}, error(code))
    assert (found.action, found.delay_s, found.kind) == (Action.WAIT, 900, "limit")
    assert found.scope is {4: Scope.APP, 341: Scope.APP, 17: Scope.USER, 613: Scope.USER}.get(code, Scope.PAGE)


@pytest.mark.parametrize("code", [80015, 79999, 5, 614])
def test_their_neighbours_do_not(code: int) -> None:
    assert trouble(400, {}, error(code)).action is Action.RETRY


@pytest.mark.parametrize(
    ("code", "kind"), [(190, "token"), (102, "token"), (104, "token"), ("190", "token"), (3, "permission"),
                       (10, "permission"), (103, "permission"), (200, "permission"), (278, "permission"),
                       (299, "permission")],
)  # fmt: skip
def test_the_operator_is_asked(code: Any, kind: str) -> None:
    found = trouble(400, {}, error(code))
    assert (found.action, found.kind, found.delay_s) == (Action.ASK, kind, 0)


@pytest.mark.parametrize("status", [200, 400, 403, 500])
def test_lead_access_manager_is_known_by_its_words(status: int) -> None:
    found = trouble(status, {}, error(100, 33, "CRM access has been revoked from Lead Access Manager"))
    assert (found.action, found.kind) == (Action.ASK, "permission")


@pytest.mark.parametrize(
    ("status", "body", "delay_s"),
    [
        (500, error(1), 30),
        (400, error(2), 30),
        (400, error(77, is_transient=True), 30),
        (502, None, 30),
        (503, error(100), 30),
        (400, None, 30),
        (200, None, 30),
        (400, error(100, 33), 60),
        (400, error(100), 300),
        (400, error(None), 300),
        (400, {"error": None}, 300),
        (400, {"error": []}, 300),
        (400, [], 300),
        (404, {}, 300),
        (200, False, 300),
        (302, "x", 300),
    ],
)
def test_retries(status: int, body: Any, delay_s: float) -> None:
    found = trouble(status, {}, body)
    assert (found.action, found.delay_s) == (Action.RETRY, delay_s)


def test_the_missing_and_the_unknown_are_given_up_after_a_few() -> None:
    assert trouble(400, {}, error(100, 33)).tries == trouble(400, {}, error(999999)).tries == 4
    assert trouble(500, {}, error(1)).tries == 0


def test_aliases_that_do_not_exist_are_buried_and_a_block_is_waited_out() -> None:
    assert trouble(404, {}, error(803)).action is Action.BURY
    blocked = trouble(400, {}, error(368))
    assert blocked.action is Action.WAIT
    assert blocked.delay_s >= 3600


def test_too_much_at_once_is_split() -> None:
    message = "Please reduce the amount of data you're asking for, then retry your request"
    assert trouble(500, {}, error(1, message=message)).action is Action.SPLIT


@pytest.mark.parametrize(("after", "delay_s"), [("120", 120), ("5", 60), ("9999999", 86400), ("soon", 900)])
def test_retry_after_is_taken_where_a_proxy_gives_it(after: str, delay_s: float) -> None:
    assert trouble(429, httpx.Headers({"Retry-After": after}), None).delay_s == delay_s


BUC, ACCOUNT = "X-Business-Use-Case-Usage", "X-Ad-Account-Usage"


@pytest.mark.parametrize(
    ("headers", "percent", "regain_s"),
    [
        ({}, 0, 0),
        ({"X-App-Usage": '{"call_count":28,"total_time":25,"total_cputime":90.5}'}, 90.5, 0),
        ({BUC: '{"1":[{"type":"leadgen","call_count":95,"estimated_time_to_regain_access":19}]}'}, 95, 1140),
        ({BUC: '{"1":[{"call_count":5,"estimated_time_to_regain_access":0.5}]}'}, 5, 60),
        ({BUC: '{"1":[{"type":"leadgen","estimated_time_to_regain_access":99999}]}'}, 0, 86400),
        ({BUC: '{"1":[{"type":"leadgen","estimated_time_to_regain_access":-5}]}'}, 0, 0),
        ({BUC: '{"1":[{"type":"leadgen","estimated_time_to_regain_access":"19"}]}'}, 0, 0),
        ({BUC: '{"1":[{"type":"leadgen","estimated_time_to_regain_access":true}]}'}, 0, 0),
        ({BUC: '{"1":[{"type":"leadgen","estimated_time_to_regain_access":1e400}]}'}, 0, 0),
        ({BUC: '{"1":[{"type":"leadgen","estimated_time_to_regain_access":NaN}]}'}, 0, 0),
        ({BUC: '{"1":[{"type":"ads_insights","call_count":99,"estimated_time_to_regain_access":19}]}'}, 0, 0),
        ({BUC: '{"1":[{"type":"ads_insights","call_count":99},{"type":"pages","total_time":81}]}'}, 81, 0),
        ({BUC: '{"1":[{"type":["x"],"call_count":99}]}'}, 0, 0),
        ({BUC: '{"1":null,"2":"x","3":[null,1],"4":{"type":"leadgen"}}'}, 0, 0),
        ({BUC: "[]"}, 0, 0),
        ({BUC: "{"}, 0, 0),
        ({BUC: "[" * 19_000}, 0, 0),
        ({BUC: '{"1":[{"call_count":99}]}' + " " * 20_000}, 0, 0),
        (
            {ACCOUNT: '{"acc_id_util_pct":100,"reset_time_duration":120,"ads_api_access_tier":"standard_access"}'},
            100,
            120,
        ),
        ({ACCOUNT: '{"acc_id_util_pct":9.67,"reset_time_duration":120}'}, 9.67, 0),
        ({ACCOUNT: '{"acc_id_util_pct":"x","reset_time_duration":[]}'}, 0, 0),
        ({BUC: '{"1":[{"call_count":' + "9" * 5000 + "}]}"}, 0, 0),
        ({"X-App-Usage": "null", BUC: '{"1":[{"call_count":85}],"2":[{"call_count":20}]}'}, 85, 0),
    ],
)
def test_usage_headers(headers: dict[str, str], percent: float, regain_s: float) -> None:
    found = usage(httpx.Headers(headers))
    worst = found.page.worst(found.app)
    assert (worst.percent, worst.regain_s) == (percent, regain_s)


def test_calls_are_spaced_before_the_block() -> None:
    paces = [
        usage(httpx.Headers({"X-App-Usage": f'{{"call_count":{p}}}'})).app.pace_s for p in (0, 79, 80, 90, 95, 120)
    ]
    assert paces == sorted(paces)
    assert paces[:2] == [0, 0]
    assert paces[2] > 0


def test_the_app_s_use_is_kept_apart_from_the_page_s() -> None:
    headers = {"X-App-Usage": '{"call_count":85}', BUC: '{"1":[{"type":"leadgen","call_count":92}]}'}
    found = usage(httpx.Headers(headers))
    assert (found.app.percent, found.page.percent) == (85, 92)
    assert found.page.pace_s > found.app.pace_s > 0


def test_a_full_limit_stops_calls_as_long_as_told() -> None:
    found = usage(httpx.Headers({BUC: '{"1":[{"call_count":100,"estimated_time_to_regain_access":19}]}'}))
    assert (found.page.stop_s, found.app.stop_s) == (1140, 0)
    assert usage(httpx.Headers({"X-App-Usage": '{"total_time":100}'})).app.stop_s == 60
    assert usage(httpx.Headers({"X-App-Usage": '{"total_time":99}'})).app.stop_s == 0


@pytest.mark.parametrize(
    "text",
    [
        "x access_token=EAAGabcdefghijklmnopqrstuv&y",
        "https://h/p?access_token%3Dabcdef&z",
        '{"access_token": "abcdef"}',
        "token EAAGm0PX4ZCpsBAabcdefghijkl is bad",
        "appsecret_proof=abcdef",
    ],
)
def test_errors_hold_no_token(text: str) -> None:
    shown = safe(text)
    assert "abcdef" not in shown


def test_errors_are_one_bounded_line() -> None:
    shown = trouble(400, {}, error(999, message="a\n\x1b[2J\x9b31m\u202eb\ud83d" + "c" * 5000)).error
    assert len(shown) <= 200
    assert shown.isprintable()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["error", "code", "error_subcode", "message", "is_transient", "x"]), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.integers(200, 599), json_values)
def test_any_answer_gets_a_verdict(status: int, body: Any) -> None:
    fault(body)
    found = trouble(status, {}, body)
    assert isinstance(found, Trouble)
    assert found.delay_s > 0 or found.action in (Action.ASK, Action.BURY)
